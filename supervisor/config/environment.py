"""The environment of this process, which is read here alone, and what of it the processes that we start get."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import tasks
from supervisor.config.options import BY_NAME

if TYPE_CHECKING:
    from collections.abc import Mapping

_OF_THE_SERVICE_MANAGER: Final = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")


def environment() -> Mapping[str, str]:
    """The environment of this process."""
    return os.environ


def join_other_hosts() -> None:
    """Set in our environment, which a reload reads too, that the ledger is the one that all hosts share."""
    os.environ["LEDGER"] = "database"


def child_environment() -> dict[str, str]:
    """The environment of a worker: ours without the settings, so that no secret shows in `/proc`.

    Workers run the very code that started them, wherever they are started from. They do not get the variables of a
    service manager that watches us: it would take a worker's sign of life for ours.
    """
    ours = {*BY_NAME, *_OF_THE_SERVICE_MANAGER}
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    root = str(Path(next(iter(tasks.__path__))).parent)
    path = [root, *filter(None, kept.get("PYTHONPATH", "").split(os.pathsep))]
    return {**kept, "PYTHONPATH": os.pathsep.join(dict.fromkeys(path)), "PYTHONFAULTHANDLER": "1"}


def forget_client_variables() -> None:
    """Remove from our environment, and so from our workers', all that PostgreSQL's client library would read there.

    For the embedded server alone: whoever names a server may well name its certificates in PGSSLROOTCERT. Every
    variable of the library begins with PG. Source: PostgreSQL's documentation, "Environment Variables" of libpq.
    """
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]
