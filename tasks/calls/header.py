"""What is kept with a reply: what was asked for, and how the call went; all it takes to read it again. Pure."""

from __future__ import annotations

from datetime import datetime

import msgspec


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
    leases: tuple[int, ...] = ()  # of the queue's items, one for each ASIN; empty when they came from no queue
    detail: str = ""


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
