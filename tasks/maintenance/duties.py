"""The list of all duties in the background; a new one is added here."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from tasks.store import recoding
from tasks.store.calls import months
from tasks.store.duties import deal_bounds, gone
from tasks.store.duties.duty import Duty
from tasks.store.retention import calls, deals, products, quarantine, queue, walks
from tasks.store.retention.passes import DailyPass

if TYPE_CHECKING:
    from collections.abc import Callable

    from tasks.store.connection import Connection
    from tasks.store.duties.duty import Step
    from tasks.store.retention.keep import Keep

    Judging = Callable[[Connection, Keep, DailyPass, datetime, datetime | None], Step]


def duties(keep: Keep) -> tuple[Duty, ...]:
    """All duties, with these settings."""
    by_age = {"deals": deals.step, "products": products.step, "queue": queue.step}
    of = (keep.deals_d, keep.history_d, keep.queue_d)
    return (
        gone.REPORT,
        months.AHEAD,
        recoding.RECODING,
        Duty("calls", lambda conn: calls.step(conn, keep, datetime.now(UTC))),
        deal_bounds.DUTY,
        Duty("quarantine", lambda conn: quarantine.step(conn, keep, datetime.now(UTC))),
        *(Duty(name, partial(_judge, step, keep, DailyPass(name, of))) for name, step in by_age.items()),
    )


def _judge(step: Judging, keep: Keep, where: DailyPass, conn: Connection) -> Step:
    now = datetime.now(UTC)
    return step(conn, keep, where, now, walks.judged_until(conn, now))
