"""Which hosts beat, and since when the others do not, from regular looks at what each has beaten last. Pure.

What is compared is whether the last beat is another one than before. How old it is does not count: the clock of the
database may be set, which makes all beats older or puts them into the future. When the database was away, every host
was silent, and each beats again first; so nobody is judged by a look of before a gap.

Everybody who asks whether a host beats asks this: who takes over what the dead have in hand, who begins beside another
one, who changes the schema, and who shows the hosts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from tasks.store.ledger_row.hosts import Host

GAP_S: Final = 7.5  # a beat is due every 5 s, so whoever does not look for longer than this may have missed one


@dataclass(frozen=True, slots=True)
class _Seen:
    """The last beat of a host.

    Attributes:
        host_s: when the host was first seen in this watch.
        beat_s: when this beat was first seen.
        age_s: how old it was then, as far as can be known.
        changes: how often the host has beaten in this watch.
    """

    beat_at: datetime
    host_s: float
    beat_s: float
    age_s: float
    changes: int = 0


class BeatWatch:
    """What one process has seen of the hosts. Times are seconds by a clock of its machine that nobody sets."""

    def __init__(self) -> None:
        """Nothing is seen yet."""
        self._looked_s: float | None = None
        self._seen: dict[int, _Seen] = {}

    def look(self, found: Iterable[Host], now_s: float) -> None:
        """Note what these hosts have beaten last; to be called with each look. Hosts that are not there are forgotten.

        A look that comes too long after the one before begins anew.
        """
        before_s = now_s if self._looked_s is None else self._looked_s
        if now_s - before_s > GAP_S:
            self.forget()
        self._looked_s = now_s
        self._seen = {one.number: self._see(one, now_s, now_s - before_s) for one in found}

    def forget(self) -> None:
        """Begin anew."""
        self._seen = {}

    def watched_s(self, host: Host) -> float:
        """For how long this host, which was there at the last look, was looked at without a gap."""
        return (self._looked_s or 0.0) - self._seen[host.number].host_s

    def unchanged_s(self, host: Host) -> float:
        """For how long this host, which was there at the last look, was looked at without a gap and did not beat."""
        return (self._looked_s or 0.0) - self._seen[host.number].beat_s

    def changes(self, host: Host) -> int:
        """How often this host has beaten while it was looked at without a gap; 0 for one that was not there."""
        seen = self._seen.get(host.number)
        return 0 if seen is None else seen.changes

    def heard(self, host: Host) -> Host:
        """This host, which was there at the last look, with how long it is silent by this machine's clock.

        The clock of the database counts for a beat of before this watch alone.
        """
        return replace(host, silent_s=self._seen[host.number].age_s + self.unchanged_s(host))

    def _see(self, host: Host, now_s: float, since_s: float) -> _Seen:
        seen = self._seen.get(host.number)
        if seen is None:
            return _Seen(host.beat_at, now_s, now_s, host.silent_s)
        if seen.beat_at == host.beat_at:
            return seen
        return _Seen(host.beat_at, seen.host_s, now_s, min(host.silent_s, since_s), seen.changes + 1)
