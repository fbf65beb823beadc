"""About how much of a table's room is free inside it, for rows to come: what deleted and rewritten rows have left.

No extension is asked for. The rows of pages drawn at random are measured, and what all rows take at such a size is set
against what the table has on the disk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from psycopg import sql

from tasks.store.retention import sizes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tasks.store.connection import Connection
    from tasks.store.retention.sizes import TableSize

# Of the tables that may be read: bytes of all pages with rows or with long values, and the columns.
_TABLES: Final = """
SELECT c.relname,
       sum(pg_relation_size(p.oid) + coalesce(pg_relation_size(nullif(p.reltoastrelid, 0)), 0))::bigint,
       (SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute AS a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated <> 'v')
FROM pg_class AS c
LEFT JOIN LATERAL pg_partition_tree(c.oid) AS part ON c.relkind = 'p'
JOIN pg_class AS p ON p.oid = coalesce(part.relid, c.oid)
WHERE c.relnamespace = to_regnamespace(quote_ident(current_schema())) AND c.relname = ANY(%s)
  AND has_table_privilege(c.oid, 'SELECT')
GROUP BY c.oid, c.relname
"""
# Each row has a header and an entry in its page, and gaps that make its length a multiple of eight. A value longer than
# two thousand bytes lies elsewhere, in pieces of 1,996 bytes of which four fill a page of 8,192. Source: PostgreSQL's
# documentation, "Database Physical Storage".
_ROW: Final = sql.SQL("(32 + {})")
_VALUE: Final = sql.SQL(
    "coalesce(pg_column_size({column}) * CASE WHEN pg_column_size({column}) > 2000 THEN 1.026 ELSE 1 END, 0)"
)


def free_room(conn: Connection, tables: Mapping[str, TableSize]) -> dict[str, int]:
    """Bytes that are about free, by table; of a table that may not be read it is not known.

    Indexes do not count. What a table leaves free for rows to be rewritten (its `fillfactor`) does.

    Args:
        conn: the connection.
        tables: some of what `sizes.table_sizes` gives.
    """
    found = {}
    for name, room, columns in conn.execute(_TABLES, (list(tables),), prepare=False).fetchall():
        values = (_VALUE.format(column=sql.SQL("t.{}").format(sql.Identifier(column))) for column in columns or ())
        row_bytes = sizes.mean(conn, tables[name], _ROW.format(sql.SQL(" + ").join([sql.SQL("0"), *values])))
        found[name] = max(0, round(room - row_bytes * tables[name].rows))
    return found
