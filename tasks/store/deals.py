"""Pages of deals into the tables behind the view `deals`.

A page mostly repeats what is known. So the known readings' ages are asked for first, and only newer deals are packed
and sent; the statement that takes them over looks at the age again, since somebody else may have written meanwhile.
When a deal was last listed is kept beside its row (`deal_sightings`): the wide row is not rewritten for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from psycopg import sql

from tasks.store import packed, quarantine
from tasks.store.batch import UNSTORABLE, Refusal, Written, evidence, reason_of, write_each
from tasks.store.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from tasks.keepa.wire import Deal
    from tasks.store.connection import Connection
    from tasks.store.stage import Row

_STAGE: Final = Stage(
    name="deal_stage",
    columns={
        "asin": "text",
        "title": "text",
        "parent_asin": "text",
        "image": "text",
        "root_cat": "int8",
        "categories": "int8[]",
        "current": "int4[]",
        "current_since": "int4[]",
        "delta": "int4[]",
        "delta_percent": "int4[]",
        "delta_last": "int4[]",
        "avg": "int4[]",
        "back_in_stock": "bool[]",
        "extra": "json",
        "warehouse_condition_comment": "text",
        "creation_date": "int4",
        "last_update": "int4",
        "sales_rank_drops30": "int4",
        "sales_rank_drops90": "int4",
        "sales_rank_drops180": "int4",
        "sales_rank_drops365": "int4",
        "lightning_start": "int4",
        "lightning_end": "int4",
        "warehouse_condition": "int4",
        "date_interval_index": "int4",
    },
)
_KNOWN: Final = "SELECT asin, last_update FROM deal_rows WHERE domain = %s AND asin = ANY(%s)"
# By key, so that two who write the same deals do not wait for each other in a circle.
_TAKE_OVER: Final = sql.SQL("""
INSERT INTO deal_rows AS t (domain, first_seen_at, {columns})
SELECT %(domain)s, %(seen_at)s, {columns} FROM deal_stage ORDER BY asin
ON CONFLICT (domain, asin) DO UPDATE SET ({columns}) = ROW ({replacements})
WHERE excluded.last_update > t.last_update
RETURNING t.asin, t.xmax = 0
""").format(
    columns=sql.SQL(", ").join(map(sql.Identifier, _STAGE.columns)),
    replacements=sql.SQL(", ").join(sql.Identifier("excluded", name) for name in _STAGE.columns),
)
_SEE: Final = """
INSERT INTO deal_sightings AS t (domain, asin, last_seen_at)
SELECT %(domain)s, asin, %(seen_at)s FROM unnest(%(asins)s::text[]) AS seen (asin) ORDER BY asin
ON CONFLICT (domain, asin) DO UPDATE SET last_seen_at = excluded.last_seen_at
WHERE excluded.last_seen_at > t.last_seen_at
"""


def write(conn: Connection, domain: int, deals: Sequence[Deal], *, seen_at: datetime) -> Written:
    """Write the deals that are newer than what is there, in the caller's transaction.

    A deal the database cannot hold is quarantined and costs the others nothing. Listed twice, the newer reading counts.

    Args:
        conn: the connection.
        domain: the locale.
        deals: a page, or part of one.
        seen_at: when the server listed them.

    Raises:
        psycopg.Error: what is no deal's fault.
    """
    listed = _newest(deals)
    known: dict[str, int] = dict(conn.execute(_KNOWN, (domain, list(listed))).fetchall()) if listed else {}
    newer = [deal for asin, deal in listed.items() if (at := known.get(asin)) is None or deal.last_update > at]
    rows, refusals = _rows(newer)

    def take_over(batch: Sequence[tuple[Deal, Row]]) -> list[tuple[str, bool]]:
        _STAGE.fill(conn, (row for _, row in batch))
        return conn.execute(_TAKE_OVER, {"domain": domain, "seen_at": seen_at}).fetchall()

    written, refused = write_each(conn, rows, take_over)
    refusals += [Refusal(refusal.item[0], refusal.reason) for refusal in refused]
    unwritten = {refusal.item.asin for refusal in refusals} - known.keys()
    seen = [asin for asin in listed if asin not in unwritten]
    if seen:
        conn.execute(_SEE, {"domain": domain, "seen_at": seen_at, "asins": seen})
    _quarantine(conn, domain, refusals)
    inserted = sum(is_new for _, is_new in written)
    return Written(
        inserted=inserted,
        updated=len(written) - inserted,
        unchanged=len(listed) - len(written) - len(refusals),
        changed_asins=[asin for asin, _ in written],
        refused=len(refusals),
    )


def _newest(deals: Iterable[Deal]) -> dict[str, Deal]:
    """One reading per ASIN, by ASIN; of two of the same age the later in the list."""
    newest: dict[str, Deal] = {}
    for deal in deals:
        other = newest.get(deal.asin)
        if other is None or deal.last_update >= other.last_update:
            newest[deal.asin] = deal
    return dict(sorted(newest.items()))


def _rows(deals: Iterable[Deal]) -> tuple[list[tuple[Deal, Row]], list[Refusal[Deal]]]:
    rows, refusals = [], []
    for deal in deals:
        try:
            rows.append((deal, _row(deal)))
        except UNSTORABLE as error:
            refusals.append(Refusal(deal, reason_of(error)))
    return rows, refusals


def _row(deal: Deal) -> Row:
    """The columns of `_STAGE`, in its order.

    Raises:
        OverflowError: a number does not fit its column; and `TypeError` or `ValueError` for a malformed list.
    """
    numbers = (
        deal.creation_date,
        deal.last_update,
        deal.sales_rank_drops30,
        deal.sales_rank_drops90,
        deal.sales_rank_drops180,
        deal.sales_rank_drops365,
        deal.lightning_start,
        deal.lightning_end,
        deal.warehouse_condition,
        deal.date_interval_index,
    )
    packed.check_int4s(numbers)
    return (
        deal.asin,
        deal.title,
        deal.parent_asin,
        deal.image or None,
        deal.root_cat,
        None if deal.categories is None else packed.longs(deal.categories),
        packed.ints(deal.current),
        packed.ints(deal.current_since),
        packed.matrix(deal.delta),
        packed.matrix(deal.delta_percent),
        packed.ints(deal.delta_last),
        packed.matrix(deal.avg),
        None if deal.back_in_stock is None else packed.bools(deal.back_in_stock),
        None if deal.extra is None else msgspec.json.encode(deal.extra),
        deal.warehouse_condition_comment,
        *numbers,
    )


def _quarantine(conn: Connection, domain: int, refusals: Iterable[Refusal[Deal]]) -> None:
    for refusal in refusals:
        deal, reason = refusal.item, refusal.reason
        quarantine.add(conn, kind="deal", key=deal.asin, reason=reason, raw=evidence(deal), domain=domain)
