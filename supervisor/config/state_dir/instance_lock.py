"""The lock of the state directory: one supervisor holds it, or one command that does such work alone.

These commands are `debug`, `fetch` and those that look at a page of a selection. Beside a supervisor they take no lock:
they take leases of the ledger like any worker.

The lock is the kernel's (`flock`): it goes with its holder, however that ends, so there is nothing to clean up after
a crash. The pid in the file is for people; only the lock decides.
"""

from __future__ import annotations

import fcntl
import os
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, get_args

from tasks.errors import EXIT_ALREADY_RUNNING, ConfigError, Error

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# `status` tests the lock by taking it for some microseconds: a start that met it there must look again.
_TRIES: Final = 20
_BETWEEN_S: Final = 0.02
_LINE: Final = 32  # bytes: a pid and the name of a command

SoleCommand = Literal["debug", "fetch", "selection"]
_COMMANDS: Final[tuple[SoleCommand, ...]] = get_args(SoleCommand)


class AlreadyRunning(Error):
    """Another supervisor uses this state directory."""

    exit_code = EXIT_ALREADY_RUNNING


@dataclass(frozen=True, slots=True)
class InstanceLock:
    """The lock in the file `path`."""

    path: Path

    @contextmanager
    def held(self, *, command: SoleCommand | None = None) -> Iterator[None]:
        """Be the one supervisor of this directory, or the command that does such work alone.

        Raises:
            AlreadyRunning: another one is. Nothing of it is touched.
            ConfigError: the lock file cannot be opened.
        """
        try:
            fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ConfigError(
                f"{self.path} cannot be opened: {error.strerror}; correct the permissions in STATE_DIR"
            ) from error
        try:
            if not _lock(fd):
                line = os.pread(fd, _LINE, 0)
                pid = _pid_in(line)
                holder = "another process" if pid is None else f"pid {pid}"
                by = _command_in(line)
                holder += "" if by is None else f" (`sluicegate {by}`)"
                raise AlreadyRunning(
                    f"already running: {holder} holds {self.path}; stop it first, or set another STATE_DIR"
                )
            os.ftruncate(fd, 0)
            os.pwrite(fd, b"%d%s\n" % (os.getpid(), b"" if command is None else f" {command}".encode()), 0)
            yield
        finally:
            os.close(fd)

    def holder(self) -> int | None:
        """The pid of the running supervisor; None when none runs, 0 when it has not written its pid yet."""
        line = self._holders_line()
        return None if line is None else _pid_in(line) or 0

    def command(self) -> SoleCommand | None:
        """The command that holds the directory, which has no supervisor then; None when none does."""
        line = self._holders_line()
        return None if line is None else _command_in(line)

    def _holders_line(self) -> bytes | None:
        """What the holder wrote into the file; None when nobody holds the lock."""
        try:
            fd = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            return None if _try_lock(fd, fcntl.LOCK_SH) else os.pread(fd, _LINE, 0)
        finally:
            os.close(fd)


def _lock(fd: int) -> bool:
    pause = threading.Event()
    for _ in range(_TRIES):
        if _try_lock(fd, fcntl.LOCK_EX):
            return True
        pause.wait(_BETWEEN_S)
    return False


def _try_lock(fd: int, kind: int) -> bool:
    try:
        fcntl.flock(fd, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _pid_in(line: bytes) -> int | None:
    text = line.removesuffix(b"\n")
    by = _command_in(line)
    text = text if by is None else text.removesuffix(f" {by}".encode())
    return int(text) if text.isdigit() else None


def _command_in(line: bytes) -> SoleCommand | None:
    return next((one for one in _COMMANDS if line.endswith(f" {one}\n".encode())), None)
