"""The event loop of the supervisor: it waits for descriptors and deadlines, and wakes for nothing else.

Callbacks run one at a time in the thread that runs the loop. Other threads hand work in through `call`, which
wakes it. Deadlines are of a monotonic clock that stands still while the machine sleeps.

What was written before a deadline is read before it, however late the loop itself is. And while the loop did not get to
run (its process was stopped, swapped out or in a debugger) nobody else is late: see `allow`.

Why not asyncio: its loop has neither of these rules, and no public way to take one step at a time, which the tests do
with a clock that they set by hand. This one also measures each wait and each call, at all times, and names the call
that stalled. Little would be gained: no callback here waits for another, and what may block runs in a thread
(`BackgroundExecutor`).
"""

from __future__ import annotations

import heapq
import itertools
import os
import selectors
import threading
import time
from collections import deque
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final, Self

from ledger import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from ledger import Clock

_MS: Final = 1_000_000
_DRAIN_BYTES: Final = 4_096
LATE_S: Final = 1.0  # a wait or a call that is so much too long is time in which the loop did not listen
STALL_S: Final = 5.0  # no callback may block: one that takes so long delays signals, deadlines and the watchdog
STOPPED: Final = "something outside of it: the process was stopped, or the machine overloaded"


class MonotonicClock:
    """The clock for deadlines: it never steps, and stands still while the machine sleeps."""

    __slots__ = ()

    def now_ns(self) -> int:
        """Nanoseconds since some fixed moment."""
        return time.monotonic_ns()


class Timer:
    """A call due at a time; `cancel` makes it never happen.

    `lost_ns` is how long the loop had not listened when it was set, or None when that does not matter.
    """

    __slots__ = ("at_ns", "call", "lost_ns")

    def __init__(self, at_ns: int, call: Callable[[], object], lost_ns: int | None = None) -> None:
        self.at_ns = at_ns
        self.call: Callable[[], object] | None = call
        self.lost_ns = lost_ns

    def cancel(self) -> None:
        """Never call it; more than once changes nothing."""
        self.call = None


