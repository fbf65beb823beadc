"""Keeps what could not be used, with the reason: nothing that was paid for is dropped silently.

A person can list what was quarantined, read each piece, and send it on one of its ways out of the quarantine.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal, LiteralString

from psycopg.rows import class_row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.store.connection import Connection

_WHERE: Final = """
WHERE (%(ids)s::bigint[] IS NULL OR id = ANY(%(ids)s))
  AND (%(kind)s::text IS NULL OR kind = %(kind)s)
  AND (%(domain)s::smallint IS NULL OR domain = %(domain)s)
  AND (%(key)s::text IS NULL OR strpos(lower(key), lower(%(key)s)) > 0)
  AND (%(reason)s::text IS NULL OR strpos(lower(reason), lower(%(reason)s)) > 0)
"""
_FIND: Final = """
SELECT id, kind, domain, key, reason, length(raw) AS raw_bytes, first_at, last_at, times
FROM quarantine {where} AND (%(before_id)s::bigint IS NULL OR (last_at, id) < (%(before_at)s, %(before_id)s))
ORDER BY last_at DESC, id DESC LIMIT %(limit)s
"""
_IDS: Final = "SELECT id FROM quarantine {where} ORDER BY id LIMIT %(limit)s"
# Of the latest alone: how many there are in all does not matter then.
_BY_REASON: Final = """
SELECT kind, reason, count(*) AS faults, sum(times)::bigint AS times, max(last_at) AS last_at
FROM (
    SELECT kind, reason, times, last_at FROM quarantine {where} ORDER BY last_at DESC, id DESC LIMIT %(read)s
) AS latest
GROUP BY kind, reason ORDER BY times DESC, kind, reason LIMIT %(limit)s
"""
_COUNT_BY_KIND: Final = """
SELECT kind, count(*) AS faults, coalesce(sum(length(raw)), 0)::bigint AS raw_bytes
FROM quarantine {where} GROUP BY kind ORDER BY kind
"""
# Of a large table the pages that are read are drawn at random.
_ROOM: Final = """
SELECT pg_relation_size(oid),
       reltuples / nullif(relpages, 0) * (pg_relation_size(oid) / current_setting('block_size')::int)
FROM pg_class WHERE oid = 'quarantine'::regclass
"""
_SAMPLED_BYTES: Final = 4 << 20
_SAMPLE: Final = """
SELECT kind, count(*), coalesce(sum(length(raw)), 0)::bigint FROM quarantine TABLESAMPLE SYSTEM (%s)
GROUP BY kind ORDER BY kind
"""
_DROP: Final = """
WITH dropped AS (DELETE FROM quarantine {where} RETURNING kind, raw)
SELECT kind, count(*) AS faults, coalesce(sum(length(raw)), 0)::bigint AS raw_bytes
FROM dropped GROUP BY kind ORDER BY kind
"""
_LOCK: Final = "SELECT id, kind, domain, key, reason, raw, last_at FROM quarantine WHERE id = %s FOR UPDATE"
_RAW: Final = "SELECT raw FROM quarantine WHERE id = %s"
_DELETE: Final = "DELETE FROM quarantine WHERE id = %s"


Kind = Literal["deal", "product", "request", "body"]

REASON_CHARS: Final = 2000
_KEY_CHARS: Final = 200
NO_DOMAIN: Final = 0

# The same fault comes again with every poll: it is counted, not repeated.
_ADD: Final = """
INSERT INTO quarantine (kind, domain, key, reason, raw) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (kind, domain, key, md5(reason)) DO UPDATE SET
    raw = excluded.raw, last_at = now(), times = quarantine.times + 1
"""


def add(conn: Connection, *, kind: Kind, key: str, reason: str, raw: bytes | None, domain: int | None = None) -> None:
    """Keep `raw` and why it was refused, in the caller's transaction.

    Args:
        conn: the connection.
        kind: what was refused.
        key: what it is about, such as an ASIN; made storable and short.
        reason: why; likewise.
        raw: the bytes as received, None when there are none.
        domain: the locale, if it belongs to one.
    """
    conn.execute(
        _ADD,
        (
            kind,
            domain if domain is not None else NO_DOMAIN,
            storable(key, _KEY_CHARS),
            storable(reason, REASON_CHARS),
            raw,
        ),
    )


def storable(text: str, max_chars: int) -> str:
    """The first `max_chars` characters of `text`, without what PostgreSQL refuses in any text.

    A quarantine that refused would lose the evidence.
    """
    return text[:max_chars].replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultFilter:
    """Selects faults by number, kind and locale, and by a text in key and reason; None selects any."""

    ids: Sequence[int] | None = None
    kind: Kind | None = None
    domain: int | None = None
    key: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault. `raw_bytes` is the size of what was received; None when nothing was kept."""

    id: int
    kind: Kind
    domain: int
    key: str
    reason: str
    raw_bytes: int | None
    first_at: datetime
    last_at: datetime
    times: int


