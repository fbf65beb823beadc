"""The parent process of an embedded server: it ends the server when the server's last user is gone.

It lives exactly as long as the server. A user of the server is a process that holds the `users` lock
shared; the kernel drops that lock however the process ends, so a killed supervisor leaves no server behind, and a
server outlives the process that happened to start it for as long as somebody else uses it. Telling the server to
die with its starter (PR_SET_PDEATHSIG) would end it under those others.

It also keeps the server's log small.

The keeper is a fresh interpreter without site-packages, in a session of its own. The kernel ends the
server when the keeper dies: a server whose keeper was killed could otherwise outlive its last user. A user that is
still there starts it again.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from tasks.embedded_postgres import run_as, server_log
from tasks.embedded_postgres.file_lock import FileLock
from tasks.runtime.lifeline import die_with_parent

if TYPE_CHECKING:
    from types import FrameType

START_LOCK = "start.lock"  # exclusive: somebody starts or stops the server
USERS_LOCK = "users.lock"  # shared: a process uses the server

_AGAIN_S: Final = 0.5
LOG_EVERY_S: Final = 15.0
_FAST_SIGNALS: Final = 120  # a minute for the checkpoint of a fast shutdown; then an immediate one


def main(arguments: list[str]) -> None:
    """Start the server and stay until it ends: `HOME IDENTITY PROGRAM ARGUMENT...`. It never returns.

    The caller's child ends at once; the keeper goes on as a child of init, with the descriptors it was given, one
    of which holds the lock that says a server process exists.
    """
    home, who, *command = arguments
    if os.fork() != 0:
        os._exit(0)
    users, start = FileLock(Path(home, USERS_LOCK)), FileLock(Path(home, START_LOCK))
    os.chdir("/")
    keeper = os.getpid()
    server = os.fork()
    if server == 0:
        _become_server(run_as.RunAs.parse(who), command, keeper)
    _pass_on_signals(server)
    threading.Thread(target=_stop_when_unused, args=(server, users, start), daemon=True).start()
    threading.Thread(target=keep_log_small, args=(Path(home), LOG_EVERY_S, threading.Event()), daemon=True).start()
    os.waitpid(server, 0)
    # Not sys.exit: the thread sleeps in the kernel and would never be joined.
    os._exit(0)


def _become_server(who: run_as.RunAs, command: list[str], keeper: int) -> None:
    os.setsid()
    # A handler of this interpreter only notes the signal, and exec forgets the note; one that is ignored stays so.
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    try:
        run_as.enter(who)
        die_with_parent(signal.SIGINT)  # PostgreSQL's fast shutdown: it breaks off sessions and loses nothing
        if os.getppid() == keeper:
            os.execv(command[0], command)  # noqa: S606 - becoming the server is the purpose
    except OSError as error:
        sys.stderr.write(f"cannot start {command[0]} as {who}: {error}\n")
        sys.stderr.flush()
    os._exit(run_as.EXIT_NO_NAMESPACE)


def _pass_on_signals(server: int) -> None:
    """Answer a request to end with a fast, durable shutdown of the server."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        os.kill(server, signal.SIGINT)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop)


def _stop_when_unused(server: int, users: FileLock, start: FileLock) -> None:
    while True:
        users.wait_exclusive()
        # Release it before the start lock is taken: a starter takes the two in the other order.
        users.release()
        start.wait_exclusive()
        if users.try_exclusive():
            _end(server)  # both locks stay held, so that nobody starts before the server is gone
        start.release()


def keep_log_small(home: Path, every_s: float, end: threading.Event) -> None:
    """Look at the log every `every_s` seconds until the end; one that cannot be kept small now may be later."""
    while not end.is_set():
        with suppress(OSError):
            server_log.rotate(home)
        end.wait(every_s)


def _end(server: int) -> NoReturn:
    """Signal the server until this process ends with it: a server that only just starts may miss a signal."""
    pause = threading.Event()
    sent = 0
    while True:
        os.kill(server, signal.SIGINT if sent < _FAST_SIGNALS else signal.SIGQUIT)
        pause.wait(_AGAIN_S)
        sent += 1


def is_last(users: FileLock) -> bool:
    """Whether no other process holds the lock; we then hold it exclusively. The start lock must be held.

    The keeper, woken by our release, may hold the lock for a moment before it waits for the start lock.
    """
    if users.try_exclusive():
        return True
    users.wait_shared()
    users.release()
    return users.try_exclusive()
