"""The list of all duties in the background; a new one is added here."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from tasks.store.calls import months
from tasks.store.duties import deal_bounds, gone, title_index
from tasks.store.duties.duty import Duty
from tasks.store.duties.state import StoredProgress
from tasks.store.histories import recoding
from tasks.store.queue import check
from tasks.store.retention import calls, deals, products, quarantine, queue, walks
from tasks.store.retention.passes import BATCH, STRETCH, DailyPass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tasks.store.connection import Connection
    from tasks.store.duties.duty import Step
    from tasks.store.duties.state import Progress
    from tasks.store.retention.keep import Keep

    Judging = Callable[[Connection, Keep, DailyPass, datetime, datetime | None], Step]


def duties(keep: Keep) -> tuple[Duty, ...]:
    """All duties, with these settings."""
    return (
        gone.REPORT,
        months.AHEAD,
        recoding.RECODING,
        Duty("calls", lambda conn: calls.step(conn, keep, datetime.now(UTC))),
        deal_bounds.DUTY,
        title_index.DUTY,
        check.DUTY,
        Duty("quarantine", lambda conn: quarantine.step(conn, keep, datetime.now(UTC))),
        *(Duty(name, partial(_judge, step, keep, where)) for name, where, step in passes(keep, StoredProgress)),
    )


def passes(
    keep: Keep, progress: Callable[[str], Progress], *, stretch: int = STRETCH, batch: int = BATCH
) -> Iterator[tuple[str, DailyPass, Judging]]:
    """The passes that delete what is too old among deals, products and the queue: the name, the pass and its step.

    Args:
        keep: the settings.
        progress: makes that of a pass, by its name.
        stretch: keys that a step looks at.
        batch: keys of which it deletes rows.
    """
    of = (keep.deals_d, keep.history_d, keep.queue_d)
    for name, step in (("deals", deals.step), ("products", products.step), ("queue", queue.step)):
        yield name, DailyPass(progress(name), of, stretch, batch), step


def _judge(step: Judging, keep: Keep, where: DailyPass, conn: Connection) -> Step:
    now = datetime.now(UTC)
    return step(conn, keep, where, now, walks.judged_until(conn, now))
