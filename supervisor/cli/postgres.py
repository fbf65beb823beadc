"""`db-url`, `psql`, back-ups and the path of `ledger dump`: state directory and database, for people's own tools."""

from __future__ import annotations

import signal
import subprocess
from typing import TYPE_CHECKING, Final

from supervisor.config import run_plan, settings
from supervisor.config.state_dir import StateDir
from supervisor.database import client_programs, dsn, restore
from supervisor.database.access import running_database
from tasks.settings import Secret

if TYPE_CHECKING:
    from collections.abc import Sequence

    from supervisor.database.client_programs import Name

_ASKS: Final = frozenset({"--help", "-?", "--version", "-V"})  # the programs answer these by themselves


def database_url() -> Secret:
    """The URL a run with these settings uses, whether or not it runs.

    Raises:
        ConfigError: the settings cannot be used.
    """
    plan = run_plan.make_run_plan(settings.load_settings(settings.environment()), synthetic_into_database=True)
    if plan.database is None:
        return plan.settings.database_url
    from tasks.embedded_postgres.server import EmbeddedPostgres

    return Secret(EmbeddedPostgres(plan.state.postgres).url(plan.database))


def has_secret(url: Secret) -> bool:
    """Whether there is anything in the URL that others must not see."""
    return bool(dsn.read(url).secrets)


def tool(name: Name, arguments: Sequence[str]) -> int:
    """The exit code of a program of PostgreSQL on that database; an own server is started for it when none runs.

    The programs are those that came with us, as others may be too old for the server; but for one reached with TLS.

    Raises:
        ConfigError: the settings cannot be used, the own server cannot run here, or no program speaks TLS.
        AlreadyRunning: workers write to the database that is to be filled.
        StoreError: the own server does not start.
    """
    from psycopg.conninfo import make_conninfo

    from tasks.embedded_postgres import programs

    program = str(programs.postgres_programs() / name)
    if _ASKS & {argument.partition("=")[0] for argument in arguments}:
        return _ended([program, *arguments], {})
    plan = run_plan.make_run_plan(settings.load_settings(settings.environment()), synthetic_into_database=True)
    with running_database(plan) as url:
        parts = dsn.read(url)
        if name == "pg_restore":
            arguments = restore.checked(arguments, url, plan.state)
        if plan.database is None:
            program = str(client_programs.program(name, url, settings.environment()))
        return _ended([program, "--dbname", make_conninfo(**parts.parameters), *arguments], parts.environment)


def _ended(command: list[str], more: dict[str, str]) -> int:
    """The exit code of a program of PostgreSQL that has our terminal and, but for our settings, our environment."""
    # Ctrl-C is for the program, psql cancels a query by it, and must not end us beneath it.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        env = {**settings.child_environment(), **more}
        done = subprocess.run(command, env=env, check=False)  # noqa: S603 - the wheel's own, no shell
    finally:
        signal.signal(signal.SIGINT, before)
    return done.returncode


def with_ledger_path(arguments: Sequence[str]) -> list[str]:
    """The arguments of `ledger dump`, with the ledger of STATE_DIR unless they name one.

    Whatever else of the settings is at fault: the ledger may be what somebody needs to see then.
    """
    is_done = any(argument.startswith(("--p", "-h", "--h")) for argument in arguments)
    if is_done or not arguments or arguments[0] != "dump":
        return list(arguments)
    return [*arguments, "--path", str(StateDir(settings.state_dir(settings.environment())).ledger)]
