"""What is in the database, as it was counted last and reports have it: rows, queue, watermarks, lists, sources."""

from __future__ import annotations

from typing import Final

import msgspec

QUEUE: Final = "queue"


class MarkRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Up to when all deals of a stream (a selection in one locale) are known, and when it was last walked through."""

    stream: str
    at: str
    walked_at: str | None = None


class ListRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A list of products that is kept fresh, as it was counted last.

    Attributes:
        stream: its name and Keepa's number of its locale, as `name/domain`.
        refresh_s: seconds after which a product is fetched again.
        fetched: products that were fetched at least once.
        overdue: products that are to be fetched and are not yet.
        oldest_at: when the one was fetched that was fetched longest ago; None before the first.
        reason: why the list cannot be read, and `since` when; None when it can.
    """

    stream: str
    detail: str
    refresh_s: float
    products: int
    fetched: int
    overdue: int
    oldest_at: str | None = None
    reason: str | None = None
    since: str | None = None


class SourceRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A source of products besides selections.

    Attributes:
        stream: its name and Keepa's number of its locale, as `name/domain`.
        kind: what it asks for: `bestsellers`, `seller` and others.
        refresh_s: seconds after which it is read again.
        products: products that it listed when it was last read to its end.
        read_at: when that was; None before the first time.
        next_at: when it is due again; None when it is due now.
        reason: why it is refused, and `since` when; None when it is not.
    """

    stream: str
    kind: str
    refresh_s: float
    products: int = 0
    read_at: str | None = None
    next_at: str | None = None
    reason: str | None = None
    since: str | None = None


class CountRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Rows by table, the queue's items by state, the watermarks, lists and sources, as they were `at` that time.

    `estimates` names what is not exact: tables, or `QUEUE` for what waits there and is done.
    """

    at: str
    rows: dict[str, int]
    queue: dict[str, int]
    watermarks: tuple[MarkRecord, ...] = ()
    estimates: tuple[str, ...] = ()
    lists: tuple[ListRecord, ...] = ()
    sources: tuple[SourceRecord, ...] = ()
