"""Keeps two jobs from paying for the same product: which are fetched, which are being fetched, and claims by ASIN."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from psycopg.rows import class_row

from tasks.store.queue.claim_sql import LEASE_TAKEN
from tasks.store.queue.queue import Item

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tasks.store.connection import Connection

_FETCHED: Final = """
SELECT asin FROM unnest(%(asins)s::text[], %(minutes)s::int[]) AS wanted (asin, minute)
JOIN products AS p USING (asin) WHERE p.domain = %(domain)s AND p.stats_update >= wanted.minute
"""
_BEING_FETCHED: Final = """
SELECT asin FROM fetch_queue
WHERE domain = %s AND asin = ANY(%s) AND state = 'leased' AND (ready_at > clock_timestamp() OR lease = ANY(%s))
"""
# By key and skipping what others have locked, so that nobody waits for anybody in a circle.
_CLAIM: Final = f"""
WITH taken AS (
    SELECT domain, asin, detail FROM fetch_queue
    WHERE domain = %(domain)s AND asin = ANY(%(asins)s) AND detail = %(detail)s
      AND state IN ('pending', 'leased') AND ready_at <= clock_timestamp() AND (lease = ANY(%(paid)s)) IS NOT TRUE
    ORDER BY asin FOR UPDATE SKIP LOCKED
)
{LEASE_TAKEN}
"""  # noqa: S608 - a fragment of ours


def already_fetched(conn: Connection, domain: int, minutes: Mapping[str, int]) -> set[str]:
    """Those products whose figures were fetched, with a reading at least as new as the Keepa minute given for each."""
    names = {"domain": domain, "asins": list(minutes), "minutes": list(minutes.values())}
    return {row[0] for row in conn.execute(_FETCHED, names).fetchall()}


def being_fetched(conn: Connection, domain: int, asins: Sequence[str], *, paid: Sequence[int] = ()) -> set[str]:
    """Those products that a worker has claimed and is fetching now, or has fetched, if its lease is in `paid`."""
    return {row[0] for row in conn.execute(_BEING_FETCHED, (domain, list(asins), list(paid))).fetchall()}


def claim(  # noqa: PLR0913 - each narrows what is taken
    conn: Connection,
    domain: int,
    asins: Sequence[str],
    *,
    detail: str,
    owner: str,
    lease_s: float,
    paid: Sequence[int] = (),
) -> list[Item]:
    """Claim these very products, as far as they wait in the queue, as `queue.claim` claims the next ones.

    Args:
        conn: the connection.
        domain: the locale.
        asins: the products.
        detail: the level of detail they wait for.
        owner: the worker that claims them.
        lease_s: seconds after which another worker may claim them.
        paid: leases whose answer is there already and only waits to be written, however late.
    """
    names = {"domain": domain, "asins": list(asins), "detail": detail}
    values = {**names, "owner": owner, "lease_s": lease_s, "paid": list(paid)}
    with conn.cursor(row_factory=class_row(Item)) as cursor:
        return cursor.execute(_CLAIM, values).fetchall()
