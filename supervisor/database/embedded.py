"""The embedded server of a run, with the programs that its settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from supervisor.config.run_plan import RunPlan
    from tasks.embedded_postgres.server import EmbeddedPostgres


def server_of(plan: RunPlan) -> EmbeddedPostgres:
    """The server in the state directory; nothing is touched yet.

    Raises:
        ConfigError: its programs are missing or too old.
    """
    from tasks.embedded_postgres import programs
    from tasks.embedded_postgres.server import EmbeddedPostgres

    return EmbeddedPostgres(plan.state.postgres, with_programs=programs.find(plan.settings.postgres_bin_dir))
