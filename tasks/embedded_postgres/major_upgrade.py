"""Moves a cluster to another major version of PostgreSQL: dumped from the old server into a new one, and counted there.

A dump and a restore, and not `pg_upgrade`: that needs both versions built alike, and leaves the old cluster unusable
where it links files. Until every table has been counted on both sides nothing of the old cluster is changed, so a try
that ends in any way, a kill too, is followed by another from the beginning.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, Final, NamedTuple

import psycopg
from psycopg import sql

from tasks.embedded_postgres import programs, replacement, run_as
from tasks.embedded_postgres.cluster import DATA, SUPERUSER
from tasks.embedded_postgres.server import EmbeddedPostgres
from tasks.embedded_postgres.server_settings import FIXED
from tasks.errors import ConfigError, DatabaseTransient, StoreError
from tasks.store.sqlstate import translate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tasks.embedded_postgres.programs import Programs

_OF_EVERY_CLUSTER: Final = frozenset({"postgres"})  # there already, so it is filled and not made
_DATABASES: Final = """
SELECT datname, pg_database_size(oid) FROM pg_database WHERE datallowconn AND NOT datistemplate ORDER BY datname
"""
_TABLES: Final = """
SELECT n.nspname, c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%' ORDER BY 1, 2
"""
# What initdb sets is the new cluster's own affair.
_CHOSEN: Final = """
SELECT name FROM pg_settings
WHERE sourcefile LIKE '%%/postgresql.auto.conf'
   OR (sourcefile LIKE '%%/postgresql.conf' AND setting IS DISTINCT FROM boot_val AND name <> ALL (%s))
