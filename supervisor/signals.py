"""Signals become calls in the loop. A handler notes the number and wakes; it never logs, locks or raises.

A handler that logged would wait for a lock its own thread holds. The number is kept in memory because a pipe
can be full, and the wake comes from C as well (`set_wakeup_fd`) because the signal may reach another thread.
"""

from __future__ import annotations

import signal
from collections import deque
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from supervisor.loop import Loop

HEARD: Final = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGTTIN,
    signal.SIGTTOU,
    signal.SIGUSR1,
)


class Signals:
    """While entered, the signals of `numbers` are handed to `call` by the loop, in order, with when they came."""

    def __init__(
        self, loop: Loop, call: Callable[[signal.Signals, int], None], numbers: tuple[signal.Signals, ...]
    ) -> None:
        self._loop = loop
        self._call = call
        self._numbers = numbers
        self._noted: deque[tuple[int, int]] = deque()
        self._before: dict[signal.Signals, signal._HANDLER] = {}
        self._wakeup_before = -1

    def __enter__(self) -> Self:
        """Install the handlers.

        Raises:
            ValueError: not called from the main thread.
        """
        self._wakeup_before = signal.set_wakeup_fd(self._loop.wake_fd, warn_on_full_buffer=False)
        for number in self._numbers:
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_exc: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)
        signal.set_wakeup_fd(self._wakeup_before)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self._noted.append((number, self._loop.now_ns()))
        self._loop.call(self._hand_over)

    def _hand_over(self) -> None:
        while self._noted:
            number, at_ns = self._noted.popleft()
            self._call(signal.Signals(number), at_ns)
