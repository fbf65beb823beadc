"""Tells whether a copy of this very process beats under its name too, as after a running virtual machine was copied.

Both have one boot, one process number, one time of start and one entry in the table of hosts, so nothing that either
says of itself tells them apart. But each knows its own last beat, and finds that of the other in its place. Pure.

A process alone may find another beat than its last one too: a replica that was promoted lacks what was written last,
and a back-up that was restored lacks more. Such a beat was in the entry before, or it is older than the last one. So
neither proves anything: what a copy writes after us is new, and it is later unless the clock of the database was set
back between the two. Whoever wrote the first beat after that knows that the other one does not count it, and does not
count the next one of the other either.

One beat of a copy is not enough for a process that has found its own ones before. One that has just begun may be a
start of the copy over the entry of the machine that was copied, and that one is to go on.

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
_KNOWN: Final = 720  # beats that it remembers: its own of an hour, or of half an hour with those of a copy between
_LONG: Final = timedelta(seconds=TTL_S)  # by the clock of the database: that of a machine stands still with it


class TwinWatch:
    """What one process has found in its entry before each of its beats."""

    def __init__(self) -> None:
        """It has not beaten yet, as far as is known."""
        self._mine: datetime | None = None
        self._known: tuple[datetime, ...] = ()  # the last beats found in the entry or written to it
        self._is_set_back = False  # an own beat was earlier than the one before, so a copy does not count it
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
        is_known, mine = last in self._known, self._mine
        self._remember(last)
        if mine is None or (last != mine and (is_known or last < mine)):
            return False
        if last - mine > _LONG:
            return True
        if last != mine and self._is_set_back:
            self._is_set_back = False
            return False
        self._is_set_back = False
        self._own += last == mine
        self._are_foreign = (*self._are_foreign, last != mine)[-_LAST:]
        return sum(self._are_foreign) >= (_CERTAIN if self._own >= _SETTLED else 1)

    def beat(self, at: datetime | None) -> None:
        """Note the own beat; None when it is not known whether and when that was, as when the answer was lost."""
        self._mine = at
        if at is not None:
            self._is_set_back = self._is_set_back or (bool(self._known) and at < self._known[-1])
            self._remember(at)

    def _remember(self, beat: datetime) -> None:
        if beat not in self._known[-1:]:
            self._known = (*self._known, beat)[-_KNOWN:]
