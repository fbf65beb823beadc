"""Every store cut in half: a kill in the middle of a copy leaves any part of it in the file.

A copy runs upwards or downwards in words of eight bytes, so each of its prefixes and suffixes is looked at.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from ledger.clock import ManualClock
from ledger.ledger import TokenLedger
from ledger.model.bucket import TICK_PERIOD_S
from ledger.model.tiers import DEFAULT_TIERS
from ledger.storage.lock import NO_FILE, Lock
from ledger.storage.mapped import MappedHome
from ledger.storage.region import Region
from tests.crash import judge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.crash.steps import Course

_WORD: Final = 8


def check(course: Course) -> int:
    """Look at every half-done store of the operation; returns how many there were.

    Raises:
        Broken: one shows something else than the ledger before or after, or no transaction can follow it.
    """
    looked = 0
    for (old, new), line in zip(pairwise(course.images), course.lines[1:], strict=True):
        for image in _halves(old, new):
            looked += 1
            ledger = TokenLedger(MappedHome(Region(bytearray(image), None, Lock(NO_FILE)), ManualClock(course.at_ns)))
            if judge.comparable(ledger.snapshot(), course.owner) not in (course.before, course.after):
                raise judge.Broken(f"half of the store at {line} is seen")
            ledger.configure(DEFAULT_TIERS, TICK_PERIOD_S)
            judge.books_balance(ledger.snapshot())
    return looked


def _halves(old: bytes, new: bytes) -> Iterator[bytes]:
    """The bytes with some but not all of the changed words in place, from below and from above."""
    changed = [at for at in range(0, len(old), _WORD) if old[at : at + _WORD] != new[at : at + _WORD]]
    for order in (changed, changed[::-1]):
        image = bytearray(old)
        for at in order[:-1]:
            image[at : at + _WORD] = new[at : at + _WORD]
            yield bytes(image)
