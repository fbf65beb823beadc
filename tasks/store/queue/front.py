"""Where the claims of one worker begin to look, so that what was claimed before is not passed again each time.

An entry of an index stays for as long as any snapshot may need it: while a back-up runs, all that is claimed and done
lies in front of what is next. A worker remembers where its last claim found the first item, for each who asks, and
begins there. What has come back in front of it since (released, postponed, of a higher priority) is found when it looks
from the beginning again, which it does every few seconds and whenever it finds less than it wants.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ledger import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Sequence

_HOLDS_NS: Final = 10 * NS_PER_S
_BEGINNING: Final = (-(2**31), -(2**63))


class ClaimFront:
    """The front of one worker. It begins at the beginning."""

    def __init__(self) -> None:
        self._starts: dict[str, tuple[int, int]] = {}
        self._until_ns = 0

    @property
    def is_open(self) -> bool:
        """Whether claims look from the beginning, for all."""
        return not self._starts

    def at(self, now_ns: int) -> None:
        """Take in the time: what is remembered does not hold for long."""
        if now_ns >= self._until_ns:
            self.forget()
            self._until_ns = now_ns + _HOLDS_NS

    def found(self, asker: str, rank: int, place: int) -> None:
        """Take in where a claim found its first item."""
        self._starts[asker] = (rank, place)

    def forget(self) -> None:
        """Look from the beginning again."""
        self._starts.clear()

    def starts(self, askers: Sequence[str]) -> dict[str, list[int]]:
        """What the statement is asked with."""
        starts = [self._starts.get(asker, _BEGINNING) for asker in askers]
        return {"ranks": [rank for rank, _ in starts], "places": [place for _, place in starts]}
