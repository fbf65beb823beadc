"""The lock of a ledger: `flock` on a descriptor of its own, which the kernel drops when its holder dies.

It has no deadline: a holder changes a few kilobytes of memory and waits for nothing. One that was stopped in the
midst of it (SIGSTOP) holds up the others until it goes on or dies, because nobody but the kernel may break the lock.
"""

from __future__ import annotations

import fcntl
import os
import threading
import weakref
from typing import Final

NO_FILE: Final = -1  # in place of a descriptor: what is locked is in the memory of this process
_SPINS: Final = 30  # two processes on two cores: 1.0 of the throughput of one instead of 0.7; 4 and 8: no loss
_YIELD_EVERY: Final = 10
_open_locks: weakref.WeakSet[Lock] = weakref.WeakSet()


class Lock:
    """Lets in one thread of one process at a time. Without a file it keeps out other threads only."""

    __slots__ = ("__weakref__", "_fd", "_thread_lock")

    def __init__(self, fd: int) -> None:
        """Take over `fd`, which nothing else may use: all duplicates of a descriptor hold one lock together."""
        self._fd = fd
        self._thread_lock = threading.Lock()
        _open_locks.add(self)

    def acquire(self) -> None:
        """Wait until the lock is free, and take it.

        Raises:
            OSError: the system refuses; the lock is then free.
        """
        self._thread_lock.acquire()
        is_taken = self._fd < 0
        try:
            if not is_taken:
                self._lock_file()
                is_taken = True
        finally:
            if not is_taken:
                self.release()

    def _lock_file(self) -> None:
        """Lock the file. Sleep only for a lock that stays taken: a sleep takes as long as several changes."""
        for spin in range(1, _SPINS + 1):
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if spin % _YIELD_EVERY == 0:
                    os.sched_yield()  # its holder may wait for this core
            else:
                return
        fcntl.flock(self._fd, fcntl.LOCK_EX)

    def release(self) -> None:
        """Let the next one in."""
        try:
            if self._fd >= 0:
                fcntl.flock(self._fd, fcntl.LOCK_UN)
        finally:
            self._thread_lock.release()

    def close(self) -> None:
        """Close the descriptor, which releases the lock; does nothing the second time."""
        _open_locks.discard(self)
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = NO_FILE

    def reopen_after_fork(self) -> None:
        """Give a forked child a lock of its own: an inherited descriptor shares its parent's."""
        self._thread_lock = threading.Lock()
        if self._fd >= 0:
            inherited, self._fd = self._fd, own_descriptor(self._fd)
            os.close(inherited)


def own_descriptor(fd: int) -> int:
    """A descriptor of the file behind `fd` that shares no lock with it."""
    return os.open(f"/proc/self/fd/{fd}", os.O_RDWR | os.O_CLOEXEC)


def _after_fork() -> None:
    for lock in list(_open_locks):
        lock.reopen_after_fork()


os.register_at_fork(after_in_child=_after_fork)
