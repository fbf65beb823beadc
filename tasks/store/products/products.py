"""Products and their histories into the tables.

A reply has parts: what every reply holds, and history, figures and offers, which come when asked for. Each part of a
row is replaced by a newer reading of that part only, in whatever order replies arrive. A product's row is written
before its histories and offers, so its lock orders those who write the same product at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from psycopg import sql

from tasks.store import quarantine
from tasks.store.bulk.batch import UNSTORABLE, Refusal, Written, evidence, newest, reason_of, write_each
from tasks.store.bulk.staging import Stage
from tasks.store.histories import price_series
from tasks.store.notify import changes
from tasks.store.products import offers, product_columns, product_row

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from tasks.keepa.decode.replies import Product
    from tasks.store.bulk.staging import Row
    from tasks.store.connection import Connection

_STAGE: Final = Stage(table="product_stage", columns=product_columns.COLUMNS)

_BASE: Final = sql.SQL("""(
    coalesce(excluded.last_update, 0) > coalesce(t.last_update, 0)
    OR (NOT t.is_found AND excluded.fetched_at > t.fetched_at)
)""")


def _part(name: str) -> sql.Composed:
    """Whether the batch has a newer reading of that part than the row."""
    age = f"{name}_update"
    return sql.SQL("coalesce({} > coalesce({}, -1), false)").format(
        sql.Identifier("excluded", age), sql.Identifier("t", age)
    )


def _replace(names: Iterable[str], condition: sql.Composable) -> list[sql.Composed]:
    form = sql.SQL("{name} = CASE WHEN {condition} THEN excluded.{name} ELSE t.{name} END")
    return [form.format(name=sql.Identifier(name), condition=condition) for name in names]


# Without any history yet, the little that a reply without history holds of it is kept too.
_HISTORY: Final = sql.SQL("({} OR (t.history_update IS NULL AND {}))").format(_part("history"), _BASE)
# Of one moment, the reading of a richer detail tells more.
_STATS: Final = sql.SQL("""(
    {} OR coalesce(excluded.stats_update = t.stats_update AND excluded.stats_known > coalesce(t.stats_known, 0), false)
)""").format(_part("stats"))
# A collection that failed repeats what was known before it: it never replaces one that did not fail.
_OFFERS: Final = sql.SQL("""CASE
    WHEN excluded.offers_successful AND t.offers_successful IS FALSE
    THEN coalesce(excluded.offers_update >= coalesce(t.offers_update, -1), false)
    WHEN t.offers_successful AND excluded.offers_successful IS FALSE THEN false
    ELSE {}
END""").format(_part("offers"))
_TAKE_OVER: Final = (
    sql.SQL("""
INSERT INTO products AS t (
    domain, is_found, first_fetched_at, fetched_at, history_fetched_at, stats_fetched_at, offers_fetched_at, {columns}
)
SELECT
    %(domain)s, true, %(fetched_at)s, %(fetched_at)s,
    CASE WHEN history_update IS NOT NULL THEN %(fetched_at)s::timestamptz END,
    CASE WHEN stats_update IS NOT NULL THEN %(fetched_at)s::timestamptz END,
    CASE WHEN offers_update IS NOT NULL THEN %(fetched_at)s::timestamptz END,
    {columns}
FROM product_stage ORDER BY asin
ON CONFLICT (domain, asin) DO UPDATE SET {replacements}
WHERE {base} OR {history} OR {stats} OR {buy_box} OR {offers}
RETURNING
    t.asin, t.first_fetched_at = %(fetched_at)s, coalesce(t.last_update, 0),
    coalesce(t.history_fetched_at = %(fetched_at)s, false), coalesce(t.offers_fetched_at = %(fetched_at)s, false)
