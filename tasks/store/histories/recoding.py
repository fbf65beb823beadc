"""Gives rows of an older build the form of this one: histories and sales ranks as byte planes.

It walks once over all products by their key, a few at a time, as a duty in the background. A product's row is locked
before its histories are read, as by everybody who writes them. What is in the new form already is passed over, so a
walk that was broken off goes on where it stood, and one that begins anew changes nothing twice.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

import msgspec

from tasks.keepa.prices import SALES
from tasks.store.bulk.replace import Updated
from tasks.store.bulk.staging import Copied
from tasks.store.duties import state
from tasks.store.duties.duty import Duty, Step
from tasks.store.histories import price_series, sales_ranks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.store.connection import Connection

NAME: Final = "recoding"
PRODUCTS: Final = 10  # a step: with histories of years these take some tens of milliseconds
_SHARE: Final = 0.05
_NEXT: Final = """
SELECT domain, asin FROM products WHERE (domain, asin) > (%s, %s) ORDER BY domain, asin LIMIT %s FOR NO KEY UPDATE
"""
_RANKS: Final = """
SELECT p.asin, p.sales_ranks_json::text, s.minutes, s.prices
FROM products AS p LEFT JOIN price_series AS s ON s.domain = p.domain AND s.asin = p.asin AND s.price_type = %s
WHERE p.domain = %s AND p.asin = ANY(%s) AND p.sales_ranks_json IS NOT NULL
"""
_RANK_ROWS: Final = Updated(
    rows=Copied(table="products", columns={"domain": "int2", "asin": "text", **sales_ranks.COLUMNS}),
    key=("domain", "asin"),
)
_Ranks = msgspec.json.Decoder(dict[str, list[int] | None])


def step(conn: Connection) -> Step:
    """Give the next few products the new form, in the caller's transaction.

    Raises:
        psycopg.Error: nothing was changed.
    """
    known = state.load(conn, NAME)
    if known.get("done"):
        return Step(has_more=False)
    found = conn.execute(_NEXT, (known.get("domain", 0), known.get("asin", ""), PRODUCTS), prepare=False).fetchall()
    for domain, keys in groupby(found, key=lambda key: int(key[0])):
        asins = [asin for _, asin in keys]
        price_series.recode(conn, domain, asins)
        _recode_ranks(conn, domain, asins)
    if not found:
        state.save(conn, NAME, {"done": True})
        return Step(has_more=False)
    domain, asin = found[-1]
    state.save(conn, NAME, {"domain": domain, "asin": asin})
    return Step(has_more=True)


def _recode_ranks(conn: Connection, domain: int, asins: Sequence[str]) -> None:
    rows = []
    for asin, text, minutes, values in conn.execute(_RANKS, (SALES, domain, asins), prepare=False):
        sales = None if minutes is None else [number for pair in zip(minutes, values, strict=True) for number in pair]
        coded = sales_ranks.row(_decoded(text), sales)
        if coded[-1] is None:
            rows.append((domain, asin, *coded))
    if rows:
        _RANK_ROWS.apply(conn, domain, asins, rows)


def _decoded(text: str) -> dict[str, list[int] | None]:
    """What the column holds; empty, which keeps it as it is, when it is something else."""
    try:
        return _Ranks.decode(text)
    except msgspec.ValidationError:
        return {}


RECODING: Final = Duty(name=NAME, step=step, share=_SHARE, rest_s=24 * 3_600.0)
