"""The job of a role, made of its context."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.runtime.job import Job, JobContext

if TYPE_CHECKING:
    from ledger import Clock, TokenLedger
    from tasks.runtime.heartbeat_writer import HeartbeatWriter
    from tasks.runtime.log import Logger
    from tasks.runtime.stop import StopFlag
    from tasks.settings import Role, WorkerSettings


def build(  # noqa: PLR0913, PLR0917 - each part is one that whoever runs the jobs chooses
    role: Role,
    settings: WorkerSettings,
    ledger: TokenLedger,
    clock: Clock,
    stop: StopFlag,
    log: Logger,
    beat: HeartbeatWriter,
    *,
    blocking: bool = True,
    worker: str = "",
) -> Job:
    """The job of this role; no connection is opened before its `start` or first `step`.

    `worker` is its name in the table of calls and towards the database; the role if empty.

    Raises:
        ConfigError: a selection, the key or the base URL is not usable.
    """
    from tasks.jobs.backfill import Backfill
    from tasks.jobs.upsert import Upsert

    context = JobContext(
        role=role,
        settings=settings,
        ledger=ledger,
        clock=clock,
        stop=stop,
        log=log,
        beat=beat,
        blocking=blocking,
        worker=worker or role,
    )
    return Upsert(context) if role == "upsert" else Backfill(context)
