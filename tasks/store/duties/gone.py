"""Sums up what the duties delete, and reports it once a day, over restarts too."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from tasks.store.duties import state
from tasks.store.duties.duty import Duty, Step

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tasks.store.connection import Connection

_NAME: Final = "report"
EVERY: Final = timedelta(days=1)


def note(conn: Connection, gone: Mapping[str, int]) -> None:
    """Add what a step deleted to what is to be reported, in the step's own transaction."""
    known = state.load(conn, _NAME)
    since = known.get("since") or datetime.now(UTC).isoformat(timespec="seconds")
    rows = Counter(known.get("rows") or {}) + Counter(gone)
    state.save(conn, _NAME, {"since": since, "rows": dict(rows)})


def report(conn: Connection, *, now: datetime | None = None) -> Step:
    """What was deleted, once that began a day ago; it is forgotten with that."""
    known = state.load(conn, _NAME)
    if not known or datetime.fromisoformat(known["since"]) > (now or datetime.now(UTC)) - EVERY:
        return Step(has_more=False)
    state.save(conn, _NAME, {})
    return Step(has_more=False, told=known["rows"])


REPORT: Final = Duty(name=_NAME, step=report)
