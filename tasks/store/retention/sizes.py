"""How much room the tables take, and how many rows they have: told quickly, whatever their size.

Rows of a large table are estimated from the pages it has, as the planner does; shares of its rows are taken from pages
drawn at random. `is_estimate` says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, LiteralString, NamedTuple

from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tasks.store.connection import Connection

_FEW_BYTES: Final = 8 << 20  # a table up to this is read as a whole: some milliseconds
_SAMPLED_BYTES: Final = 4 << 20  # so much of a larger one is
# A table in partitions is one table, with the sums of its parts. One that somebody drops at this moment has none.
_TABLES: Final = """
SELECT c.relname AS name,
       coalesce(sum(pg_relation_size(p.oid)), 0)::bigint AS main,
       coalesce(sum(pg_table_size(p.oid) - coalesce(pg_total_relation_size(nullif(p.reltoastrelid, 0)), 0)), 0)::bigint
           AS heap,
       coalesce(sum(pg_indexes_size(p.oid)), 0)::bigint AS indexes,
       sum(coalesce(pg_total_relation_size(nullif(p.reltoastrelid, 0)), 0))::bigint AS toast,
       coalesce(sum(CASE WHEN p.relpages > 0 AND p.reltuples >= 0
           THEN p.reltuples / p.relpages * (pg_relation_size(p.oid) / current_setting('block_size')::int)
           ELSE pg_stat_get_live_tuples(p.oid) END), 0)::bigint AS rows,
       has_table_privilege(c.oid, 'SELECT') AS may_be_read
FROM pg_class AS c
LEFT JOIN LATERAL pg_partition_tree(c.oid) AS part ON c.relkind = 'p'
JOIN pg_class AS p ON p.oid = coalesce(part.relid, c.oid)
WHERE c.relnamespace = to_regnamespace(quote_ident(current_schema())) AND c.relkind IN ('r', 'p')
  AND CASE WHEN %(names)s::text[] IS NULL THEN NOT c.relispartition ELSE c.relname = ANY(%(names)s) END
GROUP BY c.oid, c.relname
ORDER BY sum(pg_total_relation_size(p.oid)) DESC, c.relname
"""
_COUNT: Final = "SELECT count(*) FROM {table}"
_DATABASE: Final = "SELECT pg_database_size(current_database())"
_MAY_ASK_WAL: Final = "SELECT has_function_privilege('pg_ls_waldir()', 'EXECUTE')"
_WAL: Final = "SELECT coalesce(sum(size), 0) FROM pg_ls_waldir()"


class TableSize(NamedTuple):
    """One table: its rows, and the bytes of its rows, of its indexes and of its long values.

    Attributes:
        main: bytes of the pages with rows alone.
        is_estimate: whether its rows were estimated.
    """

    name: str
    rows: int
    main: int
    heap: int
    indexes: int
    toast: int
    is_estimate: bool

    @property
    def total(self) -> int:
        """All its bytes."""
        return self.heap + self.indexes + self.toast

    @property
    def row_bytes(self) -> float:
        """Bytes of one row with all that belongs to it."""
        return self.total / self.rows if self.rows else 0.0


class Sample(NamedTuple):
    """Figures of a part of a table, and what they stand for.

    Attributes:
        counts: what was counted in the rows looked at, by name.
        factor: what such a count is multiplied with for the whole table.
    """

    counts: Mapping[str, int]
    factor: float

    def whole(self, name: str) -> int:
        """The figure of the whole table."""
        return round(self.counts[name] * self.factor)


def table_sizes(conn: Connection, names: Sequence[str] | None = None) -> dict[str, TableSize]:
    """All tables of the schema by name, the largest first; what others keep there need not be readable.

    Or those of these names alone, which may be parts of a table too.
    """
    found = {}
    about = {"names": None if names is None else list(names)}
    for name, main, heap, indexes, toast, rows, may_be_read in conn.execute(_TABLES, about, prepare=False).fetchall():
        is_counted = may_be_read and main <= _FEW_BYTES
        if is_counted:
            count = conn.execute(sql.SQL(_COUNT).format(table=sql.Identifier(name)), prepare=False).fetchone()
            rows = 0 if count is None else count[0]  # noqa: PLW2901 - the estimate gives way to the count
        found[name] = TableSize(name, rows, main, heap, indexes, toast, not is_counted)
    return found


def database_bytes(conn: Connection) -> int:
    """Bytes of the whole database: of all schemas, with what PostgreSQL itself keeps in it."""
    (size,) = conn.execute(_DATABASE, prepare=False).fetchone() or (0,)
    return int(size)


def wal_bytes(conn: Connection) -> int | None:
    """Bytes of the server's log of changes (WAL), which all its databases share; None where that may not be asked."""
    (may_ask,) = conn.execute(_MAY_ASK_WAL, prepare=False).fetchone() or (False,)
    if not may_ask:
        return None
    (size,) = conn.execute(_WAL, prepare=False).fetchone() or (0,)
    return int(size)


def sample(
    conn: Connection,
    size: TableSize,
    figures: Mapping[str, LiteralString],
    about: Mapping[str, object],
) -> Sample:
    """Count in pages of the table drawn at random; in all of them when it is small.

    Args:
        conn: the connection.
        size: the table, which the conditions call `t`.
        figures: conditions of what is to be counted, by name.
        about: the values of their parameters.
    """
    counts = sql.SQL(", ").join(sql.SQL("count(*) FILTER (WHERE {})").format(sql.SQL(one)) for one in figures.values())
    return sample_of(conn, size, sampled(size, sql.SQL("count(*), {}").format(counts)), tuple(figures), about)


def sample_of(
    conn: Connection, size: TableSize, query: sql.Composed, names: Sequence[str], about: Mapping[str, object]
) -> Sample:
    """The figures of these names, which a query of ours gives behind the number of rows that it has looked at."""
    row = conn.execute(query, about, prepare=False).fetchone()
    seen, *found = row or (0, *(0 for _ in names))
    return Sample(dict(zip(names, found, strict=True)), size.rows / seen if seen else 0.0)


def mean(conn: Connection, size: TableSize, figure: sql.Composable) -> float:
    """The mean of a figure of the rows, which it calls `t`, in pages drawn at random; 0 where there are none."""
    statement = sampled(size, sql.SQL("coalesce(avg({}), 0)::float8").format(figure))
    (found,) = conn.execute(statement, prepare=False).fetchone() or (0.0,)
    return float(found)


def queue_shares(conn: Connection, queue: TableSize) -> list[tuple[str | None, int, float]]:
    """By the key of who asked and the locale: about how much of the queue it has, the most first."""
    grouped = sql.SQL("{} GROUP BY selection_key, domain ORDER BY 1 DESC").format(
        sampled(queue, sql.SQL("count(*), selection_key, domain"))
    )
    found = conn.execute(grouped, prepare=False).fetchall()
    seen = sum(row[0] for row in found)
    return [(key, domain, count / seen) for count, key, domain in found]


def sampled(size: TableSize, what: sql.Composable) -> sql.Composed:
    """A query for what is in pages of the table drawn at random, or in all of it when it is small; it is called `t`."""
    drawn = sql.SQL("").format()
    if size.main > _FEW_BYTES:
        drawn = sql.SQL("TABLESAMPLE SYSTEM ({})").format(sql.Literal(100 * _SAMPLED_BYTES / size.main))
    return sql.SQL("SELECT {} FROM {} AS t {}").format(what, sql.Identifier(size.name), drawn)
