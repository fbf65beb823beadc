"""Tells whether a copy of this very process beats under its name too, as after a running virtual machine was copied.

Both have one boot, one process number, one time of start and one entry in the table of hosts, so nothing that either
says of itself tells them apart. But each knows its own last beat, and finds that of the other in its place. Pure.

Beats that are not its own happen without a copy too: once when a back-up is restored. So one beat alone proves nothing
to a process that has found its own ones before. One that has just begun may be a start of the copy over the entry of
the machine that was copied, and that one is to go on.

One that was silent for long, as a machine that is suspended, and finds a beat of meanwhile, knows at once: the other
one went on. It is the one to end, before anybody has seen a beat of it.

A host that takes part again, as after a drain, joins once more while its beats go on. That writes into the entry too,
so whoever joins says so before and after: a beat that was found meanwhile, or is the first one found after it, proves
nothing.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from tasks.store.ledger_row.statements import TTL_S

if TYPE_CHECKING:
    from datetime import datetime

_SETTLED: Final = 3  # beats of its own found, after which a process is not taken for the newcomer
# Beats of another one among the last. A newcomer makes two, with its start and its first beat, before it finds ours.
_CERTAIN: Final = 3
_LAST: Final = 6
_LONG: Final = timedelta(seconds=TTL_S)  # by the clock of the database: that of a machine stands still with it


class TwinWatch:
    """What one process has found in its entry before each of its beats."""

    def __init__(self) -> None:
        """It has not beaten yet, as far as is known."""
        self._mine: datetime | None = None
        self._own = 0
        self._are_foreign: tuple[bool, ...] = ()  # the last beats found
        self._joins_begun = self._joins_ended = self._joins_seen = 0

    def begin_join(self) -> None:
        """Note that this process is about to join once more; another thread than that of the beats may call it."""
        self._joins_begun += 1

    def end_join(self) -> None:
        """Note that all that this process wrote to join is there, if it is ever; likewise of any thread."""
        self._joins_ended = self._joins_begun

    def finds(self, last: datetime) -> bool:
        """Whether a copy beats as well, now that the last beat in the entry is this one; then do not beat.

        To be called before anybody can write into the entry again.
        """
        begun = self._joins_begun
        if begun != self._joins_seen:
            self._mine = None
            self._joins_seen = begun if self._joins_ended == begun else self._joins_seen
        if self._mine is None:
            return False
        if last - self._mine > _LONG:
            return True
        self._own += last == self._mine
        self._are_foreign = (*self._are_foreign, last != self._mine)[-_LAST:]
        return sum(self._are_foreign) >= (_CERTAIN if self._own >= _SETTLED else 1)

    def beat(self, at: datetime | None) -> None:
        """Note the own beat; None when it is not known whether and when that was, as when the answer was lost."""
        self._mine = at
