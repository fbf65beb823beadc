"""Numbered SQL files, each applied once, whole or not at all, by one migrator at a time.

What was applied is recorded with its checksum. A file that was applied is never changed: a change is a new file. The
lock is the transaction's own, so that it goes with it whatever stands between us and the server.

While hosts are upgraded one after the other, two builds use one schema. So a file only adds, and the older build goes
on beside what it does not know. What it could not bear (a column dropped, another type) is in a file whose name ends in
`.alone.sql`: that is applied at the first start at which no host of an older build beats, and every build that has it
works without it until then. Whether one beats is seen by waiting for its next beat (`ledger_row.beat_watch`).
"""

from __future__ import annotations

import hashlib
import re
import threading
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Final

import psycopg

from ledger import NS_PER_S, SystemClock
from tasks.errors import ConfigError, WrongSchema
from tasks.store.ledger_row import hosts
from tasks.store.ledger_row.beat_watch import BeatWatch
from tasks.store.ledger_row.statements import TTL_S
from tasks.store.sqlstate import translate, translated

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ledger import Clock
    from tasks.store.connection import Connection

_LOCK: Final = 0x5C1A_6A7E  # any number nobody else uses as an advisory lock; it is per database
_LOCK_IT: Final = "SELECT pg_advisory_xact_lock(%s)"
_TABLE: Final = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    number     int PRIMARY KEY,
    name       text NOT NULL,
    checksum   text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE schema_migrations IS 'Which numbered SQL files have been applied to this database.';
COMMENT ON COLUMN schema_migrations.number IS 'Number of the file; they are applied in this order.';
COMMENT ON COLUMN schema_migrations.name IS 'Name of the file.';
COMMENT ON COLUMN schema_migrations.checksum IS 'SHA-256 of the file as it was applied.';
COMMENT ON COLUMN schema_migrations.applied_at IS 'When it was applied.';
"""
_MAY_CREATE: Final = """
SELECT quote_ident(current_user), quote_ident(current_database()), quote_ident(current_schema()),
       coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)
"""
# What PostgreSQL itself asks: whoever is a member of the owner counts as the owner, and a superuser does.
_OTHERS: Final = """
SELECT quote_ident(relname) FROM pg_class
WHERE relnamespace = to_regnamespace(quote_ident(current_schema())) AND relname = ANY (%s)
  AND relkind IN ('r', 'p', 'v') AND NOT pg_has_role(relowner, 'USAGE')
ORDER BY relname
"""
_MADE: Final = re.compile(rb"(?:CREATE (?:OR REPLACE )?(?:TABLE|VIEW) (?:IF NOT EXISTS )?|RENAME TO )(\w+)")
_WORD: Final = re.compile(rb"\w+")
_EXISTS: Final = "SELECT to_regclass('schema_migrations') IS NOT NULL"
_APPLIED: Final = "SELECT number, name, checksum FROM schema_migrations ORDER BY number"
_RECORD: Final = "INSERT INTO schema_migrations (number, name, checksum) VALUES (%s, %s, %s)"
# PostgreSQL's documentation, appendix A: duplicate_column, _object, _function, _schema and _table. Elsewhere the same
# may have been made at that moment by another; here the lock is ours, and what is there stays.
_THERE_ALREADY: Final = frozenset({"42701", "42710", "42723", "42P06", "42P07"})
_NOT_OURS: Final = (
    "it is somebody else's, or is left of a newer schema over which an older back-up was restored: drop or rename it, "
    "or use another database"
)
# A build that does not tell which files it knows is older than any.
_OLDER: Final = """
SELECT host FROM hosts
WHERE left_at IS NULL AND dead_beat IS DISTINCT FROM beat_at AND coalesce(migration, 0) < %s
"""
_LOOK_S: Final = 0.5
_HAS_HOSTS: Final = "SELECT to_regclass('hosts') IS NOT NULL"
_ALONE: Final = ".alone.sql"
_CURE: Final = "`sluicegate run` brings it up to date"


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One file: `0001_deals.sql` has the number 1."""

    number: int
    name: str
    sql: bytes

    @property
    def is_alone(self) -> bool:
        """Whether builds that do not know it cannot work beside it."""
        return self.name.endswith(_ALONE)

    @property
    def checksum(self) -> str:
        """SHA-256 of the file, in hexadecimal digits."""
        return hashlib.sha256(self.sql).hexdigest()


