"""Finds workers that say nothing where they would: suspended ones, and those whose promised wait is over.

With each look it also looks at their calls (`silent_calls`), of which those of suspended workers say nothing.

Such a worker counts as hung only when the time it is given has passed, and nothing gets done until then. Whoever looks
must see that at once, since when and until when. All is counted in looks and not in seconds: when this process itself
was suspended, or the machine slept, nobody is silent for it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from ledger import NS_PER_S, SystemClock
from ledger.localtime import clock
from supervisor.process.conditions import ConditionFrom, ReportedCondition
from supervisor.process.states import State
from supervisor.process.suspended import is_suspended, remedy
from supervisor.tree.silent_calls import SilentCalls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ledger import Clock
    from supervisor.eventloop.loop import Loop
    from supervisor.process.slot import Slot

KIND: Final = "workers"
LOOK_S: Final = 1.0
SUSPENDED_LOOKS: Final = 2  # a tool that shows the stacks of a process stops it for a moment
SILENT_LOOKS: Final = 15  # a promise says when a wait ends, and a busy machine is a little later


class _Seen(NamedTuple):
    """What is wrong with a process, in how many looks it was, and since when by the date and by the loop's clock."""

    is_suspended: bool
    beat_ns: int
    looks: int
    since: datetime
    since_ns: int

    @property
    def counts(self) -> bool:
        return self.looks >= (SUSPENDED_LOOKS if self.is_suspended else SILENT_LOOKS)


class SilentWorkers:
    """Looks at the workers of one run every second, from `begin` on."""

    def __init__(
        self,
        loop: Loop,
        workers: Callable[[], Iterable[Slot]],
        on_change: Callable[[], object],
        *,
        base_url: Callable[[], str | None] = lambda: None,
        ledger_clock: Clock | None = None,
        is_suspended: Callable[[int | None], bool] = is_suspended,
    ) -> None:
        """Look at `workers`; `on_change` is called when another one is found, and when one is found no longer.

        `base_url` is the address of the API, and `ledger_clock` the one that promises are given in.
        """
        self._loop = loop
        self._workers = workers
        self._on_change = on_change
        self._ledger_clock = ledger_clock or SystemClock()
        self._is_suspended = is_suspended
        self._calls = SilentCalls(loop, base_url)
        self._seen: dict[int, _Seen] = {}
        self._found: dict[str, ReportedCondition] = {}
        self._due_ns: dict[str, int | None] = {}

    def begin(self) -> None:
        """Look from now on."""
        self._loop.after(LOOK_S, self._look_again)

    def conditions(self) -> list[ConditionFrom]:
        """A condition for each that is found, all in the words of the one that was silent first, and of the calls."""
        return [*self._of_workers(), *self._calls.conditions()]

    def _of_workers(self) -> list[ConditionFrom]:
        if not self._found:
            return []
        first, *others = sorted(self._found, key=lambda name: (self._found[name].since, name))
        also = f"; suspended or silent too: {', '.join(others)}" if others else ""
        why = self._found[first].why + also
        return [
            ConditionFrom(name, ReportedCondition(kind=KIND, since=one.since, why=why, late_s=one.late_s))
            for name, one in self._found.items()
        ]

    def look(self) -> None:
        """Look once."""
        seen, found, due_ns = {}, {}, {}
        for slot in self._workers():
            if slot.pid is None or (one := self._seen_of(slot, self._seen.get(slot.pid))) is None:
                continue
            seen[slot.pid] = one
            if one.counts:
                found[slot.spec.name] = self._kept(slot) or self._told(slot, one)
                due_ns[slot.spec.name] = slot.due_ns
        suspended = {pid for pid, one in seen.items() if one.is_suspended}
        is_new = self._calls.look(self._workers(), suspended) or found != self._found
        self._seen, self._found, self._due_ns = seen, found, due_ns
        if is_new:
            self._on_change()

    def _look_again(self) -> None:
        self._loop.after(LOOK_S, self._look_again)
        self.look()

    def _seen_of(self, slot: Slot, before: _Seen | None) -> _Seen | None:
        """What is wrong with it now; None when nothing is."""
        if slot.state is not State.RUNNING:
            return None
        now, now_ns = datetime.now(UTC), self._loop.now_ns()
        if self._is_suspended(slot.pid):
            fresh = _Seen(True, slot.beat_ns, 1, now, now_ns)
        elif self._is_overdue(slot):
            ago = timedelta(seconds=(now_ns - slot.beat_ns) / NS_PER_S)
            fresh = _Seen(False, slot.beat_ns, 1, now - ago, slot.beat_ns)
        else:
            return None
        if before is None or (before.is_suspended, before.beat_ns) != (fresh.is_suspended, fresh.beat_ns):
            return fresh
        return before._replace(looks=before.looks + 1)

    def _is_overdue(self, slot: Slot) -> bool:
        """Whether the wait that it promised is over, and it has not said anything since."""
        until_ns = None if slot.beat is None else slot.beat.until_ns
        return slot.due_ns is not None and until_ns is not None and self._ledger_clock.now_ns() > until_ns

    def _kept(self, slot: Slot) -> ReportedCondition | None:
        """What was told before, unless it counts as hung at another time now."""
        name = slot.spec.name
        return self._found.get(name) if self._due_ns.get(name) == slot.due_ns else None

    def _told(self, slot: Slot, one: _Seen) -> ReportedCondition:
        now_ns = self._loop.now_ns()
        since, name = clock(one.since), slot.spec.name
        due = ""
        if slot.due_ns is not None:
            at = datetime.now(UTC) + timedelta(seconds=(slot.due_ns - now_ns) / NS_PER_S)
            due = f" and counts as hung at {clock(at)}"
        why = f"{name} has been silent since {since}, although the wait it promised is over,{due}"
        if one.is_suspended:
            why = f"{name} has been suspended since {since} (SIGSTOP, or a debugger){due}; {remedy(slot.pid)}"
        return ReportedCondition(kind=KIND, since=one.since, why=why, late_s=(now_ns - one.since_ns) / NS_PER_S)
