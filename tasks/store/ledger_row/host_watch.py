"""Judges which hosts are dead, from regular looks at what each has beaten last. Pure.

A host is dead when it has not beaten for `TTL_S` seconds although the database was there for it to beat. When that was
away, every host was silent, and each beats again first. So whoever judges must have looked for as long without a gap.
What is compared is whether the last beat is another one than before. How old it is does not count: the clock of the
database may be set, which makes all beats older or puts them into the future.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tasks.store.ledger_row.statements import TTL_S

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from tasks.store.ledger_row.hosts import Host

_CERTAIN: Final = 2  # beats
GAP_S: Final = 7.5  # a beat is due every 5 s, so whoever does not look for longer than this may have missed one


class HostWatch:
    """What one host has seen of the others. Times are seconds by a clock of its machine that nobody sets."""

    def __init__(self, number: int) -> None:
        """Judge as the host of that number."""
        self._number = number
        self._looked_s: float | None = None
        self._beats: dict[int, tuple[datetime, float]] = {}  # of each host the last one, and when it was first seen
        self._changes: dict[int, int] = {}  # how often each host has beaten meanwhile

    def dead(self, found: Sequence[Host], now_s: float) -> list[Host]:
        """Those among the hosts that have left, or that certainly are dead; to be called with each look at them all."""
        if self._looked_s is None or now_s - self._looked_s > GAP_S or self._me(found) is None:
            self._beats, self._changes = {}, {}
        self._looked_s = now_s
        if self._me(found) is None:
            return []
        for host in found:
            is_another = self._beats.get(host.number, (host.beat_at, now_s))[0] != host.beat_at
            self._changes[host.number] = self._changes.get(host.number, 0) + is_another
        self._beats = {host.number: self._last_beat(host, now_s) for host in found}
        return [host for host in found if host.number != self._number and self._is_dead(host, now_s)]

    def original(self, found: Sequence[Host]) -> Host | None:
        """A host that beats and had the name of this one's state directory earlier: this one's is a copy."""
        me = self._me(found)
        if me is None:
            return None
        return next((host for host in found if self._is_original(host, me)), None)

    def _me(self, found: Sequence[Host]) -> Host | None:
        return next((host for host in found if host.number == self._number), None)

    def _last_beat(self, host: Host, now_s: float) -> tuple[datetime, float]:
        known = self._beats.get(host.number)
        return known if known is not None and known[0] == host.beat_at else (host.beat_at, now_s)

    def _is_dead(self, host: Host, now_s: float) -> bool:
        return host.left_at is not None or now_s - self._beats[host.number][1] > TTL_S

    def _is_original(self, host: Host, me: Host) -> bool:
        # Numbers are given in the order in which hosts came, and no clock touches them.
        is_earlier = host.number < me.number and host.state_dir == me.state_dir and host.left_at is None
        # What ran in this state directory before beats no more. A back-up that is restored changes its last beat once.
        return is_earlier and self._changes.get(host.number, 0) >= _CERTAIN
