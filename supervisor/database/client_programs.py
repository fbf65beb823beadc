"""Chooses PostgreSQL's client programs for a server: those that come with the program, or for TLS the machine's.

The programs of the wheel are built without TLS. A server that is reached with it needs others. Those for back-ups must
be no older than the server: `pg_dump` refuses a newer one, and an older `pg_restore` cannot read its archives. An older
`psql` sends what it is given to any server.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from supervisor.database import dsn
from tasks.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tasks.secret import Secret

Name = Literal["psql", "pg_dump", "pg_restore"]

_DEBIAN: Final = Path("/usr/lib/postgresql")  # a folder for each major version
_TLS: Final = frozenset({"require", "verify-ca", "verify-full"})
_VERSION: Final = re.compile(r"\(PostgreSQL\) (\d+)")
_CONNECT_S: Final = 10


def ours(name: Name, chosen: str = "") -> Path:
    """The program that comes with this one, or that lies in the directory of the user's own server.

    Raises:
        ConfigError: it is not there.
    """
    from tasks.embedded_postgres import programs

    path = programs.find(chosen).directory / name
    if not path.is_file():
        raise ConfigError(f"{path.parent} has no {name}: add PostgreSQL's client programs, or unset POSTGRES_BIN_DIR")
    return path


def program(name: Name, url: Secret, environment: Mapping[str, str], chosen: str = "") -> Path:
    """The program to use on that database.

    Args:
        name: which one.
        url: the database.
        environment: what the program will be given.
        chosen: the directory of the user's own programs; empty when there is none.

    Raises:
        ConfigError: the server is reached with TLS only, and no program here can do that.
    """
    own = ours(name, chosen)
    mode = dsn.read(url).rest.get("sslmode", environment.get("PGSSLMODE", ""))
    uses_tls, major = _inspect(url)
    if not uses_tls and mode not in _TLS:
        return own
    oldest = 0 if name == "psql" else major
    found = sorted((version, path) for version, path in _installed(name, environment, chosen) if version >= oldest)
    if found:
        return found[-1][1]
    if mode not in _TLS and _lets_in_without_tls(url):
        return own
    reason = f"DATABASE_URL asks for TLS (sslmode={mode})" if mode in _TLS else "the server lets nobody in without TLS"
    raise ConfigError(
        f"{reason}, which the {name} that came with us cannot speak: install PostgreSQL's client programs"
        f"{f' of version {oldest} or newer' if oldest else ''} (postgresql-client), and this command uses them"
    )


def _inspect(url: Secret) -> tuple[bool, int]:
    """Whether a connection is encrypted, and the server's major version; False and 0 when none can be made."""
    import psycopg

    try:
        with psycopg.connect(url.reveal(), connect_timeout=_CONNECT_S) as conn:
            return bool(conn.pgconn.ssl_in_use), conn.info.server_version // 10000
    except psycopg.Error:
        return False, 0  # the program itself says why, and better


def _lets_in_without_tls(url: Secret) -> bool:
    import psycopg

    try:
        psycopg.connect(url.reveal(), connect_timeout=_CONNECT_S, sslmode="disable").close()
    except psycopg.Error:
        return False
    return True


def _installed(name: Name, environment: Mapping[str, str], chosen: str) -> Iterator[tuple[int, Path]]:
    """The programs of the machine, with their major versions."""
    on_path = shutil.which(name, path=environment.get("PATH"))
    paths = [*_DEBIAN.glob(f"*/bin/{name}"), *([Path(on_path)] if on_path is not None else [])]
    paths += [Path(chosen, name)] if chosen else []
    for path in paths:
        output = subprocess.run([str(path), "--version"], capture_output=True, text=True, check=False)  # noqa: S603
        version = _VERSION.search(output.stdout)
        if version is not None:
            yield int(version[1]), path
