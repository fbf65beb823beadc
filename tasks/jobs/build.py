"""The job of a role, made of its context."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.roles import UPSERT

if TYPE_CHECKING:
    from tasks.runtime.job import Job, JobContext


def build(context: JobContext) -> Job:
    """Make the job of the context's role; no connection is opened before its `start` or first `step`.

    Raises:
        ConfigError: a selection, the key or the base URL is not usable.
    """
    # A third of a worker's start, which must not pass before it has set its signals.
    from tasks.jobs.backfill import Backfill
    from tasks.jobs.upsert import Upsert

    return Upsert(context) if context.role == UPSERT else Backfill(context)
