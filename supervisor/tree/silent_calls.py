"""Finds calls to the API that have been open for much longer than calls take, while the worker still waits for them.

A server that is connected and says nothing is no failure before the call's deadline, minutes later. Whoever looks must
see it long before. All is counted in looks and not in seconds: when this process itself was suspended, or the machine
slept, no call has been open for longer because of it.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

from ledger import NS_PER_S
from supervisor.process.conditions import ConditionFrom, ReportedCondition
from supervisor.process.states import State

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from supervisor.eventloop.loop import Loop
    from supervisor.process.slot import Slot

KIND: Final = "calls"
OPEN_LOOKS: Final = 30  # most calls are answered within a tenth of a second, and a slow line takes a few
_SLOW_LOOKS: Final = 90  # the server works on a hundred products with offers for up to a minute
_SLOW: Final = re.compile(r"[:+](?:offers|buybox)\b")  # in the name of the shape
_CALL: Final = re.compile(r"(?:[^:/]+: )?(/[a-z]+)(?: .*)?")  # what a beat says of a call: of which key, to where


class _Open(NamedTuple):
    """A call that is open: the time of the beat that announced it, and in how many looks it was."""

    beat_ns: int
    looks: int


class SilentCalls:
    """The calls of the workers of one run; `base_url` is the address of the API."""

    def __init__(self, loop: Loop, base_url: Callable[[], str | None]) -> None:
        self._loop = loop
        self._base_url = base_url
        self._open: dict[str, _Open] = {}
        self._found: dict[str, ReportedCondition] = {}

    def conditions(self) -> list[ConditionFrom]:
        """A condition for each worker whose call is open for too long."""
        return [ConditionFrom(name, one) for name, one in self._found.items()]

    def look(self, workers: Iterable[Slot], suspended: Collection[int]) -> bool:
        """Look once, at all but the suspended processes; whether what is found is new."""
        is_open, found = {}, {}
        for slot in workers:
            endpoint = _endpoint(slot)
            if endpoint is None or slot.pid in suspended:
                continue
            name = slot.spec.name
            before = self._open.get(name)
            looks = before.looks + 1 if before is not None and before.beat_ns == slot.beat_ns else 1
            is_open[name] = _Open(slot.beat_ns, looks)
            most = _SLOW_LOOKS if slot.beat is not None and _SLOW.search(slot.beat.detail) else OPEN_LOOKS
            if looks > most:
                kept = self._found.get(name) if looks > most + 1 else None
                found[name] = kept or self._told(slot, endpoint, most)
        is_new = found != self._found
        self._open, self._found = is_open, found
        return is_new

    def _told(self, slot: Slot, endpoint: str, most: int) -> ReportedCondition:
        open_s = (self._loop.now_ns() - slot.beat_ns) / NS_PER_S
        server = urlsplit(self._base_url() or "").netloc.rpartition("@")[2]
        why = f"{server}: {endpoint} has had no answer for more than {most} s"
        since = datetime.now(UTC) - timedelta(seconds=open_s)
        return ReportedCondition(kind=KIND, since=since, why=why.removeprefix(": "), late_s=open_s)


def _endpoint(slot: Slot) -> str | None:
    """Where the call goes that its process waits for; None when it waits for none."""
    beat = slot.beat
    if slot.pid is None or beat is None or beat.phase != "calling" or slot.state not in {State.STARTING, State.RUNNING}:
        return None
    found = _CALL.fullmatch(beat.detail)
    return None if found is None else found[1]
