"""`sluicegate db upgrade`: moves the embedded database to another major version of PostgreSQL, when a person asks."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import UNSET, UnsetType

from supervisor.config.environment import forget_client_variables
from supervisor.database.access import query_plan
from supervisor.queries.printing import output
from supervisor.queries.printing.output import Output
from tasks.errors import ConfigError

if TYPE_CHECKING:
    from supervisor.config.run_plan import RunPlan
    from tasks.embedded_postgres.major_upgrade import Moved
    from tasks.embedded_postgres.programs import Programs


class UpgradeOutput(Output, frozen=True, kw_only=True, rename={"made_by": "from"}):
    """Whether the embedded database was moved, from one major version of PostgreSQL to another.

    Attributes:
        from: null while there is no embedded database.
        kept: where the old data stays; this and what follows is there when it was moved.
        rows: by database and table.
        settings: what a person had set in the old one, and was set again.
    """

    moved: bool
    made_by: int | None
    to: int
    kept: str | UnsetType = UNSET
    rows: dict[str, dict[str, int]] | UnsetType = UNSET
    settings: tuple[str, ...] | UnsetType = UNSET


def upgrade(old: str | None, *, as_json: bool) -> int:
    """Move it, and say where the old data stays; the exit code. It does nothing when there is nothing to move.

    Args:
        old: the directory of the programs that made it; None to look for them.
        as_json: whether to print an object for programs.

    Raises:
        AlreadyRunning: a supervisor uses the state directory.
        ConfigError: the database is not embedded, the old programs are not found, or there is too little room.
        StoreError: it could not be moved; the old database is as it was.
    """
    from tasks.embedded_postgres import cluster, programs

    plan = query_plan()
    if plan.database is None:
        raise ConfigError("DATABASE_URL names a server of your own, which is moved with its own tools")
    forget_client_variables()
    new = programs.find(plan.settings.postgres_bin_dir)
    plan.state.make()
    with plan.state.lock.held():
        _end_what_was_begun(plan, new)
        made_by = cluster.major_of(plan.state.postgres)
        if made_by is None or made_by == new.major:
            why = "there is no embedded database yet" if made_by is None else f"it is of PostgreSQL {new.major}"
            nothing = UpgradeOutput(moved=False, made_by=made_by, to=new.major)
            _print(nothing, f"nothing to move: {why}", as_json=as_json)
            return 0
        moved = _move(plan, _old_programs(old, made_by, plan, new), new)
    told = UpgradeOutput(
        moved=True,
        made_by=made_by,
        to=new.major,
        kept=str(moved.kept),
        rows={database: dict(counts) for database, counts in moved.rows.items()},
        settings=tuple(moved.settings),
    )
    _print(told, _in_words(moved, made_by, new.major), as_json=as_json)
    return 0


def _end_what_was_begun(plan: RunPlan, new: Programs) -> None:
    """A try that was killed when the new cluster was whole is ended by any start of a server."""
    from tasks.embedded_postgres import cluster, replacement
    from tasks.embedded_postgres.server import EmbeddedPostgres

    if replacement.is_complete(plan.state.postgres):
        server = EmbeddedPostgres(plan.state.postgres, with_programs=new)
        try:
            server.start(cluster.SUPERUSER)
        finally:
            server.stop()


def _move(plan: RunPlan, old: Programs, new: Programs) -> Moved:
    from tasks.embedded_postgres import major_upgrade

    return major_upgrade.move(plan.state.postgres, old, new, _say)


def _old_programs(named: str | None, made_by: int, plan: RunPlan, new: Programs) -> Programs:
    from tasks.embedded_postgres import cluster, programs

    if made_by > new.major:
        raise ConfigError(cluster.other_major(plan.state.postgres, made_by, new))
    found = programs.of_major(made_by) if named is None else programs.in_directory(Path(named))
    if found is None:
        raise ConfigError(cluster.other_major(plan.state.postgres, made_by, new))
    if found.major != made_by:
        raise ConfigError(f"{named} has the programs of PostgreSQL {found.major}, and {made_by} made the database")
    return found


def _in_words(moved: Moved, old: int, new: int) -> str:
    tables = [count for counts in moved.rows.values() for count in counts.values()]
    amount = f"{len(moved.rows)} databases, {len(tables)} tables, {sum(tables):,} rows"
    words = [
        f"moved from PostgreSQL {old} to {new}: {amount}",
        f"the old data stays in {moved.kept}: delete it when you do not need it any more",
    ]
    if moved.settings:
        words.append(f"set again what you had set in the old one (postgresql.conf there): {', '.join(moved.settings)}")
    return "\n".join(words)


def _print(told: UpgradeOutput, words: str, *, as_json: bool) -> None:
    if as_json:
        output.as_json(told)
    else:
        output.text(words)


def _say(step: str) -> None:
    sys.stderr.write(step + "\n")
    sys.stderr.flush()
