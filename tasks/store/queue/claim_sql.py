"""How the next items are taken from the queue, as SQL. Pure.

A batch is of one locale and one level of detail, because one request is. A claim for some selections alone reads the
first items of each, by the index of who asks: what others have left in front, however much, is not read.
"""

from __future__ import annotations

from typing import Final

from tasks.store.queue.selected import ASKER

_READY: Final = """
SELECT domain, asin, detail, priority, place FROM fetch_queue
WHERE state IN ('pending', 'leased') AND ready_at <= clock_timestamp() AND (lease = ANY(%(paid)s)) IS NOT TRUE
"""
IN_ORDER: Final = "ORDER BY -priority, place"
OF_EACH: Final = "unnest(%(askers)s::text[]) AS a (asker), LATERAL"
BY_ASKER: Final = f"AND {ASKER} = a.asker"
# Where the search of each asker begins: nothing before it is ready.
_STARTS: Final = """
SELECT * FROM unnest(%(askers)s::text[], %(ranks)s::int[], %(places)s::bigint[]) AS a (asker, from_rank, from_place)
"""
_FROM_THERE: Final = "AND (-priority, place) >= (a.from_rank, a.from_place)"


# Leases the items in `taken`. A lease that ran out counts as a death: its owner died or hung while it had the item.
LEASE_TAKEN: Final = """
UPDATE fetch_queue AS q SET
    deaths = q.deaths + (q.state = 'leased')::int, state = 'leased', owner = %(owner)s,
    lease = nextval('fetch_queue_lease'),
    ready_at = clock_timestamp() + make_interval(secs => %(lease_s)s)
FROM taken WHERE (q.domain, q.asin, q.detail) = (taken.domain, taken.asin, taken.detail)
RETURNING q.domain, q.asin, q.detail, q.attempts, q.lease, q.deaths
"""


def _claim(by: str) -> str:
    """The statement that claims; each row has the item and the place of the first one: who asks, rank, place.

    The batch is looked for from its first item on, so that what is in front of that is passed once.
    """
    return f"""
WITH starts AS ({_STARTS}), first AS (
    SELECT domain, detail, asker, priority, place FROM starts AS a, LATERAL (
        {_READY} {by} {_FROM_THERE} AND (%(detail)s::text IS NULL OR detail = %(detail)s)
        {IN_ORDER} LIMIT 1 FOR UPDATE SKIP LOCKED
    ) AS next {IN_ORDER} LIMIT 1
), later AS (
    SELECT a.asker, start.* FROM starts AS a, first, LATERAL (
        SELECT * FROM (VALUES (a.from_rank, a.from_place), (-first.priority, first.place)) AS v (from_rank, from_place)
        ORDER BY from_rank DESC, from_place DESC LIMIT 1
    ) AS start
), taken AS (
    SELECT domain, asin, detail FROM later AS a, LATERAL (
        {_READY} {by} {_FROM_THERE} AND (domain, detail) = (SELECT domain, detail FROM first)
        {IN_ORDER} LIMIT %(limit)s FOR UPDATE SKIP LOCKED
    ) AS next {IN_ORDER} LIMIT %(limit)s
), leased AS ({LEASE_TAKEN}, q.priority, q.place)
SELECT leased.domain, asin, leased.detail, attempts, lease, deaths, asker, -first.priority, first.place
FROM leased, first ORDER BY -leased.priority, leased.place
"""  # noqa: S608 - fragments of ours


CLAIM_ANY: Final = _claim("")
CLAIM_CHOSEN: Final = _claim(BY_ASKER)
