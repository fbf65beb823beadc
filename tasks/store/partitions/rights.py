"""The rights on one table or function, given on another as well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, LiteralString

from psycopg import sql

if TYPE_CHECKING:
    from tasks.store.connection import Connection

# What each may, on the table or a column, whose name is in brackets then; where rights were chosen an owner's too.
_HELD: Final = """
SELECT a.privilege_type, column_, a.is_grantable,
    CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END
FROM (
    SELECT CASE WHEN %(are_chosen)s THEN coalesce(relacl, acldefault('r', relowner)) END AS acl, '' AS column_
    FROM pg_class WHERE oid = %(table)s::regclass
    UNION ALL
    SELECT attacl, format(' (%%I)', attname) FROM pg_attribute
    WHERE attrelid = %(table)s::regclass AND attnum > 0 AND NOT attisdropped
) AS held CROSS JOIN LATERAL aclexplode(held.acl) AS a
"""
_ARE_CHOSEN: Final = "SELECT count(*) > 0 FROM pg_class WHERE oid = ANY (%s::regclass[]) AND relacl IS NOT NULL"
_GIVEN_PARTS: Final = """
SELECT c.oid::regclass::text FROM pg_partition_tree(%s::regclass) AS p JOIN pg_class AS c ON c.oid = p.relid
WHERE p.isleaf AND c.relacl IS NOT NULL
"""
_ON_FUNCTION: Final = """
SELECT format('GRANT EXECUTE ON FUNCTION %%s TO %%s%%s', %(new)s::regprocedure,
    CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
    CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
FROM pg_proc AS p CROSS JOIN LATERAL aclexplode(p.proacl) AS a WHERE p.oid = %(old)s
"""


def copy_to(conn: Connection, old: str, new: str) -> None:
    """Give on the table `new`, which is in parts, what is given on `old`, and no more; on its parts nothing.

    Whoever has a right from somebody with the grant option has it from the owner then. What is given to all tables that
    are made (`ALTER DEFAULT PRIVILEGES`) is taken away where the other table has it not.
    """
    (are_chosen,) = conn.execute(_ARE_CHOSEN, ([old, new],)).fetchone() or (False,)
    _take_all(conn, new, are_chosen=are_chosen)
    for right, column, is_grantable, who in _held(conn, old, are_chosen=are_chosen):
        grant = sql.SQL("GRANT {}{} ON TABLE {} TO {}")
        statement = grant.format(sql.SQL(right), sql.SQL(column), sql.Identifier(new), sql.SQL(who))
        conn.execute(statement + sql.SQL(" WITH GRANT OPTION" if is_grantable else ""))
    for (part,) in conn.execute(_GIVEN_PARTS, (new,)).fetchall():
        _take_all(conn, part, are_chosen=True)


def copy_to_function(conn: Connection, old: int, new: int) -> None:
    """Give on the function `new` what is given on `old`, and no more; both by their numbers."""
    (are_chosen,) = conn.execute("SELECT proacl IS NOT NULL FROM pg_proc WHERE oid = %s", (old,)).fetchone() or (False,)
    if not are_chosen:
        return
    (name,) = conn.execute("SELECT %s::regprocedure::text", (new,)).fetchone() or ("",)
    conn.execute(sql.SQL("REVOKE ALL ON FUNCTION {} FROM PUBLIC").format(sql.SQL(name)))
    _grant(conn, _ON_FUNCTION, {"old": old, "new": new})


def _held(
    conn: Connection, table: str, *, are_chosen: bool
) -> list[tuple[LiteralString, LiteralString, bool, LiteralString]]:
    return conn.execute(_HELD, {"table": table, "are_chosen": are_chosen}).fetchall()


def _take_all(conn: Connection, table: str, *, are_chosen: bool) -> None:
    held = _held(conn, table, are_chosen=are_chosen)
    for column, who in dict.fromkeys((column, who) for _, column, _, who in held):
        revoke = sql.SQL("REVOKE ALL{} ON TABLE {} FROM {} CASCADE")
        conn.execute(revoke.format(sql.SQL(column), sql.Identifier(table), sql.SQL(who)))


def _grant(conn: Connection, query: str, values: dict[str, object]) -> None:
    for (statement,) in conn.execute(query.encode(), values).fetchall():
        conn.execute(statement.encode())