def bundled_migrations() -> list[Migration]:
    """The migrations this build brings, in order."""
    files = [file for file in (resources.files("tasks.store") / "sql").iterdir() if file.name.endswith(".sql")]
    found = [
        Migration(number=int(file.name.partition("_")[0]), name=file.name, sql=file.read_bytes()) for file in files
    ]
    return sorted(found, key=lambda migration: migration.number)


def apply_migrations(
    conn: Connection,
    migrations: Sequence[Migration] | None = None,
    *,
    clock: Clock | None = None,
    pause: Callable[[float], object] | None = None,
) -> list[str]:
    """Apply what is missing; the names of the files applied, empty when there was nothing to do.

    What hosts of older builds could not bear stays missing while one of them beats, which takes some seconds to see.
    `clock` is of this machine, and `pause` waits between two looks; in tests something else does.

    Must be called outside a transaction. Two who migrate at once take turns, file by file. With nothing missing,
    nothing is asked for but to read.

    Raises:
        WrongSchema: the database was made by a newer build, or by files that were changed since.
        ConfigError: the user may make no tables there.
        DatabaseTransient: try again.
    """
    wanted = bundled_migrations() if migrations is None else migrations
    applied: list[str] = []
    missing = pending_migrations(conn, wanted)
    if not missing:
        return applied
    with translate():
        _require_rights(conn, missing)
        while (name := _step(conn, wanted)) is not None or (
            len(applied) < len(missing) and _have_ended(conn, wanted, clock or SystemClock(), pause)
        ):
            applied += [] if name is None else [name]
    return applied


def _require_rights(conn: Connection, missing: Sequence[str]) -> None:
    """Return if tables can be made, and those that are there changed as the files `missing` do.

    Raises:
        ConfigError: they cannot; the message says what to grant.
    """
    with conn.transaction():
        others = not_owned(conn, missing)
        user, database, schema, may_create = conn.execute(_MAY_CREATE).fetchone() or ("?", "?", None, False)
    if schema is None:
        raise ConfigError(
            f"the database user {user} has no schema to make tables in: set its search_path to one that exists "
            f"(ALTER ROLE ... IN DATABASE {database} SET search_path = ...)"
        )
    if not may_create:
        raise ConfigError(
            f"the database user {user} lacks CREATE on the schema {schema} of {database}, where the tables are "
            f"made: grant it (GRANT CREATE ON SCHEMA {schema} TO {user})"
        )
    if others:
        raise ConfigError(
            f"the database user {user} does not own {', '.join(others)}, and only their owner may change them: "
            f"make them its own ({'; '.join(f'ALTER TABLE {name} OWNER TO {user}' for name in others)})"
        )


def not_owned(conn: Connection, missing: Sequence[str]) -> list[str]:
    """What the files `missing` are about and belongs to another user: tables and views, as SQL has their names."""
    made = {name for one in bundled_migrations() for name in _MADE.findall(one.sql)}
    about = {word for one in bundled_migrations() if one.name in missing for word in _WORD.findall(one.sql)}
    names = sorted({name.decode() for name in made & about} | {"schema_migrations"})
    return [row[0] for row in conn.execute(_OTHERS, (names,)).fetchall()]


def check(conn: Connection, migrations: Sequence[Migration] | None = None) -> None:
    """Nothing, when the schema is the one this build was written for.

    Raises:
        WrongSchema: it is older or newer, or was made by files that were changed since; the message says which.
    """
    missing = [name for name in pending_migrations(conn, migrations) if not name.endswith(_ALONE)]
    if missing:
        raise WrongSchema(f"the database's schema is older than this build, missing {', '.join(missing)}: {_CURE}")


