"""The queue of products to fetch, shared by all workers of all machines.

An item is claimed with a lease. It comes back by itself when its owner is gone, and what the owner says of it counts
only while the lease is still the owner's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tasks.planning import retry_schedule
from tasks.store import quarantine
from tasks.store.queue.changes import change, written_down
from tasks.store.queue.claim_sql import CLAIM_ANY, CLAIM_CHOSEN
from tasks.store.queue.front import ClaimFront
from tasks.store.queue.selected import parameters

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.planning.streams import WantedStreams
    from tasks.store.connection import Connection

# Inserted by key, so that two who queue the same products do not wait for each other in a circle; `place` keeps the
# order in which they were given.
_WANTED: Final = """
wanted AS (
    SELECT asin, extract(epoch FROM statement_timestamp()) * 1000000000 + min(nth) AS place
    FROM unnest(%(asins)s::text[]) WITH ORDINALITY AS given (asin, nth) GROUP BY asin
)
"""
_ENQUEUE: Final = written_down(f"""{_WANTED}, changed AS (
    INSERT INTO fetch_queue AS q (domain, asin, detail, priority, place, selection_key)
    SELECT %(domain)s, asin, %(detail)s, %(priority)s, place, %(selection_key)s FROM wanted ORDER BY asin
    ON CONFLICT (domain, asin, detail) DO NOTHING
    RETURNING q.domain, q.selection_key, q.detail, NULL AS was, q.state AS now
)""")  # noqa: S608 - a fragment of ours
# The part of whoever asked before loses them, and that of whoever asks now gets them.
_ENQUEUE_AGAIN: Final = written_down(
    f"""{_WANTED}, ended AS (
    SELECT q.domain, q.asin, q.detail, q.state, q.selection_key, wanted.place
    FROM fetch_queue AS q JOIN wanted USING (asin)
    WHERE q.domain = %(domain)s AND q.asin = ANY(%(asins)s) AND q.detail = %(detail)s
      AND q.state IN ('done', 'given up')
    ORDER BY q.asin FOR UPDATE OF q
), again AS (
    UPDATE fetch_queue AS q SET
        state = 'pending', priority = %(priority)s, place = ended.place, attempts = 0, deaths = 0,
        enqueued_at = now(), ready_at = now(), finished_at = NULL, selection_key = %(selection_key)s
    FROM ended WHERE (q.domain, q.asin, q.detail) = (ended.domain, ended.asin, ended.detail)
    RETURNING q.domain, q.detail, q.selection_key, ended.selection_key AS was_asked_by, ended.state AS was
), changed AS (
    SELECT domain, was_asked_by AS selection_key, detail, was, NULL AS now FROM again
    UNION ALL SELECT domain, selection_key, detail, NULL, 'pending' FROM again
)""",  # noqa: S608 - the same
    each="now IS NOT NULL",
)

_COMPLETE: Final = written_down("""changed AS (
    UPDATE fetch_queue AS q SET state = 'done', failures = 0, lease = NULL, owner = NULL, finished_at = now()
    FROM unnest(%(leases)s::bigint[]) AS ours (lease) WHERE q.lease = ours.lease AND q.state = 'leased'
    RETURNING q.domain, q.selection_key, q.detail, 'leased' AS was, q.state AS now
)""")
_RELEASE: Final = """
UPDATE fetch_queue AS q SET state = 'pending', lease = NULL, owner = NULL, ready_at = now()
FROM unnest(%(leases)s::bigint[]) AS ours (lease) WHERE q.lease = ours.lease AND q.state = 'leased'
"""
# The same pauses as `tasks.planning.retry_schedule` makes, for the same reason: each call may have been charged.
_POSTPONE: Final = """
UPDATE fetch_queue AS q SET
    state = 'pending', lease = NULL, owner = NULL, reason = 'the call for it failed', failures = q.failures + 1,
    ready_at = clock_timestamp() + make_interval(secs => CASE
        WHEN q.failures = 0 THEN %(again_s)s ELSE least(%(longest_s)s, %(rarely_s)s * 2.0 ^ least(q.failures - 1, 20))
    END)
