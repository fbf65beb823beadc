"""Deletes faults that came last too long ago, oldest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tasks.store.duties.duty import Step
from tasks.store.retention.keep import cutoff

if TYPE_CHECKING:
    from datetime import datetime

    from tasks.store.connection import Connection
    from tasks.store.retention.keep import Keep

BATCH: Final = 500
# What a command or a worker has locked is looked at with the next step.
_DELETE: Final = """
DELETE FROM quarantine WHERE id = ANY (ARRAY(
    SELECT id FROM quarantine WHERE last_at < %s ORDER BY last_at, id LIMIT %s FOR UPDATE SKIP LOCKED
))
"""


def step(conn: Connection, keep: Keep, now: datetime) -> Step:
    """Delete the next ones."""
    before = cutoff(keep.quarantine_d, now)
    if before is None:
        return Step(has_more=False)
    count = conn.execute(_DELETE, (before, BATCH), prepare=False).rowcount
    return Step(has_more=count == BATCH, gone={"quarantine": count} if count else {})
