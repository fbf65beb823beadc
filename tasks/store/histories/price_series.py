"""Price histories into `price_series_rows`: what is known already is not written, and nothing known is lost.

A reply may hold a part of the history only, because the last days were asked for. So one that begins later than what
is stored is put behind the older points; one that begins no later replaces them. The caller holds the lock on each
product's row, and gives only readings newer than the stored history: nothing is decided here by time of arrival.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, NamedTuple

from tasks.keepa import prices, product_histories
from tasks.store.bulk import arrays, byte_planes
from tasks.store.bulk.asins import AMONG
from tasks.store.bulk.batch import UNSTORABLE, Refusal, reason_of, write_each
from tasks.store.bulk.replace import Updated
from tasks.store.bulk.staging import Copied

if TYPE_CHECKING:
    from array import array
    from collections.abc import Iterable, Mapping, Sequence

    from tasks.keepa.decode.replies import Product
    from tasks.store.bulk.staging import Row
    from tasks.store.connection import Connection

_Key = tuple[str, int]  # ASIN and price type

_TABLE: Final = "price_series_rows"
_COLUMNS: Final = {
    "domain": "int2",
    "asin": "text",
    "price_type": "int2",
    "first_minute": "int4",
    "last_minute": "int4",
    "points": "int4",
    "fingerprint": "int8",
    "lowest": "int4",
    "minute_pages": "int4[]",
    "minute_bytes": "bytea",
    "price_bytes": "bytea",
    "shipping_bytes": "bytea",
}
_OLD_FORM: Final = {"minutes": "int4[]", "prices": "int4[]", "shipping": "int4[]"}
_NO_OLD_FORM: Final = (None,) * len(_OLD_FORM)
_ROWS: Final = Copied(table=_TABLE, columns=_COLUMNS)
_UPDATED: Final = Updated(rows=Copied(table=_TABLE, columns=_COLUMNS | _OLD_FORM), key=("domain", "asin", "price_type"))
_KNOWN: Final = f"""
SELECT asin, price_type, first_minute, last_minute, points, fingerprint
FROM price_series_rows WHERE domain = %s AND asin = {AMONG}
"""  # noqa: S608 - a fragment of ours
_STORED: Final = """
SELECT p.minute, p.price, coalesce(p.shipping, -1)
FROM price_series_rows AS s CROSS JOIN LATERAL series_points(
    s.points, s.first_minute, s.minute_pages, s.minute_bytes, s.price_bytes, s.shipping_bytes,
    s.minutes, s.prices, s.shipping
) AS p
WHERE s.domain = %s AND s.asin = %s AND s.price_type = %s AND p.minute < %s ORDER BY p.minute
"""
_OLD: Final = """
SELECT asin, price_type, first_minute, last_minute, points, fingerprint, minutes, prices, shipping
FROM price_series_rows WHERE domain = %s AND asin = ANY(%s) AND minutes IS NOT NULL AND points > 0
"""
# The ASINs stand there once more for the planner, which finds by them where the rows are.
_REMOVE: Final = f"""
DELETE FROM price_series_rows AS t USING unnest(%s::text[], %s::int[]) AS old (asin, price_type)
WHERE t.domain = %s AND t.asin = {AMONG} AND t.asin = old.asin AND t.price_type = old.price_type
"""  # noqa: S608 - the same


class _Stored(NamedTuple):
    first_minute: int
    last_minute: int
    points: int
    fingerprint: int


class _Numbers(NamedTuple):
    """A history made ready for the wire, and the fingerprint of the reply it came in."""

    fingerprint: int
    minutes: array[int]
    prices: array[int]
    shipping: array[int] | None


class _History(NamedTuple):
    """One history of one product; `numbers` None when it is certain to be written, and is packed on its way."""

    product: Product
    flat: prices.Flat
    key: _Key
    numbers: _Numbers | None = None


def write(conn: Connection, domain: int, products: Sequence[Product]) -> tuple[int, list[Refusal[Product]]]:
    """Write the histories of `products`; how many rows changed, and the products of the histories refused.

    Raises:
        psycopg.Error: what is no history's fault.
    """
    histories, refusals = _histories(products)
    if not histories:
        return 0, refusals
    asins = [product.asin for product in products]
    known: dict[_Key, _Stored] = {
        (asin, price_type): _Stored(*stored)
        for asin, price_type, *stored in conn.execute(_KNOWN.encode(), (domain, asins), prepare=False)
    }
    changed, more_refusals = _changed(conn, domain, histories, known)

    def put(batch: Sequence[_History]) -> Sequence[_History]:
        old = [history.key for history in batch if history.key in known]
        asins = list(dict.fromkeys(asin for asin, _ in old))
        updated: set[_Key] = set()
        if old and _UPDATED.is_watched(conn):
            rows = (_row(domain, history) + _NO_OLD_FORM for history in batch if history.key in known)
            updated |= {(asin, price_type) for _, asin, price_type in _UPDATED.apply(conn, domain, asins, rows)}
        elif old:
            columns = zip(*old, strict=True)
            conn.execute(_REMOVE.encode(), (*map(list, columns), domain, asins), prepare=False)
        _ROWS.append(conn, (_row(domain, history) for history in batch if history.key not in updated))
        return batch

    written, refused = write_each(conn, changed, put)
    refusals += more_refusals
    refusals += [Refusal(refusal.item.product, _about(refusal.item, refusal.reason)) for refusal in refused]
    return len(written), refusals


def recode(conn: Connection, domain: int, asins: Sequence[str]) -> None:
    """Give the histories of these products that are in the form of older builds the present one.

    The caller holds the lock on each product's row.

    Raises:
        psycopg.Error: nothing was changed.
    """
    rows = []
    for asin, price_type, *stored, minutes, values, shipping in conn.execute(
        _OLD, (domain, list(asins)), prepare=False
    ):
        costs = None if shipping is None else arrays.words(shipping)
        columns = _stored(arrays.words(minutes), arrays.words(values), costs)
        rows.append((domain, asin, price_type, *stored, *columns, *_NO_OLD_FORM))
    if rows:
        _UPDATED.apply(conn, domain, asins, rows)


def _histories(products: Iterable[Product]) -> tuple[list[_History], list[Refusal[Product]]]:
    histories: list[_History] = []
    refusals: list[Refusal[Product]] = []
    for product in products:
        try:
            histories += [
                _History(product, flat, (product.asin, flat.price_type)) for flat in product_histories.flats(product)
            ]
        except UNSTORABLE as error:
            refusals.append(Refusal(product, f"history: {reason_of(error)}"))
    return histories, refusals


def _changed(
    conn: Connection, domain: int, histories: Iterable[_History], known: Mapping[_Key, _Stored]
) -> tuple[list[_History], list[Refusal[Product]]]:
    """What is to be written: histories not known, and known ones that differ, whole."""
    changed: list[_History] = []
    refusals: list[Refusal[Product]] = []
    for history in histories:
        stored = known.get(history.key)
        if stored is None or _is_other(history.flat, stored):
            changed.append(history)
            continue
        try:
            numbers = _numbers(history.flat)
        except UNSTORABLE as error:
            refusals.append(Refusal(history.product, _about(history, reason_of(error))))
            continue
        if numbers.fingerprint == stored.fingerprint:
            continue
        if numbers.minutes[0] > stored.first_minute:
            numbers = _joined(conn, domain, history, numbers)
        changed.append(history._replace(numbers=numbers))
    return changed, refusals


def _is_other(flat: prices.Flat, stored: _Stored) -> bool:
    """Whether a whole history differs from the stored one at a glance, as nearly all that have changed do.

    One that came out of order always does.
    """
    _, width, values = flat
    found = (len(values) // width, values[-width])
    return values[0] <= stored.first_minute and found != (stored.points, stored.last_minute)


def _joined(conn: Connection, domain: int, history: _History, late: _Numbers) -> _Numbers:
    """The stored history with the late one behind it; the fingerprint stays that of the reply."""
    earlier = conn.execute(_STORED, (domain, *history.key, late.minutes[0]), prepare=False).fetchall()
    if not earlier:
        return late
    minutes, values, shipping = map(arrays.words, zip(*earlier, strict=True))
    return late._replace(
        minutes=minutes + late.minutes,
        prices=values + late.prices,
        shipping=None if late.shipping is None else shipping + late.shipping,
    )


def _numbers(flat: prices.Flat) -> _Numbers:
    """The history packed, in order.

    Raises:
        ValueError: a number does not fit its column.
    """
    _, width, values = flat
    minutes, *columns = (arrays.words(values[at::width]) for at in range(width))
    if not arrays.rises(minutes):
        series = prices.series_of(flat)
        minutes, *columns = map(arrays.words, filter(None, (series.minutes, series.prices, series.shipping)))
    digest = hashlib.blake2b(minutes, digest_size=8)
    for column in columns:
        digest.update(column)
    shipping = columns[1] if len(columns) > 1 else None
    return _Numbers(int.from_bytes(digest.digest(), "big", signed=True), minutes, columns[0], shipping)


def _row(domain: int, history: _History) -> Row:
    numbers = history.numbers or _numbers(history.flat)
    minutes = numbers.minutes
    found = (domain, *history.key, minutes[0], minutes[-1], len(minutes), numbers.fingerprint)
    return found + _stored(minutes, numbers.prices, numbers.shipping)


def _stored(minutes: array[int], values: array[int], shipping: array[int] | None) -> Row:
    """The lowest value, and the lists, as they are stored."""
    pages, minute_bytes = byte_planes.of_minutes(minutes)
    return (
        arrays.lowest(values),
        None if pages is None else arrays.ints(pages),
        minute_bytes,
        byte_planes.of_values(values),
        None if shipping is None else byte_planes.of_values(shipping),
    )


def _about(history: _History, reason: str) -> str:
    return f"history of price type {history.flat.price_type}: {reason}"
