"""Judges which of the other hosts are dead, and whether this one is a copy. Pure.

A host is dead when it has not beaten for `TTL_S` seconds although the database was there for it to beat. So whoever
judges must have looked for as long without a gap (`beat_watch`).

Of two that work with copies of one state directory the later one is to end. Which that is, each decides by what it saw:
it is the later one itself when the other was beating already as it began to look. One that begins, or begins again,
while it looks is the later one, whatever its number. Of two that begin at once it is the one with the higher number.
So it is of two that have beaten side by side for long without either having seen that, as when a back-up was restored
meanwhile.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from tasks.store.ledger_row.beat_watch import GAP_S, BeatWatch
from tasks.store.ledger_row.statements import TTL_S

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from tasks.store.ledger_row.hosts import Host

_CERTAIN: Final = 2  # beats
_UNDECIDED: Final = 12  # beats, in which the other one has looked often enough to see that it is the later one
_AT_ONCE: Final = timedelta(seconds=2 * TTL_S)


class HostWatch:
    """What one host has seen of the others. Times are seconds by a clock of its machine that nobody sets."""

    def __init__(self, number: int) -> None:
        """Judge as the host of that number."""
        self._number = number
        self._beats = BeatWatch()
        self._joined_at: datetime | None = None
        self._looked_s = self._watched_s = 0.0
        self._first: dict[int, Host] = {}
        self._beat_before: set[int] = set()

    def dead(self, found: Sequence[Host], now_s: float) -> list[Host]:
        """Those among the hosts that have left, or that certainly are dead; to be called with each look at them all."""
        if self._me(found) is None:
            self._beats.forget()
        self._beats.look(found, now_s)
        self._note_first(found, now_s)
        if self._me(found) is None:
            return []
        return [host for host in found if host.number != self._number and self._is_dead(host)]

    def heard(self, found: Sequence[Host]) -> list[Host]:
        """The same hosts as at the last look, with how long each is silent by this machine's clock."""
        return [self._beats.heard(host) for host in found]

    def original(self, found: Sequence[Host]) -> Host | None:
        """A host that beats, and did so before this one, with the same state directory: this one's is a copy."""
        me = self._me(found)
        if me is None:
            return None
        return next((host for host in found if self._is_original(host, me)), None)

    def _me(self, found: Sequence[Host]) -> Host | None:
        return next((host for host in found if host.number == self._number), None)

    def _is_dead(self, host: Host) -> bool:
        return host.left_at is not None or self._beats.unchanged_s(host) > TTL_S

    def _note_first(self, found: Sequence[Host], now_s: float) -> None:
        """Note who beat already when this host began, which shows within `TTL_S` of looks without a gap.

        It begins anew whenever it joins again: another one may have begun while it was drained.
        """
        since_s, self._looked_s = now_s - self._looked_s, now_s
        me = self._me(found)
        if me is None:
            return
        if self._joined_at != me.joined_at:
            self._joined_at, self._watched_s = me.joined_at, 0.0
            self._first, self._beat_before = {host.number: host for host in found}, set()
            return
        self._watched_s += since_s if since_s <= GAP_S else 0.0
        if self._watched_s > TTL_S:
            return
        for host in found:
            first = self._first.get(host.number)
            if first is not None and first.joined_at == host.joined_at and first.beat_at != host.beat_at:
                self._beat_before.add(host.number)

    def _is_original(self, host: Host, me: Host) -> bool:
        # What ran in this state directory before beats no more. A back-up that is restored changes its last beat once.
        is_there = host.left_at is None and self._beats.changes(host) >= _CERTAIN
        if not is_there or host.state_dir != me.state_dir or host.number == me.number:
            return False
        if abs(host.joined_at - me.joined_at) <= _AT_ONCE:
            # Each may have seen the other begin. Numbers are given in the order in which hosts came first.
            return host.number < me.number
        if host.number in self._beat_before and self._first[host.number].joined_at == host.joined_at:
            return True
        beats_on = self._beats.changes(host) >= _UNDECIDED and self._beats.unchanged_s(host) <= GAP_S
        return beats_on and host.number < me.number
