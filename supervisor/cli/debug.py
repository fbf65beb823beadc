"""Debug mode: both jobs in this one process, taking turns, with the ledger, gates and database of a run.

Beside a running supervisor it takes leases like any worker; alone it brings database, simulator and ledger itself.
A breakpoint in a job stops everything here.
"""

from __future__ import annotations

import bdb
import os
import signal
import sys
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

from ledger import SystemClock
from supervisor.cli.run import redactor
from supervisor.cli.surroundings import surroundings
from supervisor.config import run_plan
from supervisor.config.environment import environment
from supervisor.config.setting_texts import read_texts
from supervisor.config.settings import check_texts, state_dir
from supervisor.config.state_dir.state_dir import StateDir
from supervisor.logs.log import as_console, as_json, is_json, with_sentence
from tasks.errors import EXIT_OK
from tasks.jobs import build, run_loop
from tasks.roles import ROLES
from tasks.runtime.heartbeat_writer import HeartbeatWriter
from tasks.runtime.job import JobContext
from tasks.runtime.log import LibraryHandler, capture_library_logs, stream_logger
from tasks.runtime.stop import Stop

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ledger import TokenLedger
    from supervisor.config.run_plan import RunPlan
    from tasks.runtime.log import Logger


def debug(*, task: str | None, once: bool, synthetic_into_database: bool = False, key: str | None = None) -> int:
    """The exit code, after Ctrl-C or, with `once`, after one poll or batch of each job.

    `key` is the name of the one of several keys whose jobs they are; without it the first.

    Raises:
        ConfigError: the settings cannot be used.
        Error: a job cannot go on.
        LedgerError: neither can the ledger.
    """
    environ = environment()
    may_be_synthetic = synthetic_into_database or StateDir(state_dir(environ)).lock.holder() is not None
    settings = check_texts(read_texts(environ), synthetic_into_database=may_be_synthetic)
    plan = run_plan.make_run_plan(settings, synthetic_into_database=may_be_synthetic)
    plan = plan.of_key(key)
    clock = SystemClock()
    with Stop() as stop, surroundings(plan, "debug") as (worker_settings, ledger):
        # The jobs end after the step at hand; a second Ctrl-C does not wait for it.
        stop.on_first((signal.SIGINT, signal.SIGTERM))
        log = _logger(plan)
        log.info("debug", message=plan.describe())
        for note in plan.settings.notes:
            log.warning("setting", message=note)
        if ledger.replaced and plan.base_url is not None:
            log.info("ledger_anew", message=ledger.replaced)
        before = _spent(ledger)
        contexts = [
            JobContext(
                role=role,
                settings=worker_settings,
                ledger=ledger,
                clock=clock,
                stop=stop,
                log=log.bind(role=role),
                beat=HeartbeatWriter(_Phases(log.bind(role=role)), clock),
                blocking=False,  # one that waited for tokens inside a step would hold up the other
                worker=f"debug-{role}",
            )
            for role in ROLES
            if task in {None, role}
        ]
        try:
            with ExitStack() as stack:
                jobs = [stack.enter_context(closing(build.build(context))) for context in contexts]
                run_loop.run(jobs, stop, clock, once=once)
        except bdb.BdbQuit:  # `q` at the debugger's prompt, from wherever in a job that was
            log.info("quit", message="the debugger was asked to quit")
        log.info("done", message=_summary(contexts, _spent(ledger) - before))
    return EXIT_OK


def _spent(ledger: TokenLedger) -> float:
    return ledger.snapshot().totals.spent


def _summary(contexts: Sequence[JobContext], tokens: float) -> str:
    """What was done, in a sentence; beside a running supervisor its workers spend as well."""
    parts = [f"{one.role} wrote {_rows(one.beat.rows)} in {_steps(one.beat.progress)}" for one in contexts]
    return f"{', '.join(parts)}; {tokens:g} tokens were spent meanwhile"


def _steps(count: int) -> str:
    return f"{count} step" if count == 1 else f"{count} steps"


def _rows(rows: Mapping[str, int]) -> str:
    written = [f"{count} {'row' if count == 1 else 'rows'} of {table}" for table, count in rows.items() if count]
    return " and ".join(written) or "nothing"


class _Phases:
    """Logs a phase when it differs from the last one."""

    def __init__(self, log: Logger) -> None:
        self._log = log
        self._last: object = None

    def __call__(self, message: Mapping[str, object]) -> None:
        phase = message.get("phase")
        if phase not in {None, self._last}:
            self._last = phase
            self._log.debug("phase", phase=phase, detail=message.get("detail"))


def _logger(plan: RunPlan) -> Logger:
    """The jobs' log with the sentences that the log of a run has, for people or for programs."""
    settings = plan.settings
    render = as_json if is_json(settings.log_format, is_terminal=sys.stderr.isatty()) else as_console
    log = stream_logger(
        sys.stderr,
        level=settings.log_level,
        redactor=redactor(settings),
        render=lambda record: render(with_sentence(record)),
    ).bind(pid=os.getpid())
    capture_library_logs(LibraryHandler(log))
    return log
