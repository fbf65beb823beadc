"""What each signal means: stop, read the configuration again, one worker more or fewer, a line of status."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from supervisor.control import protocol

if TYPE_CHECKING:
    from supervisor.console.monitor import Monitor
    from supervisor.control.handlers import Foreman
    from supervisor.process.reaper import Strangers
    from supervisor.tree.supervisor import Run


class Hearing:
    """Signals, as the loop hands them over."""

    def __init__(self, run: Run, foreman: Foreman, monitor: Monitor, strangers: Strangers) -> None:
        self._run = run
        self._foreman = foreman
        self._monitor = monitor
        self._strangers = strangers
        self._terminals = [fd for fd in range(3) if os.isatty(fd)]

    def hear(self, number: signal.Signals) -> None:
        """Do what the signal asks for."""
        match number:
            case signal.SIGHUP if not self._has_hung_up():
                self._foreman.take(protocol.Reload(), None, number.name)
            case signal.SIGTTIN | signal.SIGTTOU:
                self._foreman.add_workers(1 if number is signal.SIGTTIN else -1, by=number.name)
            case signal.SIGCHLD:
                self._strangers.look()
            case signal.SIGUSR1:
                self._monitor.tell()
            case _:
                self._run.hear(number)

    def _has_hung_up(self) -> bool:
        """Whether the terminal we were started in is gone: one that hangs up sends the same signal as a person does."""
        return not all(os.isatty(fd) for fd in self._terminals)