FROM unnest(%(leases)s::bigint[]) AS ours (lease) WHERE q.lease = ours.lease AND q.state = 'leased'
"""
_FAIL: Final = written_down(
    """changed AS (
    UPDATE fetch_queue AS q SET
        attempts = q.attempts + 1, failures = 0, lease = NULL, owner = NULL, reason = %(reason)s,
        ready_at = now() + make_interval(secs => %(pause_s)s * 2 ^ least(q.attempts, 10)),
        state = CASE WHEN q.attempts + 1 >= %(limit)s THEN 'given up' ELSE 'pending' END,
        finished_at = CASE WHEN q.attempts + 1 >= %(limit)s THEN now() END
    FROM unnest(%(leases)s::bigint[]) AS ours (lease) WHERE q.lease = ours.lease AND q.state = 'leased'
    RETURNING q.domain, q.selection_key, q.detail, 'leased' AS was, q.state AS now, ours.lease
)""",
    result="SELECT lease FROM changed WHERE now = 'given up'",
)
# What its owner died over goes behind the others, so that an item that kills does not keep them from being served.
_RELEASE_OWNER: Final = written_down(
    """changed AS (
    UPDATE fetch_queue SET
        lease = NULL, owner = NULL, deaths = deaths + 1, reason = 'its holder died', ready_at = now(),
        place = extract(epoch FROM clock_timestamp()) * 1000000000,
        state = CASE WHEN deaths + 1 >= %(limit)s THEN 'given up' ELSE 'pending' END,
        finished_at = CASE WHEN deaths + 1 >= %(limit)s THEN now() END
    WHERE owner = %(owner)s AND state = 'leased'
    RETURNING domain, selection_key, detail, 'leased' AS was, state AS now, asin
)""",
    result="SELECT domain, asin, now = 'given up' FROM changed",
)
_OWNERS: Final = "SELECT DISTINCT owner FROM fetch_queue WHERE state = 'leased' ORDER BY owner"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A product to fetch.

    Attributes:
        detail: how much of it: "stats", "history" or "offers".
        attempts: how often it was refused, or missing from the reply.
        lease: the number under which it was claimed.
        deaths: how often its owner died or its lease ran out.
    """

    domain: int
    asin: str
    detail: str
    attempts: int
    lease: int
    deaths: int = 0


def enqueue(  # noqa: PLR0913 - what an item is made of
    conn: Connection,
    domain: int,
    asins: Sequence[str],
    *,
    detail: str,
    priority: int = 0,
    again: bool = False,
    selection_key: str | None = None,
) -> int:
    """Queue products in the order given; how many of them were not waiting already.

    Args:
        conn: the connection.
        domain: the locale.
        asins: what to fetch; a product that is queued or claimed already stays as it is.
        detail: how much to fetch of it.
        priority: higher is served first, the order given decides among equals.
        again: also queue those that were fetched or failed before; without it they are left alone for ever.
        selection_key: the selection that has listed them; None when none has.
    """
    if not asins:
        return 0
    values = {"domain": domain, "asins": list(asins), "detail": detail, "priority": priority}
    values["selection_key"] = selection_key
    count = change(conn, _ENQUEUE_AGAIN, values) if again else 0
    return count + change(conn, _ENQUEUE, values)