ORDER BY name
"""
_OF_INITDB: Final = (
    *("max_connections", "shared_buffers", "dynamic_shared_memory_type", "min_wal_size", "max_wal_size"),
    *("autovacuum_worker_slots", "DateStyle", "TimeZone", "default_text_search_config"),
    *("lc_messages", "lc_monetary", "lc_numeric", "lc_time"),
)
_ITS_END_S: Final = 60.0  # the fast shutdown of a server whose user was killed
_POLL_S: Final = 0.05
_WORDS: Final = 2000  # bytes of what a program says that a message repeats


class Moved(NamedTuple):
    """What was moved: rows by database and table, where the old data stays, which settings are to be set again."""

    rows: dict[str, dict[str, int]]
    kept: Path
    settings: list[str]


def move(home: Path, old: Programs, new: Programs, say: Callable[[str], object]) -> Moved:
    """Move the cluster in `home` from the major version of `old` to that of `new`; `say` is told each step.

    Nobody may use the server, and the caller sees to it that nobody moves it at the same time.

    Raises:
        ConfigError: there is something where the old data is to stay, or too little room.
        DatabaseTransient: somebody uses the old server.
        StoreError: a row was lost on the way, or a program failed; the old cluster is as it was.
    """
    kept = replacement.kept(home, old.major)
    if kept.exists():
        raise ConfigError(f"{kept} is left of an earlier move: delete it, or rename it if you still need it")
    _await_end(home, old)
    beside = _empty_beside(home, new)
    with _served(home, old) as source, _served(beside, new) as target:
        settings = _chosen(source)
        rows = _copy_all(source, target, new, home, say)
    if EmbeddedPostgres(home, with_programs=old).is_running():
        raise DatabaseTransient(
            f"somebody uses the old server in {home / DATA}, whose rows would be lost: end that, try again"
        )
    replacement.mark_complete(home, old.major)
    with _served(home, new):
        say("the new server is in place, and answers")
    return Moved(rows, kept, settings)


def _empty_beside(home: Path, new: Programs) -> Path:
    """An empty home for the new cluster, once a server that a killed try left has ended."""
    beside = replacement.beside(home)
    _await_end(beside, new)
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(mode=0o700)
    owner = run_as.file_owner(home)
    if owner is not None:
        os.chown(beside, *owner)
    return beside


def _await_end(home: Path, with_programs: Programs) -> None:
    """Return when no server runs in `home`; one that a killed try has left ends by itself.

    Raises:
        DatabaseTransient: somebody uses it.
    """
    server, pause = EmbeddedPostgres(home, with_programs=with_programs), threading.Event()
    for _ in range(round(_ITS_END_S / _POLL_S)):
        if not server.is_running():
            return
        pause.wait(_POLL_S)
    raise DatabaseTransient(f"the server in {home / DATA} is in use: end what uses it, and try again")


@contextmanager
def _served(home: Path, with_programs: Programs) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(home, with_programs=with_programs)
    try:
        server.start(SUPERUSER)
        yield server
    finally:
        server.stop()


def _query(server: EmbeddedPostgres, database: str, statement: str, *values: object) -> list[tuple[Any, ...]]:
    with translate(), psycopg.connect(server.url(database), autocommit=True) as conn:
        return conn.execute(statement, values or None).fetchall()


def _chosen(source: EmbeddedPostgres) -> list[str]:
    return [name for (name,) in _query(source, SUPERUSER, _CHOSEN, [*FIXED, "TimeZone", *_OF_INITDB])]


def _copy_all(
    source: EmbeddedPostgres,
    target: EmbeddedPostgres,
    with_programs: Programs,
    home: Path,
    say: Callable[[str], object],
) -> dict[str, dict[str, int]]:
    """Copy the users of the server and every database; the rows of each table, equal on both sides."""
    databases = _query(source, SUPERUSER, _DATABASES)
    needed, free = sum(size for _, size in databases), shutil.disk_usage(home).free
    if free < needed:
        raise ConfigError(f"{home} has {free // 2**20:,} MB free, and a second copy takes up to {needed // 2**20:,} MB")
    _copy_users(source, target, with_programs)
    rows = {}
    for name, size in databases:
        say(f"the database `{name}` is copied, {size / 2**20:,.0f} MB")
        _copy(name, source, target, with_programs)
        say(f"the rows of `{name}` are counted on both sides")
        rows[name] = _same_rows(name, source, target)
        _execute(target, name, sql.SQL("ANALYZE"))
    return rows


def _copy_users(source: EmbeddedPostgres, target: EmbeddedPostgres, with_programs: Programs) -> None:
    """Make the roles of the old server, with their settings, in the new one, which has the superuser already."""
    directory = with_programs.directory
    dump = [str(directory / "pg_dumpall"), "--globals-only", "--no-tablespaces", "--dbname", source.url(SUPERUSER)]
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as script:
        _run(dump, said, stdout=script)
        script.seek(0)
        own = f"CREATE ROLE {SUPERUSER};\n".encode()
        text = b"".join(line for line in script if line != own)
        _run([*_psql(directory), "--dbname", target.url(SUPERUSER)], said, text=text)


def _psql(directory: Path) -> list[str]:
    return [str(directory / "psql"), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--output=/dev/null"]


def _copy(name: str, source: EmbeddedPostgres, target: EmbeddedPostgres, with_programs: Programs) -> None:
    """Dump one database into the other server, through a pipe: no third copy lies on the disk."""
    directory = with_programs.directory
    dump = [str(directory / "pg_dump"), "--format=custom", "--compress=0", "--no-tablespaces"]
    restore = [str(directory / "pg_restore"), "--exit-on-error", "--no-tablespaces"]
    if name not in _OF_EVERY_CLUSTER:
        restore.append("--create")
    with tempfile.TemporaryFile() as said:
        with subprocess.Popen(  # noqa: S603 - PostgreSQL's own programs, a list, no shell
            [*dump, "--dbname", source.url(name)], stdout=subprocess.PIPE, stderr=said, env=programs.ENVIRONMENT
        ) as dumping:
            _run([*restore, "--dbname", target.url(SUPERUSER)], said, stdin=dumping.stdout)
        if dumping.returncode != 0:
            raise _failed(dump, dumping.returncode, said)


def _run(
    command: list[str],
    said: IO[bytes],
    *,
    stdin: IO[bytes] | None = None,
    stdout: IO[bytes] | int = subprocess.DEVNULL,
    text: bytes | None = None,
) -> None:
    """Run a program of PostgreSQL; what it says goes to `said`.

    Raises:
        StoreError: it failed.
    """
    done = subprocess.run(  # noqa: S603 - PostgreSQL's own programs, a list, no shell
        command,
        **({"input": text} if text is not None else {"stdin": stdin or subprocess.DEVNULL}),
        stdout=stdout,
        stderr=said,
        env=programs.ENVIRONMENT,
        check=False,
    )
    if done.returncode != 0:
        raise _failed(command, done.returncode, said)


def _failed(command: list[str], code: int, said: IO[bytes]) -> StoreError:
    said.seek(0)
    words = said.read(_WORDS).decode("utf-8", errors="replace").strip()
    return StoreError(f"{os.path.basename(command[0])} failed (exit {code}), and nothing is changed: {words}")  # noqa: PTH119


def _same_rows(name: str, source: EmbeddedPostgres, target: EmbeddedPostgres) -> dict[str, int]:
    """The rows of each table of a database.

    Raises:
        StoreError: they are not as many on both sides.
    """
    before, after = _rows(source, name), _rows(target, name)
    wrong = [
        f"{table} {before.get(table, 0):,} and {after.get(table, 0):,}"
        for table in sorted(before.keys() | after.keys())
        if before.get(table) != after.get(table)
    ]
    if wrong:
        raise StoreError(
            f"in `{name}` the old and the new server do not hold the same rows ({'; '.join(wrong)}), so the old one "
            "stays in place: see that nobody writes to it, and try again"
        )
    return before


def _rows(server: EmbeddedPostgres, database: str) -> dict[str, int]:
    with translate(), psycopg.connect(server.url(database)) as conn:
        conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        tables = conn.execute(_TABLES).fetchall()
        counted = {}
        for schema, table in tables:
            statement = sql.SQL("SELECT count(*) FROM ONLY {}").format(sql.Identifier(schema, table))
            (counted[f"{schema}.{table}"],) = conn.execute(statement).fetchone() or (0,)
    return counted


def _execute(server: EmbeddedPostgres, database: str, statement: sql.SQL) -> None:
    with translate(), psycopg.connect(server.url(database), autocommit=True) as conn:
        conn.execute(statement)
