"""Counts rows quickly: one by one while they are few, and as the server keeps count of them when they are many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tasks.store.connection import Connection

FEW: Final = 2_000  # rows counted one by one, in about a third of a millisecond

_TABLES: Final = {
    "deals": "deal_rows",
    "products": "products",
    "price_series": "price_series_rows",
    "quarantine": "quarantine",
}
# The server counts what it found at the last vacuum or analyze, with what was added and taken away since: that is exact
# up to 240 MB, of which analyze reads every page, and beyond it within 1 % as a rule. A crash makes the server forget
# it; until the next vacuum or analyze it is the rows per page of the last one, times the pages there are now. A table
# in partitions has nothing of its own. One that takes the place of another at this moment (`db partition`) is known by
# its name before it is seen in the catalogue, and is counted then.
_KEPT: Final = """
SELECT coalesce(sum(CASE
    WHEN c.reltuples < 0 OR coalesce(
        pg_stat_get_last_vacuum_time(c.oid), pg_stat_get_last_autovacuum_time(c.oid),
        pg_stat_get_last_analyze_time(c.oid), pg_stat_get_last_autoanalyze_time(c.oid)
    ) IS NOT NULL THEN pg_stat_get_live_tuples(c.oid)
    ELSE greatest(pg_stat_get_live_tuples(c.oid), coalesce(
        c.reltuples / nullif(c.relpages, 0) * (pg_relation_size(c.oid) / current_setting('block_size')::int), 0
    ))
END), 0)::bigint AS kept
FROM (SELECT '{table}'::regclass AS whole) AS t
LEFT JOIN LATERAL pg_partition_tree(t.whole) AS part ON part.isleaf
JOIN pg_class AS c ON c.oid = coalesce(part.relid, t.whole)
"""
# The rows are looked at only where there cannot be many of them.
_COUNT: Final = f"""
SELECT '{{name}}', kept, CASE WHEN kept < {2 * FEW} THEN
    (SELECT count(*) FROM (SELECT FROM {{table}} LIMIT {FEW}) AS first)
END FROM ({_KEPT}) AS {{table}}_kept
"""  # noqa: S608 - names of ours
_COUNTS: Final = " UNION ALL ".join(_COUNT.format(name=name, table=table) for name, table in _TABLES.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCounts:
    """Rows in the tables a person asks about.

    Attributes:
        estimates: which of these are not exact: those of at least 2,000.
    """

    deals: int
    products: int
    price_series: int
    quarantine: int
    estimates: tuple[str, ...] = ()

    def by_table(self) -> dict[str, int]:
        """The rows alone, by table."""
        return {name: getattr(self, name) for name in _TABLES}


def counts(conn: Connection) -> RowCounts:
    """How many rows there are now."""
    rows: dict[str, int] = {}
    estimates = []
    for name, kept, counted in conn.execute(_COUNTS.encode(), prepare=False).fetchall():
        is_exact = counted is not None and counted < FEW
        rows[name] = counted if is_exact else max(FEW, kept)
        if not is_exact:
            estimates.append(name)
    return RowCounts(**rows, estimates=tuple(estimates))
