"""One process: a fresh interpreter with pipes of its own, watched and signalled by a descriptor.

Threads: none. The loop's thread starts a child, reads its pipes without blocking, and reaps it.

Protocol: the child reads one line, its settings, from the lifeline. Only we hold the other end open, so when we die,
however that happens, it reads the end of that pipe. It writes lines of JSON to the status pipe: one when it is ready,
then one for each heartbeat (`supervisor.process.child_pipes`). Its stdout and stderr come through a third pipe.

A signal goes through the pidfd, so it can never reach a stranger that was given the same number.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PIPE_BYTES: Final = 64 * 1024  # a pipe's size unless asked otherwise
_READ_BYTES: Final = 64 * 1024  # at a time, so that a flood from one child does not keep the loop


class Launch(Protocol):
    """How a child is started."""

    def argv(self, status_fd: int, lifeline_fd: int) -> Sequence[str]:
        """The command, with the descriptors that are its pipes."""

    def first_line(self) -> bytes:
        """What is written to its lifeline at once: settings, secrets included, that no argv may show."""

    def environment(self) -> Mapping[str, str]:
        """Its whole environment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """What the system reported when the process was reaped."""

    code: int | None
    signal: int | None
    peak_rss_kb: int


class Child:
    """A started process. It is reaped by `reap` alone, so its pid stays its own until then."""

    def __init__(self, process: subprocess.Popen[bytes], pidfd: int, pipes: tuple[int, int, int]) -> None:
        self._process = process
        self.pid = process.pid
        self.pidfd = pidfd
        self.status_fd, self.output_fd, self._lifeline_fd = pipes

    def send(self, number: signal.Signals) -> bool:
        """Whether the signal was sent; False when the process is dead already."""
        try:
            signal.pidfd_send_signal(self.pidfd, number)
        except ProcessLookupError:
            return False
        return True

    def reap(self) -> Exit | None:
        """How it ended; None while it lives. What is left of its session is killed first."""
        if os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            return None
        # Its number is still taken, by itself, so the group cannot be a stranger's.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        _, status, usage = os.wait4(self.pid, 0)
        code = os.waitstatus_to_exitcode(status)
        self._process.returncode = code
        return Exit(
            code=code if code >= 0 else None,
            signal=-code if code < 0 else None,
            peak_rss_kb=usage.ru_maxrss,
        )

    def close(self) -> None:
        """Close every descriptor; a process that still lived would now read the end of its lifeline."""
        for fd in (self.pidfd, self.status_fd, self.output_fd, self._lifeline_fd):
            os.close(fd)


def read_available(fd: int) -> bytes | None:
    """Read what is there now; None when nothing is, and no bytes at the end."""
    try:
        return os.read(fd, _READ_BYTES)
    except BlockingIOError:
        return None


def spawn(launch: Launch, pass_fds: tuple[int, ...] = ()) -> Child:
    """Start a process, which gets `pass_fds` too; returns once the system has accepted the command.

    Raises:
        OSError: the system would not start it, or has no descriptors left; nothing is left behind.
        ConfigError: it cannot be told its settings.
    """
    first_line = launch.first_line()
    with ExitStack() as ours, ExitStack() as theirs:
        status_fd, their_status_fd = _pipe(ours, theirs)
        output_fd, their_output_fd = _pipe(ours, theirs)
        # The lifeline runs the other way: they read, and only we may hold its writing end.
        their_lifeline_fd, lifeline_fd = _pipe(theirs, ours)
        _write_first(lifeline_fd, first_line)
        os.set_blocking(status_fd, False)
        os.set_blocking(output_fd, False)
        process = subprocess.Popen(  # noqa: S603 - the command is ours
            launch.argv(their_status_fd, their_lifeline_fd),
            stdin=subprocess.DEVNULL,
            stdout=their_output_fd,
            stderr=their_output_fd,
            env=dict(launch.environment()),
            pass_fds=(their_status_fd, their_lifeline_fd, *pass_fds),
            start_new_session=True,
        )
        try:
            pidfd = os.pidfd_open(process.pid)
        except OSError:
            process.kill()
            process.wait()
            raise
        ours.pop_all()
    return Child(process, pidfd, (status_fd, output_fd, lifeline_fd))


def _pipe(reader: ExitStack, writer: ExitStack) -> tuple[int, int]:
    read_fd, write_fd = os.pipe()
    reader.callback(os.close, read_fd)
    writer.callback(os.close, write_fd)
    return read_fd, write_fd


def _write_first(fd: int, line: bytes) -> None:
    """Put `line` into an empty pipe, made large enough to take it: nobody reads yet."""
    if len(line) >= _PIPE_BYTES:
        fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, len(line) + 4096)
    os.set_blocking(fd, False)
    if os.write(fd, line) != len(line):
        raise OSError(f"the settings of a worker, {len(line)} bytes, do not fit into a pipe")
