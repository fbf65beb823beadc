"""Drops calls that are too old: whole months, and the few that no month has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.store.calls import months
from tasks.store.duties.duty import Step
from tasks.store.retention.keep import cutoff

if TYPE_CHECKING:
    from datetime import datetime

    from tasks.store.connection import Connection
    from tasks.store.retention.keep import Keep


def step(conn: Connection, keep: Keep, now: datetime) -> Step:
    """Drop the next month, or delete the next calls."""
    before = cutoff(keep.calls_d, now)
    if before is None:
        return Step(has_more=False)
    dropped = months.drop(conn, before)
    return Step(has_more=dropped.has_more, gone={"calls": dropped.rows} if dropped.rows else {})
