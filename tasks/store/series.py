"""Price histories into `price_series`: what is known already is not written, and nothing known is lost.

A reply may hold a part of the history only, because the last days were asked for. So one that begins later than what
is stored is put behind the older points; one that begins no later replaces them. The caller holds the lock on each
product's row, and gives only readings newer than the stored history: nothing is decided here by time of arrival.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from psycopg import sql

from tasks.keepa import prices
from tasks.store import packed
from tasks.store.batch import UNSTORABLE, Refusal, reason_of, write_each
from tasks.store.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tasks.keepa.wire import Product
    from tasks.store.connection import Connection
    from tasks.store.stage import Row

_STAGE: Final = Stage(
    name="series_stage",
    columns={
        "asin": "text",
        "price_type": "int2",
        "first_minute": "int4",
        "last_minute": "int4",
        "points": "int4",
        "fingerprint": "int8",
        "minutes": "int4[]",
        "prices": "int4[]",
        "shipping": "int4[]",
    },
)
_KNOWN: Final = """
SELECT asin, price_type, first_minute, fingerprint FROM price_series WHERE domain = %s AND asin = ANY(%s)
"""
_STORED: Final = """
SELECT minutes, prices, shipping FROM price_series WHERE domain = %s AND asin = %s AND price_type = %s
"""
_TAKE_OVER: Final = sql.SQL("""
INSERT INTO price_series AS t (domain, {columns})
SELECT %(domain)s, {columns} FROM series_stage ORDER BY asin, price_type
ON CONFLICT (domain, asin, price_type) DO UPDATE SET ({columns}) = ROW ({replacements})
RETURNING t.asin
""").format(
    columns=sql.SQL(", ").join(map(sql.Identifier, _STAGE.columns)),
    replacements=sql.SQL(", ").join(sql.Identifier("excluded", name) for name in _STAGE.columns),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """One history of one product, and the fingerprint of the reply's lists."""

    product: Product
    series: prices.Series
    fingerprint: int
    minutes: bytes
    prices: bytes
    shipping: bytes | None

    @property
    def key(self) -> tuple[str, int]:
        return self.product.asin, self.series.price_type


def write(conn: Connection, domain: int, products: Iterable[Product]) -> tuple[int, list[Refusal[Product]]]:
    """Write the histories of `products`; how many rows changed, and the products of the histories refused.

    Raises:
        psycopg.Error: what is no history's fault.
    """
    readings: list[_Reading] = []
    refusals: list[Refusal[Product]] = []
    asins: list[str] = []
    for product in products:
        asins.append(product.asin)
        try:
            readings += [_reading(product, series) for series in prices.decode(product.csv)]
        except UNSTORABLE as error:
            refusals.append(Refusal(product, f"history: {reason_of(error)}"))
    if not readings:
        return 0, refusals
    known = {
        (asin, price_type): (first_minute, fingerprint)
        for asin, price_type, first_minute, fingerprint in conn.execute(_KNOWN, (domain, asins)).fetchall()
    }
    changed = [_whole(conn, domain, reading, known.get(reading.key)) for reading in readings]

    def take_over(batch: Sequence[_Reading]) -> list[tuple[str]]:
        _STAGE.fill(conn, map(_row, batch))
        return conn.execute(_TAKE_OVER, {"domain": domain}).fetchall()

    written, refused = write_each(conn, [reading for reading in changed if reading is not None], take_over)
    refusals += [
        Refusal(refusal.item.product, f"history of price type {refusal.item.series.price_type}: {refusal.reason}")
        for refusal in refused
    ]
    return len(written), refusals


def _reading(product: Product, series: prices.Series) -> _Reading:
    minutes, values = packed.ints(series.minutes), packed.ints(series.prices)
    shipping = None if series.shipping is None else packed.ints(series.shipping)
    digest = hashlib.blake2b(minutes, digest_size=8)
    digest.update(values)
    digest.update(shipping or b"")
    return _Reading(
        product=product,
        series=series,
        fingerprint=int.from_bytes(digest.digest(), "big", signed=True),
        minutes=minutes,
        prices=values,
        shipping=shipping,
    )


def _whole(conn: Connection, domain: int, reading: _Reading, known: tuple[int, int] | None) -> _Reading | None:
    """The history to store, or None when it is what is stored; the fingerprint stays that of the reply."""
    if known is None:
        return reading
    first_minute, fingerprint = known
    if fingerprint == reading.fingerprint:
        return None
    if reading.series.minutes[0] <= first_minute:
        return reading
    row = conn.execute(_STORED, (domain, *reading.key)).fetchone()
    if row is None:
        return reading
    return _joined(reading, prices.Series(price_type=reading.key[1], minutes=row[0], prices=row[1], shipping=row[2]))


def _joined(reading: _Reading, stored: prices.Series) -> _Reading:
    late = reading.series
    kept = bisect_left(stored.minutes, late.minutes[0])
    shipping = None
    if late.shipping is not None:
        shipping = (stored.shipping or [-1] * len(stored.minutes))[:kept] + late.shipping
    joined = prices.Series(
        price_type=late.price_type,
        minutes=stored.minutes[:kept] + late.minutes,
        prices=stored.prices[:kept] + late.prices,
        shipping=shipping,
    )
    whole = _reading(reading.product, joined)
    return replace(whole, fingerprint=reading.fingerprint)


def _row(reading: _Reading) -> Row:
    minutes = reading.series.minutes
    return (
        reading.product.asin,
        reading.series.price_type,
        minutes[0],
        minutes[-1],
        len(minutes),
        reading.fingerprint,
        reading.minutes,
        reading.prices,
        reading.shipping,
    )
