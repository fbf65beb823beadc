"""The rights on one table or function, given on another as well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from psycopg import sql

if TYPE_CHECKING:
    from tasks.store.connection import Connection

# A right on a column has its name in brackets; whoever owns the other one needs none.
_ON_TABLE: Final = """
SELECT format('GRANT %%s ON TABLE %%I TO %%s%%s', a.privilege_type || column_, %(new)s::text,
    CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
    CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
FROM (
    SELECT relacl AS acl, '' AS column_ FROM pg_class WHERE oid = %(old)s::regclass
    UNION ALL
    SELECT attacl, format(' (%%I)', attname) FROM pg_attribute
    WHERE attrelid = %(old)s::regclass AND attnum > 0 AND NOT attisdropped
) AS held CROSS JOIN LATERAL aclexplode(held.acl) AS a
"""
_ON_FUNCTION: Final = """
SELECT format('GRANT EXECUTE ON FUNCTION %%s TO %%s%%s', %(new)s::regprocedure,
    CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
    CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
FROM pg_proc AS p CROSS JOIN LATERAL aclexplode(p.proacl) AS a WHERE p.oid = %(old)s
"""


def copy_to(conn: Connection, old: str, new: str) -> None:
    """Give on the table `new` what is given on `old`."""
    _grant(conn, _ON_TABLE, {"old": old, "new": new})


def copy_to_function(conn: Connection, old: int, new: int) -> None:
    """Give on the function `new` what is given on `old`, and no more; both by their numbers."""
    (are_chosen,) = conn.execute("SELECT proacl IS NOT NULL FROM pg_proc WHERE oid = %s", (old,)).fetchone() or (False,)
    if not are_chosen:
        return
    (name,) = conn.execute("SELECT %s::regprocedure::text", (new,)).fetchone() or ("",)
    conn.execute(sql.SQL("REVOKE ALL ON FUNCTION {} FROM PUBLIC").format(sql.SQL(name)))
    _grant(conn, _ON_FUNCTION, {"old": old, "new": new})


def _grant(conn: Connection, query: str, values: dict[str, object]) -> None:
    for (statement,) in conn.execute(query.encode(), values).fetchall():
        conn.execute(statement.encode())
