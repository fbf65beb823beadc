"""Sends the rows of a list as CSV or JSON while they are read, however many there are."""

from __future__ import annotations

import csv
import io
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import msgspec
from anyio import to_thread
from starlette.responses import StreamingResponse

from supervisor.queries.printing.values import in_utc, inert

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from supervisor.web.page import Listing

FORMAT: Final = 1  # of the JSON; it grows when a key is removed or means something else
_AT_ONCE: Final = 500
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


def as_csv(listing: Listing) -> StreamingResponse:
    """The rows under a heading (RFC 4180), times in UTC; a text that a spreadsheet would run has an apostrophe."""
    return _stream(listing, _csv(listing), "text/csv; charset=utf-8", "csv")


def as_json(listing: Listing) -> StreamingResponse:
    """One object with the rows as objects; money keeps its digits, times are ISO 8601 in UTC."""
    return _stream(listing, _json(listing), "application/json", "json")


def _stream(listing: Listing, parts: Iterator[bytes], media_type: str, ending: str) -> StreamingResponse:
    headers = {"Content-Disposition": f'inline; filename="{listing.name}.{ending}"'}
    return StreamingResponse(_in_threads(parts, listing), media_type=media_type, headers=headers)


def _csv(listing: Listing) -> Iterator[bytes]:
    columns = [*listing.columns[:-1], *listing.inner] if listing.inner else listing.columns
    yield _lines([columns])
    rows = iter(listing.rows)
    while part := list(islice(rows, _AT_ONCE)):
        yield _lines([[inert(cell) for cell in _flat(row, listing)] for row in part])


def _flat(row: Sequence[Any], listing: Listing) -> Sequence[object]:
    """The row with what is within its last cell in cells of their own."""
    return [*row[:-1], *(row[-1][name] for name in listing.inner)] if listing.inner else row


def _lines(rows: Sequence[Sequence[object]]) -> bytes:
    written = io.StringIO(newline="")
    csv.writer(written).writerows(rows)
    return written.getvalue().encode()


def _json(listing: Listing) -> Iterator[bytes]:
    head = _ENCODER.encode({"format": FORMAT, listing.name: []})
    yield head[:-2]
    rows = iter(listing.rows)
    comma = b""
    while part := list(islice(rows, _AT_ONCE)):
        objects = [dict(zip(listing.columns, map(in_utc, row), strict=True)) for row in part]
        yield comma + b",".join(map(_ENCODER.encode, objects))
        comma = b","
    yield b"]}\n"


async def _in_threads(parts: Iterator[bytes], listing: Listing) -> AsyncIterator[bytes]:
    """The parts, each made in a thread; at the end, or when the visitor is gone, the rows are closed."""
    done: Any = object()
    try:
        while (part := await to_thread.run_sync(next, parts, done)) is not done:
            yield part
    finally:
        close = getattr(listing.rows, "close", None)
        if close is not None:
            with suppress(RuntimeError):  # it is just being read
                close()