@dataclass(frozen=True, slots=True)
class FaultCount:
    """How many faults of one kind, and the bytes kept for them; of many it may be an estimate."""

    kind: Kind
    faults: int
    raw_bytes: int
    is_estimate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonCount:
    """How many faults have one reason, how often they came, and when the last did."""

    kind: Kind
    reason: str
    faults: int
    times: int
    last_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFault:
    """A fault with what was received, held until the end of the transaction."""

    id: int
    kind: Kind
    domain: int
    key: str
    reason: str
    raw: bytes | None
    last_at: datetime


def find(
    conn: Connection, which: FaultFilter, *, limit: int, before: tuple[datetime, int] | None = None
) -> list[Fault]:
    """At most `limit` of them, the latest first: those before the moment and the number of another one, if given."""
    before_at, before_id = before or (None, None)
    values = {**asdict(which), "limit": limit, "before_at": before_at, "before_id": before_id}
    with conn.cursor(row_factory=class_row(Fault)) as cursor:
        return cursor.execute(_sql(_FIND), values, prepare=False).fetchall()


def ids(conn: Connection, which: FaultFilter, *, limit: int | None = None) -> list[int]:
    """The numbers of all of them, rising; at most `limit`, if that is given."""
    values = {**asdict(which), "limit": limit}
    return [row[0] for row in conn.execute(_sql(_IDS), values, prepare=False).fetchall()]


def by_reason(conn: Connection, which: FaultFilter, *, read: int = 2_000, limit: int = 50) -> list[ReasonCount]:
    """The latest so many of them by kind and reason, what came most often first."""
    with conn.cursor(row_factory=class_row(ReasonCount)) as cursor:
        values = {**asdict(which), "read": read, "limit": limit}
        return cursor.execute(_sql(_BY_REASON), values, prepare=False).fetchall()


def count_faults(conn: Connection, which: FaultFilter) -> list[FaultCount]:
    """How many there are of each kind; about how many, where all of a large table are asked for."""
    size, rows = conn.execute(_ROOM, prepare=False).fetchone() or (0, None)
    if which == FaultFilter() and size > _SAMPLED_BYTES and rows:
        drawn = conn.execute(_SAMPLE, (100 * _SAMPLED_BYTES / size,), prepare=False).fetchall()
        factor = rows / max(1, sum(count for _, count, _ in drawn))
        return [FaultCount(kind, round(count * factor), round(raw * factor), True) for kind, count, raw in drawn]
    with conn.cursor(row_factory=class_row(FaultCount)) as cursor:
        return cursor.execute(_sql(_COUNT_BY_KIND), asdict(which), prepare=False).fetchall()


def drop(conn: Connection, which: FaultFilter) -> list[FaultCount]:
    """Delete them for good; how many of each kind."""
    with conn.cursor(row_factory=class_row(FaultCount)) as cursor:
        return cursor.execute(_sql(_DROP), asdict(which), prepare=False).fetchall()


def lock_fault(conn: Connection, fault_id: int) -> StoredFault | None:
    """The fault, locked until the end of the caller's transaction; None when there is none of that number."""
    with conn.cursor(row_factory=class_row(StoredFault)) as cursor:
        return cursor.execute(_LOCK, (fault_id,)).fetchone()


def raw(conn: Connection, fault_id: int) -> bytes | None:
    """What was received; None when nothing was kept."""
    row = conn.execute(_RAW, (fault_id,)).fetchone()
    return None if row is None else row[0]


def delete_fault(conn: Connection, fault_id: int) -> None:
    """Delete it, because it is dealt with."""
    conn.execute(_DELETE, (fault_id,))


def _sql(statement: LiteralString) -> bytes:
    return statement.format(where=_WHERE).encode()
