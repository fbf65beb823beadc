"""`python -m tasks.worker ROLE`: one job in one process, ruled by its parent through two pipes.

The settings come as the first line of the lifeline; its end means that the parent is dead. Beats go out on the status
pipe, log lines on stderr. Only this module turns errors into exit codes.
"""

from __future__ import annotations

import argparse
import gc
import logging
import os
import signal
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Final, assert_never, get_args

from ledger import NS_PER_S, LedgerError, SystemClock, TokenLedger
from tasks import errors, settings
from tasks.jobs import build
from tasks.jobs.run_loop import PatientJob
from tasks.runtime import crash_stacks, job, lifeline
from tasks.runtime.heartbeat_writer import HeartbeatWriter, PipeSink
from tasks.runtime.log import LogBridge, Logger
from tasks.runtime.stop import Stop
from tasks.store.connection import password_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.runtime.job import Idle, Job, StepDone
    from tasks.settings import Role, WorkerSettings

LONGEST_NAP_S: Final = 30.0  # between two looks for replies that dead workers left
NAP_WITHOUT_TIME_S: Final = 1.0
# A page of deals makes 2,300 lists and no cycle: looking for cycles every 700 takes a fifth of the time to read it.
COLLECT_EVERY: Final = 50_000


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code of one worker's life."""
    options = _options(argv)
    lifeline.die_with_parent()
    crash_stacks.enable()
    gc.set_threshold(COLLECT_EVERY)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is the parent's to hear
    log = Logger(sys.stderr).bind(role=options.role, slot=options.slot, pid=os.getpid())
    with Stop() as stop:
        stop.on([signal.SIGTERM])
        try:
            told = settings.decode(lifeline.first_line(options.lifeline_fd))
        except errors.ConfigError as error:
            log.alarm("settings_unreadable", error=error)
            return errors.EXIT_CONFIG
        log = _logger(log, told)
        lifeline.watch(options.lifeline_fd, stop)
        try:
            return _live(options, told, stop, log)
        except Exception as error:  # noqa: BLE001 - the one place where an error nobody expected ends
            log.failure("worker_failed", error)
            return errors.EXIT_BUG


def _live(options: argparse.Namespace, told: WorkerSettings, stop: Stop, log: Logger) -> int:
    """The exit code: errors with a meaning become their code, a stop becomes the code of the role."""
    role: Role = options.role
    try:
        with closing(TokenLedger.attach(told.ledger_path)) as ledger:
            finished = _work(options, told, ledger, stop, log)
    except (errors.Error, LedgerError) as error:
        if stop.is_set() and isinstance(error, errors.Contended | errors.Transient):
            return _stopped(role, log)
        log.alarm("worker_gives_up", error=error)
        return error.exit_code
    return errors.EXIT_OK if finished else _stopped(role, log)


def _work(options: argparse.Namespace, told: WorkerSettings, ledger: TokenLedger, stop: Stop, log: Logger) -> bool:
    """Whether what was asked for with `--once` was done; False after a stop.

    Raises:
        Error: the job cannot go on.
        LedgerError: neither can the ledger.
    """
    clock = SystemClock()
    beat = HeartbeatWriter(PipeSink(options.status_fd), clock)
    worker = f"{options.role}-{options.slot}"
    with closing(build.build(options.role, told, ledger, clock, stop, log, beat, worker=worker)) as work:
        steps = work if options.once else PatientJob(work, clock, beat, log)
        steps.start()
        beat.ready()
        log.debug("ready")
        finished = _run(steps, stop, beat, clock, once=options.once)
        beat.phase("stopping")
    return finished


def _run(work: Job | PatientJob, stop: Stop, beat: HeartbeatWriter, clock: SystemClock, *, once: bool) -> bool:
    """Steps until the stop, or until one poll or batch is done if `once`; whether it was the latter."""
    while not stop.is_set():
        outcome = work.step()
        if once and _is_enough(outcome):
            return True
        match outcome:
            case job.StepDone():
                beat.done()
            case job.Idle(until_ns=until_ns, phase=phase, why=why):
                beat.phase(phase, why, until_ns=until_ns)
                nap_s = NAP_WITHOUT_TIME_S if until_ns is None else (until_ns - clock.now_ns()) / NS_PER_S
                stop.wait(min(nap_s, LONGEST_NAP_S))
            case _:
                assert_never(outcome)
    return False


def _is_enough(outcome: StepDone | Idle) -> bool:
    match outcome:
        case job.StepDone(completes=completes):
            return completes
        case job.Idle(phase=phase):
            return phase in {"waiting_poll", "waiting_work"}
        case _:
            assert_never(outcome)


def _stopped(role: Role, log: Logger) -> int:
    """A backfill that was stopped is not finished, and must not look so."""
    log.info("stopped")
    return errors.EXIT_OK if role == "upsert" else errors.EXIT_TRY_LATER


def _logger(log: Logger, told: WorkerSettings) -> Logger:
    log = log.at(told.log_level)
    log.hide(told.api_key.reveal())
    log.hide(password_of(told.database_url.reveal()))
    logging.basicConfig(level=logging.WARNING, handlers=[LogBridge(log)], force=True)
    return log


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tasks.worker", description="One worker; the supervisor starts it.")
    parser.add_argument("role", choices=get_args(settings.Role))
    parser.add_argument("--slot", type=int, required=True, metavar="N", help="number of this worker among its role")
    parser.add_argument("--status-fd", type=int, required=True, metavar="FD", help="where beats go")
    parser.add_argument("--lifeline-fd", type=int, required=True, metavar="FD", help="where settings come from")
    parser.add_argument("--once", action="store_true", help="do one poll or one batch, then exit 0")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
