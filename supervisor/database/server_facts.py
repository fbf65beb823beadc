"""Asks a server for what its settings and its build mean to a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tasks.store.sqlstate import translate

if TYPE_CHECKING:
    from tasks.store.connection import Connection

_FACTS: Final = """
SELECT
    current_setting('fsync')::bool,
    current_setting('full_page_writes')::bool,
    current_setting('synchronous_commit') <> 'off',
    current_setting('autovacuum')::bool AND current_setting('track_counts')::bool,
    (SELECT 'lz4' = ANY (enumvals) FROM pg_settings WHERE name = 'default_toast_compression'),
    pg_size_bytes(current_setting('shared_buffers')),
    pg_size_bytes(current_setting('work_mem')),
    pg_size_bytes(current_setting('max_wal_size')),
    -- A connection limit of -1 is none. Neither limits nor reserved places are for a superuser.
    LEAST(
        current_setting('max_connections')::int - CASE WHEN r.rolsuper THEN 0 ELSE
            current_setting('superuser_reserved_connections')::int
            + coalesce(current_setting('reserved_connections', true), '0')::int END,
        CASE WHEN d.datconnlimit >= 0 AND NOT r.rolsuper THEN d.datconnlimit END,
        CASE WHEN r.rolconnlimit >= 0 AND NOT r.rolsuper THEN r.rolconnlimit END
    ),
    (SELECT count(*) FROM pg_stat_activity
     WHERE backend_type = 'client backend' AND application_name NOT LIKE 'sluicegate %%'),
    d.datcollversion IS DISTINCT FROM pg_database_collation_actual_version(d.oid),
    quote_ident(d.datname)
FROM pg_database AS d CROSS JOIN pg_roles AS r
WHERE d.datname = current_database() AND r.rolname = current_user
"""


class ServerFacts(NamedTuple):
    """What a server is like; sizes in bytes.

    Attributes:
        connections: how many this login may have at once.
        others: how many other clients have now.
        is_pooled: whether a pooler stands between, so that its own limits count.
        is_collation_stale: whether the library that sorts text is not the one that the indexes were built with.
        database: the name of the database, as SQL has it.
    """

    has_fsync: bool
    has_full_page_writes: bool
    commits_durably: bool
    has_autovacuum: bool
    has_lz4: bool
    shared_buffers: int
    work_mem: int
    max_wal_size: int
    connections: int
    others: int
    is_collation_stale: bool
    database: str
    is_pooled: bool


def read(conn: Connection) -> ServerFacts | None:
    """The facts; None when the server does not tell them to this login.

    Raises:
        StoreError: it does not answer.
    """
    with translate():
        row = conn.execute(_FACTS, prepare=False).fetchone()
    return None if row is None else ServerFacts._make((*row, conn.prepare_threshold is None))
