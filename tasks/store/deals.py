"""Pages of deals into the tables behind the view `deals`, and the names of the root categories that every page lists.

A page mostly repeats what is known. So the ages of the known readings are asked for first, and only newer deals are
packed and sent, by COPY, straight into the table. A row to be replaced is removed in the same transaction, unless
somebody watches the table: PostgreSQL writes a new version of a changed row and its index entries either way, and a
COPY does that in less time than an update from a temporary table. When a deal was last listed is kept beside its row
(`deal_sightings`), with what its price types come to at the most: the wide row is not rewritten for the one, and not
read for the other.

Writers of one locale take turns, from the look at the ages to the end of their transaction. So the newest reading
wins whoever comes first, and two pages with the same deals never wait for each other in a circle.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from tasks.store import quarantine, selections
from tasks.store.best_deals import titles
from tasks.store.best_deals.bounds import NO_PERCENTS, bounds_of
from tasks.store.bulk import arrays
from tasks.store.bulk.asins import AMONG
from tasks.store.bulk.batch import Written, evidence, newest, write_each
from tasks.store.bulk.replace import Updated
from tasks.store.bulk.staging import Copied
from tasks.store.notify import changes
from tasks.store.quarantine import storable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from tasks.keepa.decode.replies import Deal
    from tasks.store.bulk.batch import Refusal
    from tasks.store.bulk.staging import Row
    from tasks.store.connection import Connection

_NAME_CHARS: Final = 200
_INT8: Final = range(-(2**63), 2**63)
# Every page repeats them: a known name is not written again. In the order of the key, so that two pages at once do not
# wait for each other in a circle.
_WRITE: Final = """
INSERT INTO categories AS t (domain, id, name)
SELECT DISTINCT ON (named.id) %(domain)s::smallint, named.id, named.name
FROM unnest(%(ids)s::bigint[], %(names)s::text[]) AS named (id, name)
WHERE named.name <> '' AND NOT EXISTS (
    SELECT FROM categories AS k WHERE k.domain = %(domain)s AND k.id = named.id AND k.name = named.name
)
ORDER BY named.id
ON CONFLICT (domain, id) DO UPDATE SET name = excluded.name
"""


_ROWS: Final = Copied(
    table="deal_rows",
    columns={
        "domain": "int2",
        "first_seen_at": "timestamptz",
        "asin": "text",
        "title": "text",
        "parent_asin": "text",
        "image": "text",
        "root_cat": "int8",
        "categories": "int8[]",
        "current": "int4[]",
        "current_since": "int4[]",
        "delta_last": "int4[]",
        "delta": "int4[]",
        "delta_percent": "int4[]",
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
        "min_rating": "int4",
    },
)
_UPDATED: Final = Updated(rows=_ROWS, key=("domain", "asin"), kept=("first_seen_at",))
# Any number nobody else uses as the first of two keys of an advisory lock; the second is the locale.
_LOCK_CLASS: Final = 0x5C1D
_LOCK: Final = "SELECT pg_advisory_xact_lock(%s, %s)"
_KNOWN: Final = f"SELECT asin, last_update FROM deal_rows WHERE domain = %s AND asin = {AMONG}"  # noqa: S608 - a fragment of ours
_REMOVE: Final = f"DELETE FROM deal_rows WHERE domain = %s AND asin = {AMONG} RETURNING asin, first_seen_at, title"  # noqa: S608 - the same
# What is no deal any more has nothing that `deals` would look for.
_UNLIST: Final = f"UPDATE deal_sightings SET discount_percents = %s WHERE domain = %s AND asin = {AMONG}"  # noqa: S608 - the same
_FORGET: Final = f"DELETE FROM deal_sightings WHERE domain = %s AND asin = {AMONG}"  # noqa: S608 - the same
# What a late page tells turns nothing back.
_SEEN: Final = """
    last_seen_at = greatest(t.last_seen_at, excluded.last_seen_at),
    last_seen_on = greatest(t.last_seen_on, excluded.last_seen_on),
    selections = CASE WHEN t.selections @> excluded.selections THEN t.selections
        ELSE coalesce(t.selections, '{}') || excluded.selections END
