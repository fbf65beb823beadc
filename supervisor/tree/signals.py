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
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

HANDLED: Final = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGTTIN,
    signal.SIGTTOU,
    signal.SIGUSR1,
    *([signal.SIGCHLD] if os.getpid() == 1 else []),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalDispatcher:
    """Calls what a signal asks for. The command `run` makes it of the parts of a run.

    Attributes:
        terminals: those of our descriptors that led to a terminal when we began.
    """

    stop: Callable[[signal.Signals], object]
    reload: Callable[[signal.Signals], object]
    add_workers: Callable[[int, signal.Signals], object]
    log_progress: Callable[[], object]
    reap_orphans: Callable[[], object]
    terminals: Sequence[int] = field(default_factory=lambda: [fd for fd in range(3) if os.isatty(fd)])

    def dispatch(self, number: signal.Signals) -> None:
        """Do what the signal asks for."""
        match number:
            case signal.SIGHUP if not self._has_hung_up():
                self.reload(number)
            case signal.SIGTTIN | signal.SIGTTOU:
                self.add_workers(1 if number is signal.SIGTTIN else -1, number)
            case signal.SIGUSR1:
                self.log_progress()
            case signal.SIGCHLD:
                self.reap_orphans()
            case _:
                self.stop(number)

    def _has_hung_up(self) -> bool:
        """Whether a terminal we started in is gone: one that hangs up sends the signal that a person may send too."""
        return not all(os.isatty(fd) for fd in self.terminals)
