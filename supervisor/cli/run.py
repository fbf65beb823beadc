"""`sluicegate run`: puts the parts of a run together, and runs them from the settings to an exit code."""

from __future__ import annotations

import sys
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from supervisor.config import run_plan
from supervisor.config.environment import environment, join_other_hosts
from supervisor.config.setting_texts import read_texts
from supervisor.config.settings import check_texts
from supervisor.config.state_dir import lost_state_dir
from supervisor.config.state_dir.instance_lock import AlreadyRunning
from supervisor.console.monitor import Monitor
from supervisor.console.writer import ConsoleWriter, StreamScreen
from supervisor.control import protocol
from supervisor.control.handlers import OrderHandlers
from supervisor.control.server import ControlServer
from supervisor.database.backend import secrets_in
from supervisor.eventloop.loop import Loop, MonotonicClock
from supervisor.eventloop.signals import Signals
from supervisor.http.endpoint import Endpoint
from supervisor.logs.log import Log, renderer
from supervisor.process.reaper import OrphanReaper
from supervisor.tree import systemd
from supervisor.tree.notify_service import NotifyService
from supervisor.tree.signals import HANDLED, SignalDispatcher
from supervisor.tree.stop_signals import StopSignals
from supervisor.tree.supervisor import Supervisor
from supervisor.tree.web_service import WebService
from tasks.redaction import Redactor
from tasks.runtime import crash_stacks
from tasks.runtime.log import LibraryHandler, capture_library_logs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from supervisor.config.run_plan import RunPlan
    from supervisor.config.setting_texts import Texts
    from supervisor.config.settings import Settings
    from supervisor.console.writer import Screen


def run(*, synthetic_into_database: bool = False, joins: bool = False) -> int:
    """Run until the work is over or a signal comes; the exit code. With `joins`, the ledger is the one of all hosts.

    Raises:
        ConfigError: the settings or the state directory cannot be used.
        AlreadyRunning: another supervisor uses the state directory.
    """
    if joins:
        join_other_hosts()
    texts = read_texts(environment())
    settings = check_texts(texts, synthetic_into_database=synthetic_into_database)
    plan = run_plan.make_run_plan(settings, synthetic_into_database=synthetic_into_database)
    lost = lost_state_dir.find(plan.state.root, plan.settings.metrics_port, plan.settings.metrics_host)
    if lost is not None and plan.state.lock.holder() is None:
        raise AlreadyRunning(f"already running: {lost_state_dir.remedy(plan.state.root, lost)}")
    plan.state.make()
    with plan.state.lock.held(), Loop(MonotonicClock()) as loop:
        return _run(plan, texts, loop)


def _run(plan: RunPlan, texts: Texts, loop: Loop) -> int:
    crash_stacks.enable()  # a service manager that hears nothing sends SIGABRT; the stacks show the cause
    is_watched = sys.stdout.isatty()
    writer = ConsoleWriter(_live_screen if is_watched else _plain_screen)
    render = renderer(plan.settings.log_format, is_terminal=sys.stderr.isatty())
    log = Log(writer.put, render=render, redactor=redactor(plan.settings), level=plan.settings.log_level)
    log.count_repeats(loop)
    loop.on_stall = lambda culprit, took_s: log.warning("loop_stalled", culprit=culprit, took_s=round(took_s, 1))
    capture_library_logs(LibraryHandler(log, loop.call))
    supervisor = Supervisor(plan, loop, log, texts)
    systemd.begin(supervisor, loop, environment())
    monitor = Monitor(supervisor, loop, log, writer.show if is_watched else None)
    handlers = OrderHandlers(supervisor, loop, log)
    dispatcher = SignalDispatcher(
        stop=StopSignals(loop, log, stop=supervisor.stop, kill=supervisor.kill).receive,
        reload=lambda number: handlers.take(protocol.Reload(), None, number.name),
        add_workers=lambda more, number: handlers.add_workers(more, by=number.name),
        log_progress=monitor.log_progress,
        reap_orphans=OrphanReaper(loop, supervisor.tree.pids).look,
    )
    endpoint = Endpoint(supervisor, loop, log)
    page = _services(supervisor, loop, log, lambda line: writer.put(line) if is_watched else None)
    # The handlers stay until the last line is out: a signal in between must not spoil the terminal.
    with Signals(loop, dispatcher.dispatch, HANDLED), _control(plan, loop, log, handlers), closing(page):
        try:
            endpoint.begin()
            supervisor.begin()
            page.begin()
            for note in plan.settings.notes:
                log.warning("setting", message=note)
            monitor.begin()
            loop.run()
        finally:  # also after an error nobody expected: its traceback comes last, and the terminal is whole
            endpoint.close()
            monitor.close()
            supervisor.close()
            log.flush()
            writer.close()
    return supervisor.exit_code


def _services(supervisor: Supervisor, loop: Loop, log: Log, tell: Callable[[str], object]) -> WebService:
    """The page; and the process that sends messages, which needs nothing more."""
    NotifyService(supervisor).begin()
    return WebService(supervisor, loop, log, tell)


@contextmanager
def _control(plan: RunPlan, loop: Loop, log: Log, handlers: OrderHandlers) -> Iterator[None]:
    """Take orders over the control socket; where it cannot be opened the run goes on without."""
    try:
        control = ControlServer(plan.state.control, loop, log, handlers.take)
    except OSError as error:
        log.warning("no_control_socket", message=f"{plan.state.control}: {error.strerror}; signals still work")
        yield
        return
    try:
        yield
    finally:
        control.close()


def redactor(settings: Settings) -> Redactor:
    """Make a redactor that knows every secret of the settings."""
    keys = [key.api_key.reveal() for key in settings.loaded_keys]
    return Redactor((settings.keepa_api_key.reveal(), *keys, *secrets_in(settings.database_url)))


def _plain_screen() -> Screen:
    return StreamScreen(sys.stderr)


def _live_screen() -> Screen:
    from rich.console import Console

    from supervisor.console.live_view import LiveScreen

    console = Console(highlight=False)
    if console.is_dumb_terminal or not console.is_terminal:
        return StreamScreen(sys.stderr)
    return LiveScreen(console, lines_to=None if sys.stderr.isatty() else sys.stderr)
