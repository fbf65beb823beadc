"""`db-url`, `psql`, `pg-dump`, `pg-restore` and the path of `ledger dump`: what other tools need of a run."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from supervisor.config import setting_texts, settings
from supervisor.config.environment import child_environment, environment
from supervisor.config.files import key_files
from supervisor.config.state_dir.state_dir import StateDir
from supervisor.database import client_programs, dsn, embedded, restore
from supervisor.database.access import query_plan, require_place, running_database
from supervisor.database.ledger_source import source_of
from tasks.errors import ConfigError
from tasks.secret import Secret
from tasks.settings import DEFAULT_KEY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger.__main__ import Source
    from supervisor.database.client_programs import Name

_NO_DATABASE: Final = frozenset({"--help", "-?", "--version", "-V"})  # the programs answer these without a database


def database_url() -> Secret:
    """The URL of the database that a run with these settings uses, whether or not it runs.

    Raises:
        ConfigError: the settings cannot be used.
    """
    plan = query_plan()
    if plan.database is None:
        return plan.settings.database_url
    return Secret(embedded.server_of(plan).url(plan.database))


def has_secret(url: Secret) -> bool:
    """Whether the URL holds a password or another secret."""
    return bool(dsn.read(url).secrets)


def tool(name: Name, arguments: Sequence[str]) -> int:
    """Run a program of PostgreSQL on that database; its exit code. An embedded server is started when none runs.

    The programs are those that came with this one or that the user chose (POSTGRES_BIN_DIR), because others may be too
    old for the server. A server reached with TLS needs others than ours, which cannot do TLS.

    Raises:
        ConfigError: the settings cannot be used, the embedded server cannot run here, or no program speaks TLS.
        AlreadyRunning: workers write to the database that is to be restored.
        StoreError: the embedded server does not start.
    """
    from psycopg.conninfo import make_conninfo

    if _NO_DATABASE & {argument.partition("=")[0] for argument in arguments}:
        return _run([str(client_programs.ours(name)), *arguments], {})
    plan = query_plan()
    if name != "pg_dump":
        require_place(plan)
    chosen = plan.settings.postgres_bin_dir
    with running_database(plan) as url:
        parts = dsn.read(url)
        if name == "pg_restore":
            arguments = restore.checked(arguments, url, plan.state)
        program = client_programs.ours(name, chosen)
        if plan.database is None:
            program = client_programs.program(name, url, environment(), chosen)
        return _run([str(program), "--dbname", make_conninfo(**parts.parameters), *arguments], parts.environment)


def _run(command: list[str], connection: dict[str, str]) -> int:
    """Run a program of PostgreSQL with our terminal and our environment, without our settings; its exit code."""
    # Ctrl-C is for the program, in which it cancels a query, and must not end this process before it.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        env = {**child_environment(), **connection}
        done = subprocess.run(command, env=env, check=False)  # noqa: S603 - the wheel's own, no shell
    finally:
        signal.signal(signal.SIGINT, before)
    return done.returncode


def with_ledger_path(arguments: Sequence[str]) -> list[str]:
    """The arguments of `ledger dump`, with the ledger of STATE_DIR unless they name one.

    It works whatever else is wrong with the settings, because that may be when the ledger has to be looked at.
    """
    arguments, key = _without_key(arguments)
    is_done = any(argument.startswith(("--p", "-h", "--h")) for argument in arguments)
    if is_done or not arguments or arguments[0] != "dump":
        return arguments
    state = StateDir(settings.state_dir(environment()))
    return [*arguments, "--path", str(state.ledger_of(_known_key(key)))]


def _without_key(arguments: Sequence[str]) -> tuple[list[str], str | None]:
    """The arguments without `--key NAME`, and the name."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--key")
    found, rest = parser.parse_known_args(arguments)
    return rest, found.key


def _known_key(wanted: str | None) -> str:
    """The name that is wanted, or of the first key in the folder KEYS, which need not be usable.

    Without a name it is said on standard error whose ledger is shown, where there are several.

    Raises:
        ConfigError: there is no file of that name.
    """
    text, _ = setting_texts.read_texts(environment()).found["KEYS"]
    names = key_files.names(text) or [DEFAULT_KEY]
    if wanted is not None:
        if wanted not in names:
            raise ConfigError(f"no key is called {wanted!r}; there are: {', '.join(names)}")
        return wanted
    _say_others(names[0], names)
    return names[0]


def _say_others(shown: str, names: Sequence[str]) -> None:
    if len(names) > 1:
        others = ", ".join(name for name in names if name != shown)
        sys.stderr.write(f"this is the ledger of the key {shown}; --key shows that of another: {others}\n")


def ledger_in_database(arguments: Sequence[str]) -> Source | None:
    """The ledger in the database, when the settings or the last run say so and no path is named; else None.

    Raises:
        ConfigError: it is there, and the settings cannot be used.
    """
    if any(argument.startswith("--p") for argument in arguments):
        return None
    text, _ = setting_texts.read_texts(environment()).found["LEDGER"]
    marker = StateDir(settings.state_dir(environment())).ledger_marker
    if text.strip() != "database" and not marker.exists():
        return None
    from ledger.__main__ import Source

    plan, (_, key) = query_plan(), _without_key(arguments)
    if key is None:
        _say_others(plan.key, plan.keys)
    return Source("the ledger in the database", source_of(plan.of_key(key)).open)
