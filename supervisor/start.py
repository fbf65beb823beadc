"""`sluicegate run`: from the settings to an exit code."""

from __future__ import annotations

import faulthandler
import os
import sys
from typing import TYPE_CHECKING

from supervisor import config, library, logs, notify, plan
from supervisor.database import secrets_in
from supervisor.loop import Loop, MonotonicClock
from supervisor.monitor import Monitor
from supervisor.orphans import Orphans
from supervisor.outlet import Outlet, StreamScreen
from supervisor.run import Run
from supervisor.signals import STOPPING, Signals
from tasks.log import Redactor

if TYPE_CHECKING:
    from supervisor.config import Settings
    from supervisor.outlet import Screen
    from supervisor.plan import Plan


def run(*, synthetic_into_database: bool = False) -> int:
    """The exit code of a whole run.

    Raises:
        ConfigError: the settings or the state directory cannot be used.
        AlreadyRunning: another supervisor uses the state directory.
    """
    settings = config.load(config.environment())
    wanted = plan.make(settings, synthetic_into_database=synthetic_into_database)
    wanted.state.make()
    with wanted.state.locked(), Loop(MonotonicClock()) as loop:
        return _run(wanted, loop)


def _run(wanted: Plan, loop: Loop) -> int:
    faulthandler.enable()  # a manager that hears no sign of life sends SIGABRT: its cause is in the stacks
    is_watched = sys.stdout.isatty()
    outlet = Outlet(_live_screen if is_watched else _plain_screen)
    render = logs.renderer(wanted.settings.log_format, is_terminal=sys.stderr.isatty())
    log = logs.Log(outlet.put, render=render, redactor=redactor(wanted.settings), level=wanted.settings.log_level)
    log.count_repeats(loop)
    library.listen(loop, log)
    one = Run(wanted, loop, log)
    notify.begin(one, loop, config.environment())
    Orphans(loop, pid=os.getpid())
    monitor = Monitor(one, loop, log, outlet.show if is_watched else None)
    # The handlers stay until the last line is out: a signal in between must not spoil the terminal.
    with Signals(loop, one.hear, STOPPING):
        try:
            one.begin()
            monitor.begin()
            loop.run()
        finally:  # also after an error nobody expected: its traceback comes last, and the terminal is whole
            monitor.close()
            one.close()
            log.close()
            outlet.close()
    return one.exit_code


def redactor(settings: Settings) -> Redactor:
    """Knows every secret of the settings."""
    known = Redactor()
    for secret in (settings.keepa_api_key.reveal(), *secrets_in(settings.database_url)):
        known.hide(secret)
    return known


def _plain_screen() -> Screen:
    return StreamScreen(sys.stderr)


def _live_screen() -> Screen:
    from rich.console import Console

    from supervisor.view import LiveScreen

    console = Console(highlight=False)
    if console.is_dumb_terminal or not console.is_terminal:
        return StreamScreen(sys.stderr)
    return LiveScreen(console, lines_to=None if sys.stderr.isatty() else sys.stderr)
