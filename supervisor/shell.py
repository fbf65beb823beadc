"""`db-url`, `psql`, back-ups and the path of `ledger dump`: state directory and database, for people's own tools."""

from __future__ import annotations

import signal
import subprocess
from typing import TYPE_CHECKING, Literal

from supervisor import config, dsn, plan
from supervisor.serving import serving
from supervisor.statedir import StateDir
from tasks.settings import Secret

if TYPE_CHECKING:
    from collections.abc import Sequence


def database_url() -> Secret:
    """The URL a run with these settings uses, whether or not it runs.

    Raises:
        ConfigError: the settings cannot be used.
    """
    wanted = plan.make(config.load(config.environment()), synthetic_into_database=True)
    if wanted.database is None:
        return wanted.settings.database_url
    from tasks.store.embedded import EmbeddedPostgres

    return Secret(EmbeddedPostgres(wanted.state.postgres).url(wanted.database))


def tool(name: Literal["psql", "pg_dump", "pg_restore"], arguments: Sequence[str]) -> int:
    """The exit code of a program of PostgreSQL on that database; an own server is started for it when none runs.

    The programs are those that came with us: others may be too old for the server.

    Raises:
        ConfigError: the settings cannot be used, or the own server cannot run here.
        StoreError: the own server does not start.
    """
    from psycopg.conninfo import make_conninfo

    from tasks.store import binaries

    wanted = plan.make(config.load(config.environment()), synthetic_into_database=True)
    with serving(wanted) as url:
        parts = dsn.read(url)
        # The password goes through the environment: an argument is visible to every user of the machine.
        secret = {} if parts.password is None else {"PGPASSWORD": parts.password.reveal()}
        # Ctrl-C is for the program, psql cancels a query by it, and must not end us beneath it.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            command = [str(binaries.find() / name), "--dbname", make_conninfo(**parts.parameters), *arguments]
            env = {**config.environment(), **secret}
            done = subprocess.run(command, env=env, check=False)  # noqa: S603 - the wheel's own, no shell
        finally:
            signal.signal(signal.SIGINT, before)
    return done.returncode


def with_ledger_path(arguments: Sequence[str]) -> list[str]:
    """The arguments of `ledger dump`, with the ledger of STATE_DIR unless they name one.

    Whatever else of the settings is at fault: the ledger may be what somebody needs to see then.
    """
    named = any(argument == "--path" or argument.startswith("--path=") for argument in arguments)
    if named or not arguments or arguments[0] != "dump":
        return list(arguments)
    return [*arguments, "--path", str(StateDir(config.state_dir(config.environment())).ledger)]