"""
_SEE: Final = f"""
INSERT INTO deal_sightings AS t (domain, asin, last_seen_at, last_seen_on, selections)
SELECT %(domain)s, asin, %(seen_at)s, (%(seen_at)s::timestamptz AT TIME ZONE 'UTC')::date, %(selections)s::smallint[]
FROM unnest(%(asins)s::text[]) AS seen (asin) ORDER BY asin
ON CONFLICT (domain, asin) DO UPDATE SET {_SEEN}
WHERE excluded.last_seen_at > t.last_seen_at OR NOT coalesce(t.selections, '{{}}') @> excluded.selections
"""  # noqa: S608 - a fragment of ours
# Of what was written there are new bounds too. They go with the newest reading, whenever that was listed.
_SEE_ANEW: Final = f"""
INSERT INTO deal_sightings AS t (
    domain, asin, last_seen_at, last_seen_on, selections,
    discount_percents, greatest_drop, lowest_price, sales_rank, creation_date
)
SELECT %(domain)s, asin, %(seen_at)s, (%(seen_at)s::timestamptz AT TIME ZONE 'UTC')::date, %(selections)s::smallint[],
    percents, fall, price, rank, creation_date
FROM unnest(
    %(asins)s::text[], %(percents)s::bytea[], %(drops)s::int[], %(prices)s::int[], %(ranks)s::int[], %(created)s::int[]
) AS seen (asin, percents, fall, price, rank, creation_date)
ORDER BY asin
ON CONFLICT (domain, asin) DO UPDATE SET {_SEEN},
    discount_percents = excluded.discount_percents, greatest_drop = excluded.greatest_drop,
    lowest_price = excluded.lowest_price, sales_rank = excluded.sales_rank, creation_date = excluded.creation_date
"""  # noqa: S608 - the same


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sighting:
    """That a selection listed deals of a locale at a moment."""

    domain: int
    seen_at: datetime
    selection_key: str | None

    def keep(self, conn: Connection, known: Sequence[str], changed: Sequence[Deal]) -> None:
        """Write it beside the deals of which nothing else is new, and beside those that have changed."""
        key = self.selection_key
        numbers = [] if key is None else [selections.number_of(conn, key)]
        values = {"domain": self.domain, "seen_at": self.seen_at, "selections": numbers}
        if known:
            conn.execute(_SEE.encode(), {**values, "asins": known})
        if changed:
            conn.execute(_SEE_ANEW.encode(), {**values, **_bounds(changed)})


def write(
    conn: Connection, domain: int, deals: Sequence[Deal], *, seen_at: datetime, selection_key: str | None = None
) -> Written:
    """Write the deals that are newer than what is there, in the caller's transaction.

    A deal the database cannot hold is quarantined and costs the others nothing. Listed twice, the newer reading counts.

    Args:
        conn: the connection.
        domain: the locale.
        deals: a page, or part of one.
        seen_at: when the server listed them.
        selection_key: for which selection; None when that is not known.

    Raises:
        psycopg.Error: what is no deal's fault.
    """
    listed = newest(deals, lambda deal: deal.last_update)
    if not listed:
        return Written(inserted=0, updated=0, unchanged=0, changed_asins=[])
    asins = list(listed)
    lock(conn, domain)
    ages: dict[str, int] = dict(conn.execute(_KNOWN.encode(), (domain, asins), prepare=False).fetchall())
    newer = [deal for asin, deal in listed.items() if asin not in ages or deal.last_update > ages[asin]]

    def put(deals: Sequence[Deal]) -> list[tuple[str, bool]]:
        """Write newer readings; each ASIN, and whether it was new."""
        known = [deal.asin for deal in deals if deal.asin in ages]
        kept: dict[str, tuple[datetime, str | None]] = {}
        updated: set[str] = set()
        if known and _UPDATED.is_watched(conn):
            rows = ((domain, seen_at, *_row(deal)) for deal in deals if deal.asin in ages)
            updated |= {asin for _, asin in _UPDATED.apply(conn, domain, known, rows)}
        elif known:
            kept |= _remove(conn, domain, known)
        others = (deal for deal in deals if deal.asin not in updated)
        _ROWS.append(conn, ((domain, kept.get(deal.asin, (seen_at,))[0], *_row(deal)) for deal in others))
        titles.note(conn, domain, [one.asin for one in deals if kept.get(one.asin, (None, ...))[1] != one.title])
        there = kept.keys() | updated
        return [(deal.asin, deal.asin not in there) for deal in deals]

    written, refusals = write_each(conn, newer, put)
    unknown = {refusal.item.asin for refusal in refusals} - ages.keys()
    changed = {asin for asin, _ in written}
    seen = [asin for asin in asins if asin not in unknown and asin not in changed]
    sighting = _Sighting(domain=domain, seen_at=seen_at, selection_key=selection_key)
    sighting.keep(conn, seen, [deal for deal in newer if deal.asin in changed])
    changes.add(conn, domain, [asin for asin, _ in written])
    _quarantine(conn, domain, refusals)
    inserted = sum(is_new for _, is_new in written)
    return Written(
        inserted=inserted,
        updated=len(written) - inserted,
        unchanged=len(listed) - len(newer),
        changed_asins=[asin for asin, _ in written],
        refused=len(refusals),
    )


def lock(conn: Connection, domain: int) -> None:
    """Let nobody else write deals of the locale, or list them, before the end of the caller's transaction."""
    conn.execute(_LOCK, (_LOCK_CLASS, domain))


