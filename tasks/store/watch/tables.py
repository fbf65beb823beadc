"""Reads a list of products from a table of the user's: a column `asin`, and maybe a column `domain`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from psycopg import sql

if TYPE_CHECKING:
    from tasks.store.connection import Connection

_SEEN: Final = """
SELECT has_table_privilege(c.oid, 'SELECT'), array_agg(a.attname::text)
FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.oid = to_regclass(%s) GROUP BY c.oid
"""
_READ: Final = "SELECT DISTINCT asin::text FROM {table} WHERE asin IS NOT NULL{of_domain} ORDER BY 1 LIMIT {most}"
_OF_DOMAIN: Final = " AND (domain IS NULL OR domain::text = {domain})"


def problem(conn: Connection, table: str) -> str | None:
    """Why a list cannot be read from the table `table`, in a sentence with what to do; None when it can."""
    row = conn.execute(_SEEN, (table,)).fetchone()
    if row is None:
        return f"there is no table {table} in the database; create it, or correct its name in WATCH"
    may_read, columns = row
    if "asin" not in columns:
        return f"the table {table} has no column asin but {', '.join(sorted(columns))}; name the column of the ASINs so"
    if not may_read:
        return f"the table {table} may not be read; GRANT SELECT ON {table} to the user in DATABASE_URL"
    return None


def read(conn: Connection, table: str, domain: int, *, most: int) -> list[str]:
    """What stands in the column `asin`, in order; only rows of the locale where the table has a column `domain`.

    Ask `problem` first, in the same transaction. At the most `most` rows are read.
    """
    _, columns = conn.execute(_SEEN, (table,)).fetchone() or (False, [])
    of_domain = sql.SQL(_OF_DOMAIN).format(domain=str(domain)) if "domain" in columns else sql.SQL("")
    name = sql.Identifier(*table.split("."))
    statement = sql.SQL(_READ).format(table=name, of_domain=of_domain, most=most)
    return [row[0] for row in conn.execute(statement, prepare=False).fetchall()]
