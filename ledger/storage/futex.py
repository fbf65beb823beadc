"""How waiters sleep until the book changes, and are woken: on a counter in the mapped file.

On Linux this is a futex: no wake-up while nothing happens, nothing to clean up when a waiter or a waker is killed.
Elsewhere the counter is polled. Every sleep is capped, so a waker killed between its commit and its wake costs
the others no more than the cap.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import sys
import threading
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from ledger.storage.region import Region

CAP_S: Final = 0.5
_POLL_S: Final = 0.02
_FUTEX_WAIT: Final = 0
_FUTEX_WAKE: Final = 1
_SYSCALL: Final = {"x86_64": 202, "aarch64": 98}
_EVERYBODY: Final = 2**31 - 1


class Waker(Protocol):
    """Sleeps on the counter and wakes those who do."""

    def sleep(self, seen: int, seconds: float) -> None:
        """Return when the counter is no longer `seen`, after `seconds` or `CAP_S`, or on a signal."""
        ...

    def wake(self) -> None:
        """Wake everybody who sleeps on the counter."""
        ...


class _Timespec(ctypes.Structure):
    _fields_ = (("tv_sec", ctypes.c_long), ("tv_nsec", ctypes.c_long))


class FutexWaker:
    """Waits in the kernel."""

    def __init__(self, region: Region, number: int) -> None:
        self._number = number
        self._word = ctypes.c_uint32.from_buffer(region.buffer, region.wake_offset)
        self._address = ctypes.addressof(self._word)
        self._syscall = ctypes.CDLL(None, use_errno=True).syscall

    def sleep(self, seen: int, seconds: float) -> None:
        """Sleep in the kernel; a signal ends the sleep, so that its handler's stop request is seen."""
        span = max(0.0, min(seconds, CAP_S))
        limit = _Timespec(int(span), int((span % 1) * 1e9))
        done = self._syscall(
            self._number,
            ctypes.c_void_p(self._address),
            _FUTEX_WAIT,
            ctypes.c_uint32(seen),
            ctypes.byref(limit),
            None,
            0,
        )
        if done != 0 and ctypes.get_errno() not in (errno.EAGAIN, errno.EINTR, errno.ETIMEDOUT):
            raise OSError(ctypes.get_errno(), "the futex of the ledger cannot be waited on")

    def wake(self) -> None:
        """Wake all."""
        self._syscall(self._number, ctypes.c_void_p(self._address), _FUTEX_WAKE, _EVERYBODY, None, None, 0)


class PollingWaker:
    """Looks at the counter every 20 ms; for systems without futexes."""

    def __init__(self, region: Region) -> None:
        self._region = region
        self._never = threading.Event()

    def sleep(self, seen: int, seconds: float) -> None:
        """Sleep in short steps."""
        left = max(0.0, min(seconds, CAP_S))
        while left > 0 and self._region.wake_value == seen:
            self._never.wait(min(left, _POLL_S))
            left -= _POLL_S

    def wake(self) -> None:
        """Do nothing: the others poll."""


def waker_for(region: Region) -> Waker:
    """The best way to sleep on `region`'s counter that this system has."""
    number = _SYSCALL.get(platform.machine())
    if sys.platform == "linux" and number is not None:
        return FutexWaker(region, number)
    return PollingWaker(region)
