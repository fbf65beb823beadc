"""What is kept with a reply: what was asked for, and how the call went; all it takes to read it again. Pure.

`answered` and `unanswered` make a row of the table of calls of it.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from tasks.errors import NotSent, Transient
from tasks.store.calls.calls import Call

if TYPE_CHECKING:
    from tasks.errors import ApiError
    from tasks.keepa.decode.replies import Envelope


class Origin(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a request was made for: the selection and its walk, or the products asked for."""

    job: str
    domain: int
    selection_key: str = ""
    root_cat: int | None = None
    price_low: int | None = None
    price_high: int | None = None
    page: int = 0
    started_at: datetime | None = None  # which walk: the time it began
    asins: tuple[str, ...] = ()
    code: str = ""  # EAN or UPC; its products are known with the reply only
    leases: tuple[int, ...] = ()  # of the queue's items, one for each ASIN; empty when they came from no queue
    detail: str = ""

    @property
    def items(self) -> tuple[str, ...]:
        """What the reply or a refusal is about: the products asked for, or the page."""
        return (
            self.asins
            or ((self.code,) if self.code else ())
            or (f"{self.selection_key} {self.domain} {self.root_cat} {self.page}",)
        )


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What it takes to process a body again: what it was asked for, and how the call went."""

    origin: Origin
    endpoint: str
    tier: str
    worker: str
    shape: str
    items: int
    estimate: int
    received_at: datetime
    status: int
    duration_s: float
    waited_s: float
    account: str = ""
    host: str = ""


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
        account=header.account,
        host=header.host,
    )
