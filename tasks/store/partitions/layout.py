"""Makes the tables in parts beside those that are there, alike in all that a reader or a writer can tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from psycopg import sql

from tasks.errors import ConfigError
from tasks.store.partitions import belongings, tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.store.connection import Connection

CHANGED: Final = "a migration changed the tables meanwhile: run it again, and it begins anew"
_KINDS: Final = "SELECT relname, relkind = 'p' FROM pg_class WHERE oid = ANY (%s::regclass[])"
_COLUMNS: Final = """
SELECT attname, atttypid, atttypmod, attnotnull, pg_get_expr(d.adbin, d.adrelid),
    attcollation, attidentity, attgenerated, attstorage, attcompression
FROM pg_attribute LEFT JOIN pg_attrdef AS d ON d.adrelid = attrelid AND d.adnum = attnum
WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""
_GENERATED: Final = 6  # which of them, after the name, says whether the database reckons it
# Whether rows that were there keep to one is not told of a table that is made: nothing was there.
_CHECKS: Final = """
SELECT conname, replace(pg_get_constraintdef(oid), ' NOT VALID', '') FROM pg_constraint
WHERE conrelid = to_regclass(%s) AND contype = 'c' ORDER BY conname
"""
# What does not go along, with what it is called; nothing of ours.
_OBSTACLES: Final = """
WITH t AS (
    SELECT oid, relname, relrowsecurity OR relforcerowsecurity AS has_row_security, relreplident FROM pg_class
    WHERE oid = ANY (%(tables)s::regclass[])
)
SELECT 'the trigger ' || g.tgname || ' of ' || t.relname FROM pg_trigger AS g JOIN t ON t.oid = g.tgrelid
WHERE NOT g.tgisinternal AND g.tgname <> ALL (%(mirror)s)
UNION ALL
SELECT 'the foreign key ' || c.conname || ' of ' || c.conrelid::regclass FROM pg_constraint AS c
JOIN t ON t.oid IN (c.conrelid, c.confrelid) WHERE c.contype = 'f'
UNION ALL
SELECT 'the exclusion ' || c.conname || ' of ' || t.relname FROM pg_constraint AS c JOIN t ON t.oid = c.conrelid
WHERE c.contype = 'x'
UNION ALL
SELECT 'the unique index ' || i.indexrelid::regclass || ', which has no ' || %(by)s FROM pg_index AS i
JOIN t ON t.oid = i.indrelid WHERE i.indisunique AND NOT EXISTS (
    SELECT FROM pg_attribute AS a WHERE a.attrelid = t.oid AND a.attname = %(by)s AND a.attnum = ANY (i.indkey::int2[]))
UNION ALL
SELECT 'the rule ' || r.rulename || ' of ' || t.relname FROM pg_rewrite AS r JOIN t ON t.oid = r.ev_class
UNION ALL
SELECT 'row security of ' || relname FROM t WHERE has_row_security
UNION ALL
SELECT 'the policy ' || y.polname || ' of ' || t.relname FROM pg_policy AS y JOIN t ON t.oid = y.polrelid
UNION ALL
SELECT 'the replica identity of ' || relname FROM t WHERE relreplident <> 'd'
UNION ALL
SELECT 'the publication ' || p.pubname || ' of ' || t.relname FROM pg_publication_tables AS p
JOIN t ON t.oid = format('%%I.%%I', p.schemaname, p.tablename)::regclass
UNION ALL
SELECT 'the subscription ' || s.subname || ' to ' || t.relname FROM pg_subscription_rel AS r
JOIN pg_subscription AS s ON s.oid = r.srsubid JOIN t ON t.oid = r.srrelid
UNION ALL
SELECT 'the security label ' || l.provider || ' of ' || t.relname FROM pg_seclabel AS l
JOIN t ON (l.classoid, l.objoid) = ('pg_class'::regclass, t.oid)
UNION ALL
SELECT 'the table ' || h.inhrelid::regclass || ', which inherits ' || t.relname
FROM pg_inherits AS h JOIN t ON t.oid = h.inhparent
UNION ALL
SELECT 'the column ' || a.attname || ' of ' || t.relname || ', which is numbered by a sequence'
FROM pg_attribute AS a JOIN t ON t.oid = a.attrelid
LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attnum > 0 AND NOT a.attisdropped AND (a.attidentity <> '' OR EXISTS (
    SELECT FROM pg_depend AS e JOIN pg_class AS s ON e.refclassid = 'pg_class'::regclass AND s.oid = e.refobjid
    WHERE e.classid = 'pg_attrdef'::regclass AND e.objid = d.oid AND s.relkind = 'S'))
UNION ALL
SELECT 'the ownership of ' || t.relname || ', which is ' || pg_get_userbyid(c.relowner) || '''s' FROM t
JOIN pg_class AS c ON c.oid = t.oid WHERE NOT pg_has_role(c.relowner, 'USAGE')
"""
# Whoever makes a table, or is to own one that another makes, needs the right to make tables.
_WITHOUT_RIGHT: Final = """
SELECT DISTINCT quote_ident(pg_get_userbyid(r.oid)), quote_ident(n.nspname)
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_roles AS r ON r.oid = c.relowner OR r.rolname = current_user
WHERE c.oid = ANY (%s::regclass[]) AND NOT has_schema_privilege(r.oid, n.oid, 'CREATE')
    AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
ORDER BY 1
"""
# Each index: its name, its constraint's definition if it has one, its own, and how that begins.
_INDEXES: Final = """
SELECT x.relname, pg_get_constraintdef(o.oid), pg_get_indexdef(x.oid),
    format('INDEX %%I ON %%s%%I.%%I ', x.relname, CASE x.relkind WHEN 'I' THEN 'ONLY ' END, n.nspname, t.relname)
FROM pg_index AS i JOIN pg_class AS x ON x.oid = i.indexrelid JOIN pg_class AS t ON t.oid = i.indrelid
JOIN pg_namespace AS n ON n.oid = t.relnamespace LEFT JOIN pg_constraint AS o ON o.conindid = x.oid
WHERE t.oid = to_regclass(%s) AND i.indisvalid ORDER BY i.indisprimary DESC, x.oid
"""
_SPACE: Final = """
SELECT s.spcname FROM pg_class AS c LEFT JOIN pg_tablespace AS s ON s.oid = c.reltablespace WHERE c.oid = %s::regclass
"""
_LIKE: Final = (
    "CREATE TABLE {new} (LIKE {old} INCLUDING ALL EXCLUDING INDEXES EXCLUDING STATISTICS) PARTITION BY HASH ({by})"
)
_PART: Final = "CREATE TABLE {part} PARTITION OF {new} FOR VALUES WITH (MODULUS {parts}, REMAINDER {number})"


