"""What somebody gave to a table beside its columns and rows, given to the one in parts as well.

Owner, rights, comments, storage parameters and what statistics are gathered: all that may be given to a table at any
time without anybody who writes noticing it. So it is given when the table in parts is made, and once more when that
takes the place of the other, by which time it may be different.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from psycopg import sql

from tasks.store.partitions import rights, tables

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tasks.store.connection import Connection

_MEMBERS: Final = """
SELECT c.oid::regclass::text, c.relkind = 'r', c.relowner = o.relowner, pg_get_userbyid(o.relowner),
    coalesce(c.reloptions, '{}') || ARRAY(SELECT 'toast.' || x FROM unnest(long.reloptions) AS x),
    coalesce(o.reloptions, '{}') || ARRAY(SELECT 'toast.' || x FROM unnest(old_long.reloptions) AS x)
FROM pg_partition_tree(%(new)s::regclass) AS p JOIN pg_class AS c ON c.oid = p.relid
LEFT JOIN pg_class AS long ON long.oid = c.reltoastrelid
JOIN pg_class AS o ON o.oid = %(old)s::regclass LEFT JOIN pg_class AS old_long ON old_long.oid = o.reltoastrelid
ORDER BY p.level, c.oid
"""
# Of each thing with a comment: how it is called in the statement, what hangs on the index of that name, and the words.
_COMMENTS: Final = """
SELECT 'TABLE', '', '', obj_description(oid, 'pg_class') FROM pg_class WHERE oid = %(table)s::regclass
UNION ALL
SELECT 'COLUMN', attname, '', col_description(attrelid, attnum) FROM pg_attribute
WHERE attrelid = %(table)s::regclass AND attnum > 0 AND NOT attisdropped
UNION ALL
SELECT 'INDEX', '', indexrelid::regclass::text, obj_description(indexrelid, 'pg_class') FROM pg_index
WHERE indrelid = %(table)s::regclass
UNION ALL
SELECT 'CONSTRAINT', CASE conindid WHEN 0 THEN conname ELSE '' END, CASE conindid WHEN 0 THEN '' ELSE conname END,
    obj_description(oid, 'pg_constraint')
FROM pg_constraint WHERE conrelid = %(table)s::regclass AND contype IN ('c', 'p', 'u')
"""
_STATISTICS: Final = """
SELECT o.attname, nullif(o.attstattarget, -1), coalesce(o.attoptions, '{}'),
    ARRAY(SELECT split_part(x, '=', 1) FROM unnest(n.attoptions) AS x)
FROM pg_attribute AS o JOIN pg_attribute AS n ON n.attname = o.attname
WHERE o.attrelid = %(old)s::regclass AND n.attrelid = %(new)s::regclass AND o.attnum > 0 AND NOT o.attisdropped
    AND (nullif(o.attstattarget, -1), o.attoptions) IS DISTINCT FROM (nullif(n.attstattarget, -1), n.attoptions)
"""
_EXTENDED: Final = """
SELECT oid::bigint, format('%%s.%%I', stxnamespace::regnamespace, stxname), pg_get_statisticsobjdef(oid),
    obj_description(oid, 'pg_statistic_ext'), pg_get_userbyid(stxowner), nullif(stxstattarget, -1)
FROM pg_statistic_ext WHERE stxrelid = %s::regclass ORDER BY oid
"""


def give(conn: Connection, old: str, new: str) -> None:
    """Make all of it of the table `new`, which is in parts, what it is of `old`."""
    _own_and_store(conn, old, new)
    _comment(conn, old, new)
    _gather(conn, old, new)
    rights.copy_to(conn, old, new)


def extended_statistics(conn: Connection, table: str) -> list[sql.Composed]:
    """The statements that make the extended statistics of the table again, once it is dropped, on that of its name."""
    made: list[sql.Composed] = []
    for _, name, definition, words, owner, target in conn.execute(_EXTENDED, (table,)).fetchall():
        what = sql.SQL("STATISTICS ") + sql.SQL(name)
        made.append(sql.Composed([sql.SQL(definition)]))
        if words is not None:
            made.append(sql.SQL("COMMENT ON {} IS {}").format(what, sql.Literal(words)))
        if target is not None:
            made.append(sql.SQL("ALTER {} SET STATISTICS {}").format(what, sql.Literal(target)))
        made.append(sql.SQL("ALTER {} OWNER TO {}").format(what, sql.Identifier(owner)))
    return made


def drop_extended_statistics(conn: Connection, table: str) -> None:
    """Drop those of a table in parts, which bear other names than those that they are to have."""
    for _, name, *_ in conn.execute(_EXTENDED, (table,)).fetchall():
        conn.execute(sql.SQL("DROP STATISTICS {}").format(sql.SQL(name)))


def _own_and_store(conn: Connection, old: str, new: str) -> None:
    members = conn.execute(_MEMBERS, {"old": old, "new": new}).fetchall()
    for member, is_part, is_owned, owner, has, wanted in members:
        alter = sql.SQL("ALTER TABLE {} ").format(sql.SQL(member))
        if not is_owned:
            conn.execute(alter + sql.SQL("OWNER TO {}").format(sql.Identifier(owner)))
        if is_part and set(has) != set(wanted):  # a table in parts stores nothing itself
            if has:
                conn.execute(alter + sql.SQL("RESET ") + _names(option.partition("=")[0] for option in has))
            if wanted:
                conn.execute(alter + sql.SQL("SET ") + _listed(wanted))


def _comment(conn: Connection, old: str, new: str) -> None:
    has = {tuple(row[:3]): row[3] for row in conn.execute(_COMMENTS, {"table": new}).fetchall()}
    for kind, name, index, words in conn.execute(_COMMENTS, {"table": old}).fetchall():
        theirs = tables.filling(index) if index else ""
        if has.get((kind, name, theirs)) == words:
            continue
        table = sql.Identifier(new)
        what = {
            "TABLE": table,
            "COLUMN": sql.Identifier(new, name),
            "INDEX": sql.Identifier(theirs),
            "CONSTRAINT": sql.SQL("{} ON {}").format(sql.Identifier(name or theirs), table),
        }[kind]
        conn.execute(sql.SQL("COMMENT ON {} {} IS {}").format(sql.SQL(kind), what, sql.Literal(words)))


def _gather(conn: Connection, old: str, new: str) -> None:
    for column, target, wanted, had in conn.execute(_STATISTICS, {"old": old, "new": new}).fetchall():
        alter = sql.SQL("ALTER TABLE {} ALTER {} ").format(sql.Identifier(new), sql.Identifier(column))
        conn.execute(alter + sql.SQL("SET STATISTICS {}").format(sql.Literal(-1 if target is None else target)))
        if had:
            conn.execute(alter + sql.SQL("RESET ") + _names(had))
        if wanted:
            conn.execute(alter + sql.SQL("SET ") + _listed(wanted))


def _names(options: Iterable[str]) -> sql.Composed:
    return sql.SQL("({})").format(sql.SQL(", ").join(map(_dotted, options)))


def _listed(options: Iterable[str]) -> sql.Composed:
    """Options as the catalogue has them: `name=value`, the name that of PostgreSQL itself."""
    chosen = [option.partition("=")[::2] for option in options]
    given = [sql.SQL("{} = {}").format(_dotted(name), sql.Literal(value)) for name, value in chosen]
    return sql.SQL("({})").format(sql.SQL(", ").join(given))


def _dotted(name: str) -> sql.Composed:
    return sql.SQL(".").join(map(sql.Identifier, name.split(".")))
