"""A duty in the background: long work on the tables, done in small steps while the workers write."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tasks.store.connection import Connection

SHARE: Final = 0.01
REST_S: Final = 600.0
NOTHING: Final[Mapping[str, int]] = MappingProxyType({})


class Step(NamedTuple):
    """What one step of a duty came to.

    Attributes:
        has_more: whether another step is wanted soon; otherwise the duty rests.
        gone: rows that it deleted, by table.
        told: rows that were deleted since the last report, by table, when a report of them is due.
    """

    has_more: bool
    gone: Mapping[str, int] = NOTHING
    told: Mapping[str, int] = NOTHING


class Duty(NamedTuple):
    """One duty.

    Attributes:
        name: unique among the duties; its state in the database has it too (`tasks.store.duties.state`).
        step: does one step in the caller's transaction: a bounded number of rows, in some tens of milliseconds. It
            waits for no lock longer than the caller lets it. A step that fails or is broken off is done again.
        share: the part of the time that its steps may take; pauses between them see to it.
        rest_s: seconds until it is asked again when it had nothing more to do.
        has_one_snapshot: whether all statements of a step see the rows as they were when it began.
    """

    name: str
    step: Callable[[Connection], Step]
    share: float = SHARE
    rest_s: float = REST_S
    has_one_snapshot: bool = False
