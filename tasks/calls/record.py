"""A call as a row of the table of calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.errors import NotSent, Transient
from tasks.store.calls import Call

if TYPE_CHECKING:
    from tasks.calls.header import Header
    from tasks.errors import ApiError
    from tasks.keepa.decode.body import Envelope


def answered(header: Header, envelope: Envelope, *, rows: int) -> Call:
    """The record of a call that gave `rows` rows."""
    reading = envelope.reading
    return _call(
        header,
        cost=envelope.tokens_consumed,
        balance=None if reading is None else reading.tokens_left,
        status=header.status,
        rows=rows,
    )


def unanswered(header: Header, error: ApiError) -> Call:
    """The record of a call that gave nothing: free if it was refused or never left, else of unknown cost."""
    return _call(
        header,
        cost=None if isinstance(error, Transient) and not isinstance(error, NotSent) else 0,
        balance=None if error.reading is None else error.reading.tokens_left,
        status=error.status,
        rows=0,
    )


def _call(header: Header, *, cost: int | None, balance: int | None, status: int | None, rows: int) -> Call:
    return Call(
        at=header.received_at,
        tier=header.tier,
        endpoint=header.endpoint,
        shape=header.shape,
        items=header.items,
        estimate=header.estimate,
        cost=cost,
        balance=balance,
        status=status,
        duration_s=header.duration_s,
        waited_s=header.waited_s,
        worker=header.worker,
        rows=rows,
    )
