"""Which API server a command calls: that of the running supervisor, or a simulator of its own."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from supervisor import report
from supervisor.config.state_dir.instance_lock import AlreadyRunning
from tasks.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from supervisor.config.run_plan import RunPlan
    from supervisor.report import RunRecord


def running(plan: RunPlan, holder: int) -> tuple[RunRecord, str]:
    """What the supervisor with pid `holder` runs, and where it calls.

    Raises:
        AlreadyRunning: it is no supervisor but a command that works alone.
        ConfigError: it is still starting, or these settings are for another server.
    """
    by = plan.state.lock.command()
    if by is not None:
        raise AlreadyRunning(f"another `sluicegate {by}`, pid {holder}, holds {plan.state.root}: end it first")
    last = report.read(plan.state.status)
    if last is None or last.supervisor.pid != holder or last.supervisor.state != "running" or not last.run.base_url:
        raise ConfigError(f"the supervisor, pid {holder}, is starting or stopping: try again in a few seconds")
    if last.run.server != plan.server.value or plan.base_url not in (None, last.run.base_url):
        raise ConfigError(
            f"the supervisor, pid {holder}, was started for another server ({last.run.server}, {last.run.base_url}; "
            f"these settings say {plan.server.value}): use its settings, or another STATE_DIR"
        )
    return last.run, last.run.base_url


@contextmanager
def simulator(plan: RunPlan) -> Iterator[str]:
    """The URL of the built-in simulator, which runs in this process for as long as this lasts."""
    from tasks.simulator.config import SimulatorConfig
    from tasks.simulator.server import SimulatorServer

    settings = plan.settings
    chosen = SimulatorConfig(
        rate=settings.simulator_rate,
        tick_s=settings.simulator_tick_s,
        start_balance=settings.simulator_start_balance,
        seed=settings.simulator_seed,
        deals=settings.simulator_deals,
    )
    with SimulatorServer(chosen) as server:
        yield server.url
