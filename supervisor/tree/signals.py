"""What the supervisor does on each signal.

- SIGINT, SIGTERM: it stops; a second one does not wait.
- SIGHUP: it reads the configuration again; when its terminal has hung up, it stops.
- SIGTTIN, SIGTTOU: it runs one backfill worker more, or one fewer.
- SIGUSR1: it logs its progress.
- SIGCHLD: it reaps orphans. Only process 1, which is given them, handles this one.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

HANDLED: Final = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGTTIN,
    signal.SIGTTOU,
    signal.SIGUSR1,
    *([signal.SIGCHLD] if os.getpid() == 1 else []),
)


class SignalDispatcher:
    """Calls what a signal asks for. The command `run` makes it of the parts of a run."""

    def __init__(
        self,
        *,
        stop: Callable[[signal.Signals], object],
        reload: Callable[[signal.Signals], object],
        add_workers: Callable[[int, signal.Signals], object],
        log_progress: Callable[[], object],
        reap_orphans: Callable[[], object],
    ) -> None:
        self._stop = stop
        self._reload = reload
        self._add_workers = add_workers
        self._log_progress = log_progress
        self._reap_orphans = reap_orphans
        self._terminals = [fd for fd in range(3) if os.isatty(fd)]

    def dispatch(self, number: signal.Signals) -> None:
        """Do what the signal asks for."""
        match number:
            case signal.SIGHUP if not self._has_hung_up():
                self._reload(number)
            case signal.SIGTTIN | signal.SIGTTOU:
                self._add_workers(1 if number is signal.SIGTTIN else -1, number)
            case signal.SIGUSR1:
                self._log_progress()
            case signal.SIGCHLD:
                self._reap_orphans()
            case _:
                self._stop(number)

    def _has_hung_up(self) -> bool:
        """Whether a terminal we started in is gone: one that hangs up sends the signal that a person may send too."""
        return not all(os.isatty(fd) for fd in self._terminals)
