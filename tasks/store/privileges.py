"""Finds the rights that a database user lacks, and the statements that grant them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from tasks.store import migrate
from tasks.store.sqlstate import translate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.store.connection import Connection

OWNERSHIP: Final = "ownership of "
_CREATES: Final = re.compile(rb"(?:CREATE TABLE (?:IF NOT EXISTS )?|RENAME TO )(\w+)")
_SESSION: Final = """
SELECT quote_ident(current_user), quote_ident(current_schema()), current_setting('transaction_read_only')::bool,
       has_database_privilege(current_database(), 'TEMP'),
       coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)
"""
_TABLES: Final = """
SELECT c.relname, array_agg(p.name ORDER BY p.name)
FROM pg_class AS c CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS p (name)
WHERE c.relnamespace = to_regnamespace(quote_ident(current_schema())) AND c.relname = ANY (%s)
  AND c.relkind IN ('r', 'p') AND NOT has_table_privilege(c.oid, p.name)
GROUP BY c.relname
ORDER BY c.relname
"""


def lacking(conn: Connection) -> tuple[str, list[str], list[str]]:
    """The user's name; which rights it lacks for the work at hand; which for an upgrade. Names are as SQL has them.

    Raises:
        StoreError: the database does not answer.
    """
    with translate():
        row = conn.execute(_SESSION).fetchone() or ("?", None, False, False, False)
        user, schema, is_read_only, may_stage, may_create = row
        tables = conn.execute(_TABLES, (_tables(),)).fetchall()
    now = [f"{', '.join(rights)} on {table}" for table, rights in tables]
    if is_read_only:
        now.append("writing at all: the server or the user is read only")
    if not may_stage:
        now.append("TEMPORARY on the database")
    if schema is None:
        return user, [*now, "a schema of its search_path"], []
    later = [] if may_create else [f"CREATE on the schema {schema}"]
    return user, now, later


def for_an_upgrade(conn: Connection, pending: Sequence[str]) -> list[str]:
    """What the user lacks for the files `pending`, beside what `lacking` finds for later.

    Raises:
        StoreError: the database does not answer.
    """
    with translate():
        return [f"{OWNERSHIP}{name}" for name in migrate.not_owned(conn, pending)]


def remedy(right: str, user: str, database: str) -> str:
    """The statement that gives `user` a right that `lacking` names; for what no statement gives, what it needs."""
    if right.startswith(OWNERSHIP):
        return f"ALTER TABLE {right.removeprefix(OWNERSHIP)} OWNER TO {user}"
    names, on, what = right.partition(" on ")
    if not on:
        return "mend that first"
    place = {"the database": f"DATABASE {database}"}.get(what, what.replace("the schema ", "SCHEMA "))
    return f"GRANT {names} ON {place} TO {user}"


def _tables() -> list[str]:
    return [name.decode() for one in migrate.bundled_migrations() for name in _CREATES.findall(one.sql)]
