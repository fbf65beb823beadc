"""`--version`: what runs here, for a report of a fault."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Final

from tasks.errors import EXIT_OK, ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

_US: Final = "sluicegate"


class Version(argparse.Action):
    """The option that prints the version and ends."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        _namespace: argparse.Namespace,
        _values: str | Sequence[object] | None,
        _option: str | None = None,
    ) -> None:
        """Print it, and end with 0."""
        sys.stdout.write("".join(f"{line}\n" for line in lines()))
        parser.exit(EXIT_OK)


def lines() -> list[str]:
    """This build, Python, the PostgreSQL programs in use, and the newest schema that this build knows."""
    import platform

    from tasks.store import migrate

    newest = migrate.bundled_migrations()[-1]
    return [
        f"{_US} {of_this_build()}",
        f"Python {platform.python_version()} ({platform.system()} {platform.release()}, {platform.machine()})",
        f"PostgreSQL {_postgres()}",
        f"schema {newest.number} ({newest.name})",
    ]


def of_this_build() -> str:
    """The version; where no package is installed, that is said instead."""
    import importlib.metadata

    from ledger import installation

    try:
        return importlib.metadata.version(_US)
    except importlib.metadata.PackageNotFoundError:
        return f"(not installed: {installation.set_up()})"


def _postgres() -> str:
    from supervisor.config.environment import environment
    from supervisor.config.readable import readable
    from supervisor.config.setting_texts import read_texts
    from tasks.embedded_postgres import programs

    try:
        chosen = readable(read_texts(environment()))
        found = programs.find(str(chosen.postgres_bin_dir or ""))
    except ConfigError:
        return "(not known: the settings cannot be used, and `sluicegate doctor` says why)"
    embedded = f"{found.major}, embedded"
    return f"{embedded}; DATABASE_URL names another server" if chosen.database_url else embedded