def are_parted(conn: Connection) -> bool:
    """Whether the tables are in parts already.

    Raises:
        ConfigError: some are, which is nothing that this program makes.
    """
    kinds: dict[str, bool] = dict(conn.execute(_KINDS, (list(tables.KEYS),)).fetchall())
    if len(set(kinds.values())) > 1:
        parted = sorted(name for name, is_parted in kinds.items() if is_parted)
        raise ConfigError(f"{', '.join(parted)} are in partitions and the other tables of products are not: part all")
    return all(kinds.values())


def columns(conn: Connection, table: str) -> list[tuple[str, *tuple[object, ...]]]:
    """Name of each column, and what a migration may change of it, in order; empty without such a table."""
    return conn.execute(_COLUMNS, (table,)).fetchall()


def written_columns(conn: Connection, table: str) -> list[str]:
    """Name of each column that a writer gives a value, in order: not of those that the database reckons by itself."""
    return [name for name, *changes in columns(conn, table) if not changes[_GENERATED]]


def are_alike(conn: Connection) -> bool:
    """Whether each table and the one in parts beside it have the same columns, checks and indexes.

    They are made so; no migration, and nobody else, has changed the one or the other since.
    """
    for table in tables.KEYS:
        new = tables.filling(table)
        if columns(conn, table) != columns(conn, new) or _checks(conn, table) != _checks(conn, new):
            return False
        wanted = {tables.filling(name): definition for name, definition in _indexes(conn, table).items()}
        if wanted != _indexes(conn, new):
            return False
    return True