def claim(  # noqa: PLR0913 - what may be taken, by whom and for how long
    conn: Connection,
    *,
    owner: str,
    limit: int,
    lease_s: float,
    detail: str | None = None,
    paid: Sequence[int] = (),
    chosen: WantedStreams | None = None,
    front: ClaimFront | None = None,
) -> list[Item]:
    """Claim up to `limit` products of one locale and one level of detail; empty when nothing is ready.

    No two callers get the same item, and none waits for another. Commit before working on them.

    Args:
        conn: the connection.
        owner: the worker that claims them.
        limit: how many at the most.
        lease_s: seconds after which another worker may claim them.
        detail: claim only this level of detail.
        paid: leases whose answer is there already and only waits to be written, however late.
        chosen: claim only what these selections ask for.
        front: where to begin to look; it is moved on.
    """
    front = front or ClaimFront()
    askers = parameters(chosen)["askers"] or [""]
    values = {
        "owner": owner,
        "limit": limit,
        "lease_s": lease_s,
        "detail": detail,
        "paid": list(paid),
        "askers": askers,
    }
    statement = CLAIM_ANY if chosen is None else CLAIM_CHOSEN
    rows = conn.execute(statement, values | front.starts(askers), prepare=False).fetchall()
    if not rows and not front.is_open:
        front.forget()
        rows = conn.execute(statement, values | front.starts(askers), prepare=False).fetchall()
    if len(rows) == limit:
        front.found(*rows[0][-3:])
    else:
        front.forget()
    return [
        Item(domain=domain, asin=asin, detail=detail, attempts=attempts, lease=lease, deaths=deaths)
        for domain, asin, detail, attempts, lease, deaths, *_ in rows
    ]


def complete(conn: Connection, items: Sequence[Item]) -> int:
    """Mark as done those whose lease is still the one they were claimed with; how many."""
    return change(conn, _COMPLETE, _leases(items))


def release(conn: Connection, items: Sequence[Item]) -> int:
    """Give back, untried, those whose lease is still the one they were claimed with; how many."""
    return conn.execute(_RELEASE, _leases(items), prepare=False).rowcount


def postpone(conn: Connection, items: Sequence[Item]) -> int:
    """Give back, uncounted as a try, those of a call that failed; nobody claims them before a pause. How many.

    The pause grows with each such call in a row, whoever makes it.
    """
    pauses = {
        "again_s": retry_schedule.AGAIN_S[1],
        "rarely_s": retry_schedule.RARELY_S,
        "longest_s": retry_schedule.LONGEST_S,
    }
    return conn.execute(_POSTPONE, _leases(items) | pauses, prepare=False).rowcount


def fail(
    conn: Connection, items: Sequence[Item], reason: str, *, max_attempts: int, pause_s: float = 0.0
) -> list[Item]:
    """Count a failed attempt of those whose lease is still ours; quarantine and return those that fail with it.

    Args:
        conn: the connection.
        items: what was tried.
        reason: why it failed.
        max_attempts: attempts after which an item has failed.
        pause_s: seconds before anybody may try again, for a first attempt; twice as many after each further one.
    """
    stored = quarantine.storable(reason, quarantine.REASON_CHARS)
    values = _leases(items) | {"reason": stored, "limit": max_attempts, "pause_s": pause_s}
    ended = {lease for (lease,) in conn.execute(_FAIL.encode(), values, prepare=False).fetchall()}
    failed = [item for item in items if item.lease in ended]
    for item in failed:
        why = f"failed after {item.attempts + 1} attempts: {reason}"
        quarantine.add(conn, kind="product", key=item.asin, reason=why, raw=None, domain=item.domain)
    return failed


def release_owner(conn: Connection, owner: str, *, max_deaths: int) -> int:
    """Give back all that a dead owner has claimed, without waiting for its leases to run out; how many items.

    Each counts one more death; those with `max_deaths` of them have failed and are quarantined.
    """
    released = conn.execute(_RELEASE_OWNER.encode(), {"owner": owner, "limit": max_deaths}, prepare=False).fetchall()
    for domain, asin, has_failed in released:
        if has_failed:
            why = f"failed: {max_deaths} workers died while they held it"
            quarantine.add(conn, kind="product", key=asin, reason=why, raw=None, domain=domain)
    return len(released)


def owners(conn: Connection) -> list[str]:
    """Everybody who has claimed items now."""
    return [row[0] for row in conn.execute(_OWNERS, prepare=False).fetchall()]


def _leases(items: Sequence[Item]) -> dict[str, object]:
    return {"leases": [item.lease for item in items]}
