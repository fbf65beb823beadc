"""Retries and drops what is in quarantine, if it is still what the visitor was shown."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from supervisor.config.state_dir.state_dir import StateDir
from supervisor.web.page import Changed
from supervisor.web.views.writing import backfill_detail, writing
from tasks.errors import NoRows
from tasks.store import quarantine
from tasks.store.quarantine import FaultFilter

if TYPE_CHECKING:
    from supervisor.web.page import Visit
    from tasks.ingest.retry.retry_quarantined import Outcome
    from tasks.store.connection import Connection

MOST: Final = 1_000  # at once; more of them take longer than a person waits for a page


class Seen(NamedTuple):
    """The faults that a form is about: their numbers, and whether there are more than `MOST`."""

    numbers: list[int]
    has_more: bool

    @property
    def mark(self) -> str:
        """Their count, and what tells them from any others: it travels with the form."""
        digest = hashlib.blake2b(repr(self.numbers).encode(), digest_size=8).hexdigest()
        return f"{len(self.numbers)}-{digest}"


def look(conn: Connection, which: FaultFilter) -> Seen:
    """The faults of `which`, the oldest first, up to `MOST` of them."""
    found = quarantine.ids(conn, which, limit=MOST + 1)
    return Seen(found[:MOST], has_more=len(found) > MOST)


def drop(visit: Visit, which: FaultFilter, mark: str) -> int:
    """Delete them for good; how many they were.

    Raises:
        Changed: they are not those of the mark; nothing was deleted.
        Error: the database does not take it.
    """
    with writing(visit) as conn, conn.transaction():
        numbers = _unchanged(conn, which, mark)
        return sum(one.faults for one in quarantine.drop(conn, FaultFilter(ids=numbers)))


def retry(visit: Visit, which: FaultFilter, mark: str, *, may_pay: bool) -> dict[Outcome, int]:
    """Read each of them again; how many came to what.

    Raises:
        Changed: they are not those of the mark; nothing was done.
        Error: the database does not take it.
    """
    from tasks.ingest.retry import retry_quarantined
    from tasks.planning.streams import by_stream, sources_of

    options = retry_quarantined.RetryOptions(
        spool_dir=_spool(visit),
        detail=backfill_detail(visit),
        may_pay=may_pay,
        sources=by_stream(sources_of(visit.settings.sources)),
    )
    counts = dict.fromkeys(retry_quarantined.Outcome, 0)
    with writing(visit) as conn:
        with conn.transaction():
            numbers = _unchanged(conn, which, mark)
        for number in numbers:
            result = retry_quarantined.retry_fault(conn, number, options)
            if result is not None:
                counts[result.outcome] += 1
    return counts


def _unchanged(conn: Connection, which: FaultFilter, mark: str) -> list[int]:
    seen = look(conn, which)
    if seen.mark != mark:
        before, now = mark.partition("-")[0], len(seen.numbers)
        raise Changed(
            f"nothing was done: the form was about {before or 'no'} faults, and they are others by now ({now}); "
            "go back, load the page again and look"
        )
    return seen.numbers


def _spool(visit: Visit) -> Path:
    last = visit.run.look().status.report
    if last is None:
        raise NoRows("the supervisor has not reported yet where replies are kept: try again in a second")
    return StateDir(Path(visit.settings.state_dir)).spool(last.run.spool)
