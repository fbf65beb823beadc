"""Notifies a service manager of the state of the run: sd_notify(3), in the few words a supervisor needs.

`READY` once the first worker is in service, `STATUS` when it changes, `WATCHDOG` from the loop itself, so that a loop
that hangs falls silent, and `STOPPING`. Without a manager that asked for it nothing is done, not even a wake-up.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from supervisor.eventloop.loop import Throttle
from supervisor.process.conditions import describe_condition
from supervisor.process.states import State
from tasks.errors import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from supervisor.eventloop.loop import Loop
    from supervisor.process.conditions import ConditionRecord
    from supervisor.process.slot import Slot
    from supervisor.tree.supervisor import Supervisor

_STATUS_EVERY_S: Final = 1.0
_STARTING_EVERY_S: Final = 10.0  # how often a start that takes long asks for more time
_PATIENCE: Final = 3  # and for how many such times: one that is lost must not end the start
_US: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifySocket:
    """Where the manager listens, and within how many seconds it must hear a sign of life, if at all."""

    address: str
    watchdog_s: float | None = None

    @classmethod
    def of(cls, environ: Mapping[str, str], pid: int) -> NotifySocket | None:
        """The one that `environ` of process `pid` names; None when there is none, or none that we can reach."""
        address = environ.get("NOTIFY_SOCKET", "")
        if not address.startswith(("/", "@")):
            return None
        watchdog_us = environ.get("WATCHDOG_USEC", "")
        is_for_us = environ.get("WATCHDOG_PID", str(pid)) == str(pid)
        every_s = int(watchdog_us) / _US if watchdog_us.isdecimal() and is_for_us else 0
        return cls(address=address, watchdog_s=every_s or None)

    def send(self, **fields: object) -> bool:
        """Whether the manager was notified; one that is gone or does not read is not waited for."""
        message = "\n".join(f"{name.upper()}={value}" for name, value in fields.items())
        # In the abstract name space the first byte is zero, written as @.
        name = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK) as sender:
            try:
                sender.sendto(message.encode(), name)
            except OSError:
                return False
        return True


class SystemdNotifier:
    """Notifies the manager of one run."""

    def __init__(self, manager: NotifySocket | None, loop: Loop) -> None:
        self._manager = manager
        self._loop = loop
        self._is_ready = False
        self._is_stopping = False
        self._words = self._last_line = ""
        self._status = Throttle(loop, self._send_status, every_s=_STATUS_EVERY_S)
        if manager is not None:
            self._send_life()

    def update(self, state: str, workers: Sequence[Slot], conditions: Sequence[ConditionRecord]) -> None:
        """Send what is new; to be called whenever something may be."""
        if self._manager is None:
            return
        self._words = status_line(state, workers, conditions)
        if state == "stopping" and not self._is_stopping:
            self._is_stopping = self._send("stopping")
        elif not self._is_ready and any(slot.state is State.RUNNING for slot in workers):
            self._is_ready = self._send("ready")
        elif self._words != self._last_line:
            self._status.ask()

    def _send_life(self) -> None:
        """Send a sign of life, now and from the loop ever after; until the run is ready, ask for time as well."""
        if self._manager is None:
            return
        watchdog_s = self._manager.watchdog_s
        # The manager counts from our last sign: at half its time even a loop that is late once is in time.
        every_s = _STARTING_EVERY_S if watchdog_s is None else watchdog_s / 2
        if not self._is_ready:
            self._manager.send(extend_timeout_usec=round(every_s * _PATIENCE * _US))
        if watchdog_s is not None:
            self._manager.send(watchdog=1)
        if watchdog_s is not None or not self._is_ready:
            self._loop.after(every_s, self._send_life)

    def _send(self, what: str) -> bool:
        self._last_line = self._words
        return self._manager is not None and self._manager.send(**{what: 1}, status=self._words)

    def _send_status(self) -> None:
        if self._manager is not None and self._words != self._last_line:
            self._last_line = self._words
            self._manager.send(status=self._words)


def status_line(state: str, workers: Sequence[Slot], conditions: Sequence[ConditionRecord] = ()) -> str:
    """The run in one line: `running, 2 of 3 workers in service; backfill-1 failed`, and what keeps it from its work."""
    serving = sum(slot.state is State.RUNNING for slot in workers)
    head = state if not workers else f"{state}, {serving} of {len(workers)} workers in service"
    others = [f"{slot.spec.name} {slot.state.value}" for slot in workers if slot.state is not State.RUNNING]
    reasons = [one_line(describe_condition(one)) for one in conditions]
    return "; ".join([head, *others, *reasons])


def begin(run: Supervisor, loop: Loop, environ: Mapping[str, str]) -> None:
    """Notify the manager that `environ` names, if any, of `run` from now on."""
    notifier = SystemdNotifier(NotifySocket.of(environ, os.getpid()), loop)
    run.listeners.append(lambda: notifier.update(run.stage.words, run.tree.workers, run.condition_watch.records()))
