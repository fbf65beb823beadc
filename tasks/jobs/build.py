"""The job of a role, made of its context; with several keys one for each."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tasks.roles import UPSERT
from tasks.settings import of_each_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger import TokenLedger
    from tasks.jobs.key_job import KeyJob
    from tasks.jobs.process_parts import ProcessParts
    from tasks.runtime.job import Job, JobContext
    from tasks.runtime.key_heartbeat import KeyBoard


def build(context: JobContext, parts: ProcessParts | None = None) -> Job:
    """Make the job of the context's role; no connection is opened before its `start` or first `step`.

    `parts` are those of the process, where several jobs share them.

    Raises:
        ConfigError: a selection, the key or the base URL is not usable.
    """
    # A third of a worker's start, which must not pass before it has set its signals.
    from tasks.jobs.backfill import Backfill
    from tasks.jobs.upsert import Upsert

    return Upsert(context, parts) if context.role == UPSERT else Backfill(context, parts)


def build_keys(
    context: JobContext, board: KeyBoard, ledgers: Sequence[TokenLedger], parts: ProcessParts
) -> list[KeyJob]:
    """A job for each key of the settings, with the ledger in the same place of `ledgers`.

    Raises:
        ConfigError: a selection, a key or the base URL is not usable.
    """
    from tasks.jobs.key_job import KeyJob
    from tasks.jobs.run_loop import PatientJob

    found = []
    for settings, ledger in zip(of_each_key(context.settings), ledgers, strict=True):
        of_key = replace(
            context,
            settings=settings,
            ledger=ledger,
            blocking=False,  # one that waited inside of a step would hold up the others
            log=context.log.bind(key=settings.key_name),
            beat=board.of(settings.key_name),
        )
        found.append(KeyJob(PatientJob(build(of_key, parts))))
    return found
