"""A connection that may change rows, for the few orders of the page that the supervisor has no part in."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from supervisor.control import protocol
from supervisor.web.page import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from supervisor.web.page import Visit
    from tasks.keepa.request import Detail
    from tasks.store.connection import Connection

_APPLICATION: Final = "sluicegate page"
_CONNECT_S: Final = 2
_DETAIL: Final = "BACKFILL_DETAIL"


def note(visit: Visit, what: str, outcome: str) -> None:
    """Have Events show what was done and what came of it; without a supervisor there is nobody to do that."""
    order = protocol.Note(what=what, outcome=outcome, by=f"web {visit.session[:8]}")
    visit.deliver(order)


@contextmanager
def writing(visit: Visit) -> Iterator[Connection]:
    """The connection, outside a transaction.

    Raises:
        NoRows: the embedded database has not been started yet.
        Error: the database cannot be reached, or does not take what is written.
    """
    from tasks.store.connection import connect
    from tasks.store.sqlstate import translate

    url = visit.database.url()
    with connect(url, application_name=_APPLICATION, autocommit=True, wait_s=_CONNECT_S) as conn, translate():
        yield conn


def backfill_detail(visit: Visit) -> Detail:
    """How much backfill fetches of a product.

    Raises:
        Refusal: the setting is none of what this build knows.
    """
    from tasks.keepa import detail

    named = next((row.value for row in visit.settings.rows if row.name == _DETAIL), "")
    if detail.is_detail(named):
        return named
    raise Refusal(f"{_DETAIL} is {named!r}, which is no detail; expected {detail.EXPECTED}")
