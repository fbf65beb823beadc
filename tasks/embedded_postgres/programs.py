"""Command lines of the two programs that must run in a fresh interpreter before PostgreSQL does."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.embedded_postgres.run_as import Identity

_ROOT: Final = Path(__file__).parents[2]
# -I and -S halve the time to start and keep the environment out; the package is then found by its place alone.
_RUN: Final = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); from tasks.embedded_postgres import {0}; {0}.main(sys.argv[1:])"
)

# Nothing of our own environment reaches the server: PG* variables and locales would change what it does.
ENVIRONMENT: Final = {"LC_ALL": "C", "PATH": "/usr/bin:/bin", "TZ": "UTC"}


def under_identity(identity: Identity, home: Path, command: Sequence[str]) -> list[str]:
    """Run `command` as `identity`, which must be able to reach `home`."""
    return [*_interpreter("run_as"), str(identity), str(home), *command]


def under_keeper(identity: Identity, home: Path, command: Sequence[str]) -> list[str]:
    """Run `command` as `identity` below a keeper that ends it when `home` has no user left."""
    return [*_interpreter("keeper"), str(home), str(identity), *command]


def _interpreter(module: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", _RUN.format(module), str(_ROOT)]
