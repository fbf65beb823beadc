"""What is written to a table while it is copied is written to the table in parts too, in the same transaction.

So the two are alike in every snapshot from the end of the copy on, whoever writes and by whatever build: triggers of
the database do it. They name the columns of their day that a writer gives values, so that one that a migration adds
later stops no writer. They write as the owner of the tables, so that a right to write that is given meanwhile need not
be given twice, and that the owner may end what another role began; nobody may call them otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from psycopg import sql

from tasks.store.partitions import layout, tables

if TYPE_CHECKING:
    from tasks.store.connection import Connection

_NAME: Final = "into_parts"
TRIGGERS: Final = (_NAME, f"{_NAME}_all")
_LOCK: Final = "LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE"
_FUNCTION: Final = """
CREATE FUNCTION {schema}.{function}() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $mirror$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        TRUNCATE {schema}.{new};
        RETURN NULL;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        DELETE FROM {schema}.{new} AS t WHERE {is_it};
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO {schema}.{new} ({columns}) VALUES ({values});
    END IF;
    RETURN NULL;
END
$mirror$
"""
_COMMENT: Final = "COMMENT ON FUNCTION {function}() IS 'Writes what is written to a table to the one in parts too.'"
_REVOKE: Final = "REVOKE ALL ON FUNCTION {schema}.{function}() FROM PUBLIC"
_OWNER: Final = "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = %s::regclass"
_GIVE: Final = "ALTER FUNCTION {schema}.{function}() OWNER TO {owner}"
_CREATE: Final = (
    "CREATE TRIGGER {name} AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {function}()",
    "CREATE TRIGGER {name_all} AFTER TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {function}()",
)


def lock(conn: Connection) -> None:
    """Wait until nobody writes to any of the tables, and let nobody write before the end of the transaction."""
    for table in tables.KEYS:
        conn.execute(sql.SQL(_LOCK).format(sql.Identifier(table)))


def begin(conn: Connection) -> None:
    """Let every later write go to both; the tables must be locked."""
    (schema,) = conn.execute("SELECT current_schema()").fetchone() or ("public",)
    for table, key in tables.KEYS.items():
        (owner,) = conn.execute(_OWNER, (table,)).fetchone() or ("",)
        names = layout.written_columns(conn, table)
        function = sql.Identifier(tables.filling(f"{table}_{_NAME}"))
        words = {
            "schema": sql.Identifier(schema),
            "function": function,
            "table": sql.Identifier(table),
            "new": sql.Identifier(tables.filling(table)),
            "owner": sql.Identifier(owner),
            "name": sql.Identifier(TRIGGERS[0]),
            "name_all": sql.Identifier(TRIGGERS[1]),
            "is_it": sql.SQL(" AND ").join(sql.SQL("t.{0} = OLD.{0}").format(sql.Identifier(one)) for one in key),
            "columns": sql.SQL(", ").join(map(sql.Identifier, names)),
            "values": sql.SQL(", ").join(sql.SQL("NEW.{}").format(sql.Identifier(one)) for one in names),
        }
        for statement in (_FUNCTION, _COMMENT, _REVOKE, *_CREATE, _GIVE):
            conn.execute(sql.SQL(statement).format(**words))


def end(conn: Connection) -> None:
    """Let writes go to the tables alone."""
    for table in tables.KEYS:
        function = sql.Identifier(tables.filling(f"{table}_{_NAME}"))
        conn.execute(sql.SQL("DROP FUNCTION IF EXISTS {}() CASCADE").format(function))
