"""Judges which hosts are dead, from regular looks at when each has beaten. Pure.

A host that has not beaten for `TTL_S` seconds is dead only if the database was there for it to beat. When that was
away, every host was silent, and each beats again first. So whoever judges must have looked for as long without a gap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tasks.store.ledger_row.statements import TTL_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.store.ledger_row.hosts import Host

GAP_S: Final = 7.5  # two looks out of three, where one is due every 2.5 s


class HostWatch:
    """What one host has seen of the others. Times are the database's."""

    def __init__(self, number: int) -> None:
        """Judge as the host of that number."""
        self._number = number
        self._since_s: float | None = None
        self._last_s = 0.0

    def dead(self, found: Sequence[Host]) -> list[Host]:
        """Those among the hosts that have left, or that certainly are dead; to be called with each look at them all."""
        me = next((host for host in found if host.number == self._number), None)
        if me is None:
            self._since_s = None
            return []
        now_s = me.beat_at.timestamp() + me.silent_s
        # A clock that was set makes a gap too: the others beat by the new time first.
        if self._since_s is None or not 0 <= now_s - self._last_s <= GAP_S:
            self._since_s = now_s
        self._last_s = now_s
        is_sure = now_s - self._since_s > TTL_S
        return [host for host in found if host is not me and (host.left_at is not None or (is_sure and _is_off(host)))]


def _is_off(host: Host) -> bool:
    """Whether it has not beaten lately; one that has beaten in the future did so before the clock was set back."""
    return abs(host.silent_s) > TTL_S