def pending_migrations(conn: Connection, migrations: Sequence[Migration] | None = None) -> list[str]:
    """The names of the files that `apply_migrations` would apply.

    Raises:
        WrongSchema: the database was made by a newer build, or by files that were changed since.
    """
    wanted = bundled_migrations() if migrations is None else migrations
    with translate(), conn.transaction():
        return [migration.name for migration in _missing(wanted, _applied(conn))]


def _step(conn: Connection, wanted: Sequence[Migration]) -> str | None:
    """Apply the first missing migration in a transaction of its own; its name, or None when none is missing."""
    with conn.transaction():
        conn.execute(_LOCK_IT, (_LOCK,))
        conn.execute(_TABLE)
        first = next((one for one in _missing(wanted, _applied(conn)) if not _waits(conn, one)), None)
        if first is None:
            return None
        try:
            conn.execute(first.sql)
        except psycopg.Error as error:
            at = f"while applying {first.name}, of which nothing was kept"
            if error.sqlstate in _THERE_ALREADY:
                raise WrongSchema(f"{at}: {error.diag.message_primary}; {_NOT_OURS}") from error
            ours = translated(error)
            raise type(ours)(f"{at}: {ours}") from error
        conn.execute(_RECORD, (first.number, first.name, first.checksum))
        return first.name


def _waits(conn: Connection, migration: Migration) -> bool:
    """Whether a host takes part whose build could not bear this file."""
    return migration.is_alone and bool(_older_hosts(conn, migration))


def _older_hosts(conn: Connection, migration: Migration) -> set[int]:
    (has_hosts,) = conn.execute(_HAS_HOSTS).fetchone() or (False,)
    return {row[0] for row in conn.execute(_OLDER, (migration.number,)).fetchall()} if has_hosts else set()


def _have_ended(
    conn: Connection, wanted: Sequence[Migration], clock: Clock, pause: Callable[[float], object] | None
) -> bool:
    """Whether the hosts for which the first missing file waits beat no more, which is noted; False once one beats."""
    first = next((one for one in _missing(wanted, _applied(conn)) if one.is_alone), None)
    if first is None:  # another one has applied it meanwhile
        return False
    numbers, beats, wait = _older_hosts(conn, first), BeatWatch(), pause or threading.Event().wait
    while True:
        found = [one for one in hosts.hosts(conn) if one.number in numbers and one.is_alive]
        beats.look(found, clock.now_ns() / NS_PER_S)
        if any(beats.changes(one) for one in found):
            return False
        if all(beats.unchanged_s(one) > TTL_S for one in found):
            for one in found:
                hosts.note_dead(conn, one)
            return True
        wait(_LOOK_S)


def _applied(conn: Connection) -> list[tuple[int, str, str]]:
    exists = conn.execute(_EXISTS).fetchone()
    if exists is None or not exists[0]:
        return []
    return [(row[0], row[1], row[2]) for row in conn.execute(_APPLIED).fetchall()]


def _missing(wanted: Sequence[Migration], applied: Sequence[tuple[int, str, str]]) -> list[Migration]:
    ours = {migration.number: migration for migration in wanted}
    for number, name, checksum in applied:
        migration = ours.get(number)
        if migration is None and not name.endswith(_ALONE):
            continue  # a newer build made it, and it only adds
        if migration is None:
            raise WrongSchema(
                f"the database's schema is newer than this build: it has {name}, which is unknown here: "
                "run the newer build, or use another database"
            )
        if migration.checksum != checksum:
            raise WrongSchema(
                f"{name} was applied to the database in another form (sha256 {checksum[:12]}) than this build has "
                f"({migration.checksum[:12]}): restore the file it was made with, or use another database"
            )
    done = {number for number, _, _ in applied}
    return [migration for migration in wanted if migration.number not in done]
