"""What this host is called among all, what it spends from, and where its replies lie."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from importlib import metadata
from typing import TYPE_CHECKING

from supervisor.config.state_dir import host_id
from supervisor.database import backend
from supervisor.database.ledger_source import account_number
from tasks.calls.spool import Spool
from tasks.errors import ConfigError
from tasks.store.ledger_row import hosts
from tasks.store.ledger_row.hosts import Newcomer
from tasks.store.migrate import bundled_migrations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from supervisor.config.run_plan import RunPlan


def spool_of(plan: RunPlan) -> Spool:
    """The replies that this host has paid for and not yet written to its database."""
    return Spool(plan.state.spool(backend.identity_of(plan).spool), limit_bytes=0, host=plan.state.host())


def identity(plan: RunPlan) -> str:
    """What this host is called among all.

    Raises:
        ConfigError: the file with the name of its state directory is damaged, or cannot be written.
    """
    try:
        return hosts.identity(host_id.make(plan.state.host_id))
    except OSError as error:
        raise ConfigError(f"{plan.state.host_id} cannot be written: {error.strerror}") from error


def known_identity(plan: RunPlan) -> str:
    """The same without making a name for a state directory that has none: that of no host then."""
    name = plan.state.name()
    return hosts.identity(name) if name else ""


def this_host(plan: RunPlan, run: str, keys: Sequence[str]) -> Newcomer:
    """This host as it takes part, as one that spends from the keys of these names.

    Raises:
        ConfigError: the file with the name of its state directory is damaged, or cannot be written.
    """
    new = newcomer(plan, identity(plan), run, keys, shares=plan.settings.ledger == "database")
    return replace(new, supervisor=hosts.this_supervisor())


def newcomer(plan: RunPlan, name: str, run: str, keys: Sequence[str], *, shares: bool) -> Newcomer:
    """This host under that identity, as one that spends from the keys of these names."""
    accounts = [plan.of_key(name).account("" if shares else run) for name in keys]
    return Newcomer(
        id=name,
        name=plan.settings.host_name,
        version=_build(),
        ledger="database" if shares else "file",
        accounts=[account_number(one) for one in accounts],
        migration=bundled_migrations()[-1].number,
    )


def _build() -> str:
    with suppress(metadata.PackageNotFoundError):
        return metadata.version("sluicegate")
    return "unknown"
