"""Judges which of the other hosts are dead, and whether this one is a copy. Pure.

A host is dead when it has not beaten for `TTL_S` seconds although the database was there for it to beat. So whoever
judges must have looked for as long without a gap (`beat_watch`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tasks.store.ledger_row.beat_watch import BeatWatch
from tasks.store.ledger_row.statements import TTL_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.store.ledger_row.hosts import Host

_CERTAIN: Final = 2  # beats


class HostWatch:
    """What one host has seen of the others. Times are seconds by a clock of its machine that nobody sets."""

    def __init__(self, number: int) -> None:
        """Judge as the host of that number."""
        self._number = number
        self._beats = BeatWatch()

    def dead(self, found: Sequence[Host], now_s: float) -> list[Host]:
        """Those among the hosts that have left, or that certainly are dead; to be called with each look at them all."""
        if self._me(found) is None:
            self._beats.forget()
        self._beats.look(found, now_s)
        if self._me(found) is None:
            return []
        return [host for host in found if host.number != self._number and self._is_dead(host)]

    def heard(self, found: Sequence[Host]) -> list[Host]:
        """The same hosts as at the last look, with how long each is silent by this machine's clock."""
        return [self._beats.heard(host) for host in found]

    def original(self, found: Sequence[Host]) -> Host | None:
        """A host that beats and had the name of this one's state directory earlier: this one's is a copy."""
        me = self._me(found)
        if me is None:
            return None
        return next((host for host in found if self._is_original(host, me)), None)

    def _me(self, found: Sequence[Host]) -> Host | None:
        return next((host for host in found if host.number == self._number), None)

    def _is_dead(self, host: Host) -> bool:
        return host.left_at is not None or self._beats.unchanged_s(host) > TTL_S

    def _is_original(self, host: Host, me: Host) -> bool:
        # Numbers are given in the order in which hosts came, and no clock touches them.
        is_earlier = host.number < me.number and host.state_dir == me.state_dir and host.left_at is None
        # What ran in this state directory before beats no more. A back-up that is restored changes its last beat once.
        return is_earlier and self._beats.changes(host) >= _CERTAIN
