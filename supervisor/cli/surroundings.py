"""What a command that does the work of a worker needs around it: a ledger, a server and a database.

Beside a running supervisor these are the supervisor's; alone the command brings its own for as long as it lasts.
"""

from __future__ import annotations

import os
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING

from supervisor.config import run_plan
from supervisor.config.environment import forget_client_variables
from supervisor.database import backend, ledger_source, server_in_use, shared_ledger
from supervisor.database.access import require_place
from supervisor.database.hosts import joining
from tasks.errors import ConfigError
from tasks.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ledger import TokenLedger
    from supervisor.config.run_plan import RunPlan
    from supervisor.config.settings import Settings
    from supervisor.config.state_dir.instance_lock import SoleCommand
    from tasks.settings import WorkerSettings


def is_running(settings: Settings) -> bool:
    """Whether a supervisor runs with these settings: it was started with the option for synthetic rows already."""
    return run_plan.make_run_plan(settings, synthetic_into_database=True).state.lock.holder() is not None


@contextmanager
def surroundings(plan: RunPlan, command: SoleCommand) -> Iterator[tuple[WorkerSettings, TokenLedger]]:
    """The settings of a worker and the ledger: a running supervisor's, or our own for as long as this lasts.

    Raises:
        AlreadyRunning: another such command holds the state directory.
        ConfigError: the supervisor is starting, or these settings are for another server or database than its own; or
            for none that somebody meant (`require_place`).
        StoreError: the database does not start.
    """
    require_place(plan)
    holder = plan.state.lock.holder()
    if holder is not None:
        worker_settings = _settings_of_running(plan, holder)
        ledger, worker_settings = shared_ledger.attach_beside(plan, worker_settings)
        with closing(ledger):
            yield worker_settings, ledger
        return
    plan.state.make()
    plan = ledger_source.as_last_run(plan)
    with ExitStack() as stack:
        stack.enter_context(plan.state.lock.held(command=command))
        spool = backend.identity_of(plan).spool
        base_url = plan.base_url or stack.enter_context(server_in_use.simulator(plan))
        rows = backend.backend_of(plan)
        stack.callback(rows.stop)
        url_of_rows = rows.start()
        run = str(os.getpid())
        among = joining.take_part(plan, url_of_rows, run)
        if among is not None:
            stack.enter_context(closing(among))
        host = 0 if among is None else among.number
        ledger = stack.enter_context(closing(shared_ledger.create_ledger(plan, url_of_rows, run, host)))
        given = plan.worker_settings(base_url, url_of_rows, spool, plan.state.host())
        yield shared_ledger.settings_for({plan.key: ledger}, given), ledger


def _settings_of_running(plan: RunPlan, holder: int) -> WorkerSettings:
    """The settings of the workers of the supervisor with pid `holder`.

    Raises:
        AlreadyRunning: it is no supervisor but a command.
        ConfigError: it is still starting, or these settings are for another server or database than its own.
    """
    run, base_url = server_in_use.running(plan, holder)
    place = backend.identity_of(plan)
    if place.spool != run.spool:
        raise ConfigError(
            f"the supervisor, pid {holder}, writes into another database ({run.rows_into}, spool "
            f"{run.spool}; these settings say {place.words}, spool {place.spool}): "
            "use its settings, or another STATE_DIR"
        )
    url = run.database_url
    if plan.database is not None:
        forget_client_variables()
    rows = plan.settings.database_url if url is None else Secret(url)
    return plan.worker_settings(base_url, rows, place.spool, plan.state.host())