class Loop:
    """Waits for descriptors and deadlines and makes their calls, until `end`."""

    def __init__(self, clock: Clock) -> None:
        self.on_stall: Callable[[str, float], object] | None = None
        """Called with the name of a call that took longer than `STALL_S`, and how many seconds it took."""
        self._clock = clock
        self._selector = selectors.DefaultSelector()
        self._timers: list[tuple[int, int, Timer]] = []
        self._numbers = itertools.count()
        self._calls: deque[Callable[[], object]] = deque()
        self._ended = False
        self._lost_ns = 0
        self._wake_lock = threading.Lock()
        self._is_closed = False
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self.watch(self._wake_read, self._woken)

    def now_ns(self) -> int:
        """Return the time that deadlines are compared with."""
        return self._clock.now_ns()

    def watch(self, fd: int, call: Callable[[], object], *, writable: bool = False) -> None:
        """Call whenever `fd` can be read or has come to its end; with `writable`, whenever it can be written to."""
        self._selector.register(fd, selectors.EVENT_WRITE if writable else selectors.EVENT_READ, call)

    def forget(self, fd: int) -> None:
        """No longer watch `fd`; call before closing it. One that is not watched changes nothing."""
        if fd in self._selector.get_map():
            self._selector.unregister(fd)

    def after(self, delay_s: float, call: Callable[[], object]) -> Timer:
        """Call once in `delay_s` seconds."""
        return self.at(self.now_ns() + round(delay_s * NS_PER_S), call)

    def at(self, at_ns: int, call: Callable[[], object]) -> Timer:
        """Call once at `at_ns`; a time already past is due at once."""
        return self._plan(Timer(at_ns, call))

    def allow(self, delay_s: float, call: Callable[[], object]) -> Timer:
        """Call once in `delay_s` seconds, not counting time in which this loop did not listen: to give others time."""
        return self._plan(Timer(self.now_ns() + round(delay_s * NS_PER_S), call, self._lost_ns))

    def call(self, call: Callable[[], object]) -> None:
        """Call from the loop as soon as it is free; safe from any thread."""
        self._calls.append(call)
        self.wake()

    def wake(self) -> None:
        """Make the loop run once; safe from any thread. A loop that is closed is left alone.

        A thread may outlive the loop, and the numbers of the loop's descriptors then belong to something else.
        """
        with self._wake_lock:
            if self._is_closed:
                return
            with suppress(BlockingIOError):  # a full pipe wakes it as well
                os.write(self._wake_write, b"\0")

    def end(self) -> None:
        """Let `run` return once the present callback is over."""
        self._ended = True

    def run(self) -> None:
        """Wait and call until `end`."""
        while not self._ended:
            self.step()

    def step(self) -> None:
        """Wait once for anything at all, and make every call that is due."""
        self._dispatch(self._wait(self._timeout_s()))
        now_ns = self.now_ns()
        if self._timers and self._timers[0][0] <= now_ns:
            # What came since the wait, in a call that took long for instance, came before these deadlines all the same.
            self._dispatch(self._selector.select(0))
            self._fire(now_ns)

    def close(self) -> None:
        """Close the descriptors of the loop itself; what other threads hand in from now on is never called."""
        with self._wake_lock:
            self._is_closed = True
            self._selector.close()
            for fd in (self._wake_read, self._wake_write):
                os.close(fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def _plan(self, timer: Timer) -> Timer:
        heapq.heappush(self._timers, (timer.at_ns, next(self._numbers), timer))
        return timer

    def _dispatch(self, ready: list[tuple[selectors.SelectorKey, int]]) -> None:
        for key, _ in ready:
            # An earlier call of this round may have dropped this one, and a new one may have its number.
            current = self._selector.get_map().get(key.fd)
            if current is not None and current.data is key.data:
                self._make(key.data)
        self._make_calls()

    def _woken(self) -> None:
        try:
            while len(os.read(self._wake_read, _DRAIN_BYTES)) == _DRAIN_BYTES:
                pass
        except BlockingIOError:
            return

    def _make_calls(self) -> None:
        for _ in range(len(self._calls)):
            self._make(self._calls.popleft())

    def _fire(self, now_ns: int) -> None:
        while self._timers and self._timers[0][0] <= now_ns:
            timer = heapq.heappop(self._timers)[2]
            if timer.call is None:
                continue
            if timer.lost_ns is not None and timer.lost_ns < self._lost_ns:
                timer.at_ns, timer.lost_ns = timer.at_ns + self._lost_ns - timer.lost_ns, self._lost_ns
                self._plan(timer)
            else:
                self._make(timer.call)

    def _make(self, call: Callable[[], object]) -> None:
        began_ns = self.now_ns()
        call()
        self._measure(self.now_ns() - began_ns, call)

    def _wait(self, timeout_s: float | None) -> list[tuple[selectors.SelectorKey, int]]:
        began_ns = self.now_ns()
        ready = self._selector.select(timeout_s)
        if timeout_s is not None:
            self._measure(self.now_ns() - began_ns - round(timeout_s * NS_PER_S), None)
        return ready

    def _measure(self, took_ns: int, call: Callable[[], object] | None) -> None:
        if took_ns > LATE_S * NS_PER_S:
            self._lost_ns += took_ns
        if took_ns > STALL_S * NS_PER_S and self.on_stall is not None:
            self.on_stall(STOPPED if call is None else _name_of(call), took_ns / NS_PER_S)

    def _timeout_s(self) -> float | None:
        if self._ended or self._calls:
            return 0
        while self._timers and self._timers[0][2].call is None:
            heapq.heappop(self._timers)
        if not self._timers:
            return None
        # The system counts whole milliseconds: rounding up saves the rounds that would come too early.
        left_ns = max(0, self._timers[0][0] - self.now_ns())
        return -(-left_ns // _MS) / 1_000


def _name_of(call: Callable[[], object]) -> str:
    """Return a name that a person finds in the source."""
    while isinstance(call, partial):
        call = call.func
    return f"{call.__module__}.{getattr(call, '__qualname__', repr(call))}"


class Throttle:
    """Calls `do` from the loop, seldom although it is requested often.

    At once after a quiet time, then not before a pause is over, and once however often it was asked meanwhile. It
    drops nothing and counts nothing, unlike the limits on log lines: the last request is always done.
    """

    def __init__(self, loop: Loop, do: Callable[[], None], *, every_s: float) -> None:
        self._loop = loop
        self._do = do
        self._every_ns = round(every_s * NS_PER_S)
        self._timer: Timer | None = None
        self._next_ns = 0

    def ask(self, *, at_once: bool = False) -> None:
        """Request a call: at once, or when the pause is over."""
        if self._timer is not None and at_once:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            now_ns = self._loop.now_ns()
            self._timer = self._loop.at(now_ns if at_once else max(now_ns, self._next_ns), self._run)

    def _run(self) -> None:
        self._timer = None
        self._next_ns = self._loop.now_ns() + self._every_ns
        self._do()
