"""The tables in parts take the names of those that were copied, in one transaction, with all that reads them.

A view or a function stays with the table that it was made on, whatever that is called later. So those that read the
tables are made anew, with their rights, comments and options: a view in its place, a function that takes a row of a
table beside the old one, which goes with that table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import psycopg
from psycopg import sql

from tasks.errors import ConfigError, StoreError
from tasks.store.partitions import belongings, layout, mirror, rights, tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.store.connection import Connection

_WHOLE: Final = "{}_whole"
_FUNCTIONS: Final = """
SELECT DISTINCT p.oid, p.oid::regprocedure::text, pg_get_functiondef(p.oid), obj_description(p.oid, 'pg_proc'),
    pg_get_userbyid(p.proowner), pg_has_role(p.proowner, 'USAGE')
FROM pg_class AS t
JOIN pg_type AS y ON y.oid = t.reltype
JOIN pg_depend AS d ON (d.refclassid, d.refobjid) IN (
    ('pg_class'::regclass, t.oid), ('pg_type'::regclass, y.oid), ('pg_type'::regclass, y.typarray))
JOIN pg_proc AS p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
WHERE t.oid = ANY (%s::regclass[]) AND p.prokind <> 'a' ORDER BY p.oid
"""
_VIEWS: Final = """
SELECT DISTINCT v.oid, v.oid::regclass::text, pg_get_viewdef(v.oid), array_to_string(v.reloptions, ', '),
    v.relkind = 'v', pg_get_userbyid(v.relowner), pg_has_role(v.relowner, 'USAGE')
FROM pg_depend AS d
JOIN pg_rewrite AS r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
JOIN pg_class AS v ON v.oid = r.ev_class
WHERE (d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY (%(tables)s::regclass[])
    OR d.refclassid = 'pg_proc'::regclass AND d.refobjid = ANY (%(functions)s::oid[]))
    AND v.oid <> ALL (%(tables)s::regclass[])
ORDER BY v.oid
"""
_STILL_THERE: Final = "SELECT oid::regprocedure::text FROM pg_proc WHERE oid = ANY (%s::oid[]) ORDER BY oid DESC"


class _Function(NamedTuple):
    number: int
    name: str
    definition: str
    comment: str | None
    owner: str
    is_ours: bool


class _View(NamedTuple):
    number: int
    name: str
    definition: str
    options: str | None
    is_plain: bool
    owner: str
    is_ours: bool


def swap(conn: Connection) -> None:
    """Put the tables in parts in the place of the others, and drop those, in the caller's transaction.

    Raises:
        ConfigError: something hangs on the tables that does not go along; the message says what.
        StoreError: a migration has changed the tables since those in parts were made.
    """
    for table in tables.KEYS:
        conn.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(sql.Identifier(table)))
    if not layout.are_alike(conn):
        raise StoreError(layout.CHANGED)
    layout.refuse_obstacles(conn, mirror.TRIGGERS)
    names = list(tables.KEYS)
    functions = [_Function._make(row) for row in conn.execute(_FUNCTIONS, (names,)).fetchall()]
    about = {"tables": names, "functions": [function.number for function in functions]}
    views = [_View._make(row) for row in conn.execute(_VIEWS, about).fetchall()]
    _refuse_readers(functions, views)
    indexes = [name for table in names for name in layout.index_names(conn, table)]
    statistics = [statement for table in names for statement in belongings.extended_statistics(conn, table)]
    mirror.end(conn)
    for table in names:
        # Whoever grants something on a table waits for no lock. Once it is renamed it cannot be granted any more, so
        # what is read after that is all.
        _rename(conn, "TABLE", table, _WHOLE.format(table))
        belongings.give(conn, _WHOLE.format(table), tables.filling(table))
        belongings.drop_extended_statistics(conn, tables.filling(table))
        _rename(conn, "TABLE", tables.filling(table), table)
    _make_again(conn, functions, views)
    _drop(conn, functions)
    for name in indexes:
        _rename(conn, "INDEX", tables.filling(name), name)
    for statement in statistics:
        conn.execute(statement)


def _refuse_readers(functions: Sequence[_Function], views: Sequence[_View]) -> None:
    found = [f"the function {one.name} of {one.owner}" for one in functions if not one.is_ours]
    found += [f"the view {one.name} of {one.owner}" for one in views if one.is_plain and not one.is_ours]
    found += [f"the materialized view {one.name}" for one in views if not one.is_plain]
    if found:
        raise ConfigError(
            f"{'; '.join(found)} would go on with the tables that are replaced: drop it, and make it again afterwards"
        )


def _make_again(conn: Connection, functions: Sequence[_Function], views: Sequence[_View]) -> None:
    for function in functions:
        _define(conn, f"function {function.name}", function.definition)
        (number,) = conn.execute("SELECT to_regprocedure(%s)::oid::bigint", (function.name,)).fetchone() or (None,)
        if number is None or number == function.number:
            continue
        name = sql.SQL(function.name)
        conn.execute(sql.SQL("COMMENT ON FUNCTION {} IS {}").format(name, sql.Literal(function.comment)))
        rights.copy_to_function(conn, function.number, number)
        conn.execute(sql.SQL("ALTER FUNCTION {} OWNER TO {}").format(name, sql.Identifier(function.owner)))
    for view in views:
        options = f"WITH ({view.options})" if view.options else ""
        _define(conn, f"view {view.name}", f"CREATE OR REPLACE VIEW {view.name} {options} AS {view.definition}")


def _define(conn: Connection, what: str, statement: str) -> None:
    """Make a view or a function again.

    Raises:
        ConfigError: it gives whole rows of a table, so that its type is another one now.
    """
    try:
        conn.execute(statement.encode())
    except (psycopg.errors.InvalidTableDefinition, psycopg.errors.InvalidFunctionDefinition) as error:
        raise ConfigError(
            f"the {what} gives whole rows of a table that is replaced ({error.diag.message_primary}): drop it, and "
            "make it again afterwards"
        ) from error


def _drop(conn: Connection, functions: Sequence[_Function]) -> None:
    """Drop the old tables, and the functions that take their rows."""
    numbers = [function.number for function in functions]
    old = [name for (name,) in conn.execute(_STILL_THERE, (numbers,)).fetchall()]
    taken = {function.name for function in functions}
    try:
        for name in old:
            if name not in taken:
                conn.execute(f"DROP FUNCTION {name}".encode())
        whole = sql.SQL(", ").join(sql.Identifier(_WHOLE.format(table)) for table in tables.KEYS)
        conn.execute(sql.SQL("DROP TABLE {}").format(whole))
    except psycopg.errors.DependentObjectsStillExist as error:
        raise ConfigError(
            f"{error.diag.message_detail}: drop what depends on it, and make it again afterwards"
        ) from error


def _rename(conn: Connection, kind: str, old: str, new: str) -> None:
    statement = sql.SQL("ALTER TABLE {} RENAME TO {}") if kind == "TABLE" else sql.SQL("ALTER INDEX {} RENAME TO {}")
    conn.execute(statement.format(sql.Identifier(old), sql.Identifier(new)))