def _checks(conn: Connection, table: str) -> list[tuple[str, str]]:
    return conn.execute(_CHECKS, (table,)).fetchall()


def _indexes(conn: Connection, table: str) -> dict[str, tuple[str | None, str, str]]:
    """What each index is, without its name and that of the table: its constraint, its kind, and the rest."""
    found: dict[str, tuple[str | None, str, str]] = {}
    for name, constraint, definition, beginning in conn.execute(_INDEXES, (table,)).fetchall():
        kind, _, rest = definition.partition(beginning)
        found[name] = (constraint, kind, rest)
    return found


def refuse_obstacles(conn: Connection, mirror: Sequence[str]) -> None:
    """Return if nothing hangs on the tables that would not go along; `mirror` are the names of our own triggers.

    Raises:
        ConfigError: something does, or a role may not make tables; the message names all of it.
    """
    values = {"tables": list(tables.KEYS), "mirror": list(mirror), "by": tables.BY}
    found = [row[0] for row in conn.execute(_OBSTACLES, values).fetchall()]
    if found:
        raise ConfigError(
            f"the tables cannot be replaced by tables in partitions while there is {'; '.join(found)}: "
            "take it away, and make it again afterwards where partitions may have it"
        )
    grants = [
        f"GRANT CREATE ON SCHEMA {schema} TO {role};"
        for role, schema in conn.execute(_WITHOUT_RIGHT, (list(tables.KEYS),)).fetchall()
    ]
    if grants:
        raise ConfigError(
            "the owner of the tables, and whoever moves them, need the right to make tables in their schema: let the "
            f"owner of the schema run {' '.join(grants)} It may be taken away again afterwards"
        )


def create(conn: Connection, table: str, parts: int) -> None:
    """Make the table in parts, with the indexes of the one that is there and all that was given to it."""
    (space,) = conn.execute(_SPACE, (table,)).fetchone() or (None,)
    old, new = sql.Identifier(table), sql.Identifier(tables.filling(table))
    where = sql.SQL(" TABLESPACE {}").format(sql.Identifier(space)) if space else sql.SQL("")
    conn.execute(sql.SQL(_LIKE).format(new=new, old=old, by=sql.Identifier(tables.BY)) + where)
    for number in range(parts):
        name = sql.Identifier(tables.part(table, number))
        of = sql.SQL(_PART).format(part=name, new=new, parts=sql.Literal(parts), number=sql.Literal(number))
        conn.execute(of + where)
        words = sql.Literal(f"Part {number + 1} of {parts} of {table}, by the hash of the ASIN.")
        conn.execute(sql.SQL("COMMENT ON TABLE {} IS {}").format(name, words))
    for index, (constraint, kind, rest) in _indexes(conn, table).items():
        _index(conn, new, sql.Identifier(tables.filling(index)), constraint, (kind, rest))
    belongings.give(conn, table, tables.filling(table))


def index_names(conn: Connection, table: str) -> list[str]:
    """What the indexes of the table are called."""
    return list(_indexes(conn, table))


def drop(conn: Connection) -> None:
    """Drop the tables in parts that have not taken their place."""
    for table in tables.KEYS:
        conn.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(tables.filling(table))))


def _index(
    conn: Connection,
    table: sql.Identifier,
    name: sql.Identifier,
    constraint: str | None,
    definition: tuple[str, str],
) -> None:
    """Make an index of the table in parts; `definition` is that of the other, before and after its two names."""
    if constraint is not None:
        add = sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} ").format(table, name)
        conn.execute(add.as_bytes(conn) + constraint.encode())
        return
    kind, rest = definition
    conn.execute(kind.encode() + sql.SQL("INDEX {} ON {} ").format(name, table).as_bytes(conn) + rest.encode())