def remove(conn: Connection, domain: int, asins: Sequence[str]) -> int:
    """Delete these deals; how many. The locale must be locked. When they were last listed stays known."""
    if not asins:
        return 0
    conn.execute(_UNLIST.encode(), (NO_PERCENTS, domain, list(asins)), prepare=False)
    removed = _remove(conn, domain, asins)
    titles.note(conn, domain, list(removed))
    return len(removed)


def _remove(conn: Connection, domain: int, asins: Sequence[str]) -> dict[str, tuple[datetime, str | None]]:
    """Delete these deals; since when each of them was known, and its title."""
    rows = conn.execute(_REMOVE.encode(), (domain, list(asins)), prepare=False)
    return {asin: (first_seen_at, title) for asin, first_seen_at, title in rows}


def forget(conn: Connection, domain: int, asins: Sequence[str]) -> None:
    """Forget when these were last listed. The locale must be locked."""
    if asins:
        conn.execute(_FORGET.encode(), (domain, list(asins)), prepare=False)


def _bounds(deals: Sequence[Deal]) -> dict[str, object]:
    """The columns of the narrow rows that tell of a reading."""
    bounds = [bounds_of(deal.current, deal.avg, deal.delta_percent) for deal in deals]
    return {
        "asins": [deal.asin for deal in deals],
        "percents": [one.percents for one in bounds],
        "drops": [one.drop for one in bounds],
        "prices": [one.price for one in bounds],
        "ranks": [one.rank for one in bounds],
        "created": [deal.creation_date for deal in deals],
    }


def _row(deal: Deal) -> Row:
    """The columns of `_ROWS` but for the first two, in its order.

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
        deal.min_rating,
    )
    arrays.check_int4s(numbers)
    return (
        deal.asin,
        deal.title,
        deal.parent_asin,
        deal.image or None,
        deal.root_cat,
        None if deal.categories is None else arrays.longs(deal.categories),
        *arrays.together(
            (deal.current, deal.current_since, deal.delta_last), (deal.delta, deal.delta_percent, deal.avg)
        ),
        None if deal.back_in_stock is None else arrays.bools(deal.back_in_stock),
        None if deal.extra is None else msgspec.json.encode(deal.extra),
        deal.warehouse_condition_comment,
        *numbers,
    )


def _quarantine(conn: Connection, domain: int, refusals: Iterable[Refusal[Deal]]) -> None:
    for refusal in refusals:
        deal, reason = refusal.item, refusal.reason
        quarantine.add(conn, kind="deal", key=deal.asin, reason=reason, raw=evidence(deal), domain=domain)


def write_categories(conn: Connection, domain: int, ids: Sequence[int], names: Sequence[str]) -> None:
    """Keep what each category is called, in the caller's transaction.

    What cannot be stored is left out or mended: a name must not cost the page it came with.
    """
    named = [(one, storable(name, _NAME_CHARS)) for one, name in zip(ids, names, strict=False) if one in _INT8]
    if named:
        values = {"domain": domain, "ids": [one for one, _ in named], "names": [name for _, name in named]}
        conn.execute(_WRITE, values, prepare=False)