""")
    .format(
        columns=sql.SQL(", ").join(map(sql.Identifier, product_columns.COLUMNS)),
        replacements=sql.SQL(", ").join(
            [
                *_replace(["is_found", "fetched_at", *product_columns.BASE], _BASE),
                *_replace(product_columns.HISTORY, _HISTORY),
                *_replace(["history_update", "history_fetched_at"], _part("history")),
                *_replace(["stats_update", "stats_fetched_at", *product_columns.STATS], _STATS),
                *_replace(["buy_box_update", *product_columns.BUY_BOX], _part("buy_box")),
                *_replace(["offers_update", "offers_fetched_at", *product_columns.OFFERS], _OFFERS),
            ]
        ),
        base=_BASE,
        history=_part("history"),
        stats=_STATS,
        buy_box=_part("buy_box"),
        offers=_OFFERS,
    )
    .as_bytes(None)
)  # once: to put its thousand parts together takes 3 ms
# The server no longer knows it; what it once sent of it stays.
_MISS: Final = """
INSERT INTO products AS t (domain, asin, is_found, product_type, first_fetched_at, fetched_at)
SELECT %(domain)s, asin, false, product_type, %(fetched_at)s, %(fetched_at)s
FROM unnest(%(asins)s::text[], %(types)s::int[]) AS missing (asin, product_type) ORDER BY asin
ON CONFLICT (domain, asin) DO UPDATE SET
    is_found = false, product_type = excluded.product_type, fetched_at = excluded.fetched_at
WHERE t.is_found AND excluded.fetched_at > t.fetched_at
RETURNING t.asin, t.first_fetched_at = %(fetched_at)s, 0, false, false
"""


class _Taken(NamedTuple):
    """A row that was written, and which of its parts in other tables follow."""

    asin: str
    is_new: bool
    last_update: int
    has_history: bool
    has_offers: bool


def write(
    conn: Connection,
    domain: int,
    products: Sequence[Product],
    *,
    fetched_at: datetime,
    has_history: bool,
    has_part: bool = False,
) -> Written:
    """Write what is newer than what is there, in the caller's transaction, histories and offers included.

    A product, a history or offers the database cannot hold is quarantined and costs the others nothing.

    Args:
        conn: the connection.
        domain: the locale.
        products: those of a reply; the unknown ones are recorded as not found.
        fetched_at: when the reply came.
        has_history: whether whole histories were asked for.
        has_part: whether the last days of them were: they are put behind what is there, and the product counts as one
            whose history was not fetched.

    Raises:
        psycopg.Error: what is no product's fault.
    """
    listed = newest(products, product_row.age)
    rows, refusals = _rows([product for product in listed.values() if product.is_found], has_history=has_history)
    about = {"domain": domain, "fetched_at": fetched_at}

    def take_over(batch: Sequence[tuple[Product, Row]]) -> list[_Taken]:
        _STAGE.fill(conn, (row for _, row in batch))
        return list(map(_Taken._make, conn.execute(_TAKE_OVER, about)))

    def miss(batch: Sequence[Product]) -> list[_Taken]:
        types = [product.product_type for product in batch]
        missed = conn.execute(_MISS, about | {"asins": [product.asin for product in batch], "types": types})
        return list(map(_Taken._make, missed))

    written, refused = write_each(conn, rows, take_over)
    missed, unmissed = write_each(conn, [product for product in listed.values() if not product.is_found], miss)
    written += missed
    refusals += [*(Refusal(refusal.item[0], refusal.reason) for refusal in refused), *unmissed]
    dated = [row.asin for row in written if row.has_history or (has_part and _is_latest(row, listed[row.asin]))]
    points, cut = price_series.write(conn, domain, [listed[asin] for asin in dated])
    sellers, spoilt = offers.write(conn, domain, [listed[row.asin] for row in written if row.has_offers])
    for refusal in (*refusals, *cut, *spoilt):
        product, reason = refusal.item, refusal.reason
        quarantine.add(conn, kind="product", key=product.asin, reason=reason, raw=evidence(product), domain=domain)
    changes.add_listed(conn, domain, [row.asin for row in written])
    inserted = sum(row.is_new for row in written)
    return Written(
        inserted=inserted,
        updated=len(written) - inserted,
        unchanged=len(listed) - len(written) - len(refusals),
        changed_asins=[row.asin for row in written],
        refused=len(refusals) + len(cut) + len(spoilt),
        series=points,
        offers=sellers,
    )


def _is_latest(row: _Taken, product: Product) -> bool:
    """Whether no reading of the product that is stored is newer than this one, its history's included."""
    return product.is_found and row.last_update == product_row.age(product)


def _rows(
    products: Iterable[Product], *, has_history: bool
) -> tuple[list[tuple[Product, Row]], list[Refusal[Product]]]:
    rows, refusals = [], []
    for product in products:
        try:
            rows.append((product, product_row.row(product, has_history=has_history)))
        except UNSTORABLE as error:
            refusals.append(Refusal(product, reason_of(error)))
    return rows, refusals
