"""`python -m tasks.worker ROLE`: one job in one process, ruled by its parent through two pipes.

The settings come as the first line of the lifeline; its end means that the parent is dead. Beats go out on the status
pipe, log lines on stderr. An error that ends a worker has its exit code (`tasks.errors`).
"""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Final, TypeAlias, get_args

from ledger import LedgerError, SystemClock, TokenLedger
from tasks import errors, roles, settings
from tasks.ingest.ledger_patience import LedgerPatience
from tasks.jobs import build, run_loop
from tasks.redaction import Redactor
from tasks.runtime import crash_stacks, lifeline
from tasks.runtime.heartbeat_writer import HeartbeatWriter, PipeSink
from tasks.runtime.job import JobContext
from tasks.runtime.key_heartbeat import KeyBoard
from tasks.runtime.log import LibraryHandler, capture_library_logs, stream_logger
from tasks.runtime.stop import Stop
from tasks.store.connection import password_of
from tasks.store.ledger_row.row import RowHome
from tasks.store.ledger_row.shared_line import SharedLine

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tasks.roles import Role
    from tasks.runtime.log import Logger
    from tasks.settings import WorkerSettings

# A page of deals makes 2,300 lists and no cycle: looking for cycles every 700 takes a fifth of the time to read it.
COLLECT_EVERY: Final = 50_000


Live: TypeAlias = "Callable[[argparse.Namespace, WorkerSettings, Stop, Logger], int]"


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code of one worker's life."""
    options = _options(argv)
    return run(options, options.role, _live)


def run(options: argparse.Namespace, role: str, live: Live) -> int:
    """The exit code of `live`, which gets the settings that come over the lifeline; errors are logged as of `role`."""
    lifeline.die_with_parent()
    crash_stacks.enable()
    gc.set_threshold(COLLECT_EVERY)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is the parent's to hear
    names = {"role": role, "slot": options.slot, "pid": os.getpid()}
    log = stream_logger(sys.stderr).bind(**names)
    with Stop() as stop:
        stop.on([signal.SIGTERM])
        try:
            given = settings.CODEC.decode(lifeline.first_line(options.lifeline_fd))
        except errors.ConfigError as error:
            log.error("settings_unreadable", error=error)
            return errors.EXIT_CONFIG
        log = _logger(given).bind(**names)
        capture_library_logs(LibraryHandler(log))
        lifeline.watch(options.lifeline_fd, stop)
        try:
            return live(options, given, stop, log)
        except Exception as error:  # noqa: BLE001 - the one place where an error nobody expected ends
            log.failure("worker_failed", error)
            return errors.EXIT_BUG


def _live(options: argparse.Namespace, given: WorkerSettings, stop: Stop, log: Logger) -> int:
    """Work until the stop or an error; the exit code of the error, or that of a stop."""
    role: Role = options.role
    try:
        with ExitStack() as stack:
            each = settings.of_each_key(given)
            line = line_of(f"{options.role}-{options.slot}", given)
            homes = [row_of(line, one) for one in each]
            ledgers = [
                stack.enter_context(closing(TokenLedger.attach(one.ledger_path) if home is None else TokenLedger(home)))
                for one, home in zip(each, homes, strict=True)
            ]
            is_finished = _work(options, given, ledgers, homes, stop, log)
    except (errors.Error, LedgerError) as error:
        if stop.is_set() and isinstance(error, errors.DatabaseTransient | errors.Transient):
            return _stopped(role, log)
        log.error("worker_ended", error=error)
        return error.exit_code
    return errors.EXIT_OK if is_finished else _stopped(role, log)


def line_of(worker: str, given: WorkerSettings) -> SharedLine | None:
    """The line to the ledgers of all keys of this worker; None when they are in files."""
    return SharedLine(given.database_url.reveal(), f"sluicegate {worker} ledger") if given.ledger_host else None


def row_of(line: SharedLine | None, given: WorkerSettings) -> RowHome | None:
    """The row at that line that the ledger of a key is in; None without a line."""
    return None if line is None else RowHome(line, given.ledger_account, given.ledger_host)


def _work(
    options: argparse.Namespace,
    given: WorkerSettings,
    ledgers: Sequence[TokenLedger],
    homes: Sequence[RowHome | None],
    stop: Stop,
    log: Logger,
) -> bool:
    """Whether what was asked for with `--once` was done; False after a stop.

    Raises:
        Error: the job cannot go on.
        LedgerError: neither can a ledger.
    """
    clock = SystemClock()
    beat = HeartbeatWriter(PipeSink(options.status_fd), clock)
    context = JobContext(
        role=options.role,
        settings=given,
        ledger=ledgers[0],
        clock=clock,
        stop=stop,
        log=log,
        beat=beat,
        blocking=True,
        worker=f"{options.role}-{options.slot}",
    )
    for home in filter(None, homes):
        home.patience = LedgerPatience(context)
    if given.keys:
        return _work_for_keys(context, ledgers, beat, once=options.once)
    with closing(build.build(context)) as job:
        steps = job if options.once else run_loop.PatientJob(job)
        steps.start()
        beat.ready()
        log.debug("ready")
        is_finished = run_loop.run([steps], stop, clock, once=options.once)
        beat.phase("stopping")
    return is_finished


def _work_for_keys(context: JobContext, ledgers: Sequence[TokenLedger], beat: HeartbeatWriter, *, once: bool) -> bool:
    """The same, for several keys."""
    from tasks.jobs import key_loop
    from tasks.jobs.process_parts import ProcessParts

    with ExitStack() as stack:
        parts = stack.enter_context(closing(ProcessParts(context)))
        jobs = [stack.enter_context(closing(job)) for job in build.build_keys(context, KeyBoard(beat), ledgers, parts)]
        for job in jobs:
            job.start()
        beat.ready()
        context.log.debug("ready")
        is_finished = key_loop.run(jobs, beat, context.stop, context.clock, once=once)
        beat.phase("stopping")
    return is_finished


def _stopped(role: Role, log: Logger) -> int:
    """A backfill that was stopped is not finished, and must not look so."""
    log.info("stopped")
    return errors.EXIT_OK if role == roles.UPSERT else errors.EXIT_TRY_LATER


def _logger(given: WorkerSettings) -> Logger:
    keys = [one.api_key.reveal() for one in settings.of_each_key(given)]
    redactor = Redactor([*keys, password_of(given.database_url.reveal())])
    return stream_logger(sys.stderr, level=given.log_level, redactor=redactor)


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tasks.worker", description="One worker; the supervisor starts it.")
    parser.add_argument("role", choices=get_args(roles.Role))
    add_pipes(parser)
    parser.add_argument("--once", action="store_true", help="do one poll or one batch, then exit 0")
    return parser.parse_args(argv)


def add_pipes(parser: argparse.ArgumentParser) -> None:
    """Add what its parent tells every worker: its number, and the descriptors of its pipes."""
    parser.add_argument("--slot", type=int, required=True, metavar="N", help="number of this worker among its role")
    parser.add_argument("--status-fd", type=int, required=True, metavar="FD", help="where beats go")
    parser.add_argument("--lifeline-fd", type=int, required=True, metavar="FD", help="where settings come from")


if __name__ == "__main__":
    sys.exit(main())
