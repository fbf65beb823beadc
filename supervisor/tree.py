"""The children and the rules between them: who starts after whom, when all is lost, in which order all stop.

The first upsert worker is ready before any backfill worker starts. Workers stop together under one deadline; what
they need stops after them.
"""

from __future__ import annotations

import random
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from supervisor.fsm import RESTING, Event, State
from supervisor.records import death_record, story
from supervisor.restart import Cause
from supervisor.slot import Slot
from supervisor.spec import UPSERT
from supervisor.totals import Totals
from supervisor.words import describe
from tasks.errors import EXIT_GAVE_UP, EXIT_REFUSED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from supervisor.child import Launch
    from supervisor.logs import Log
    from supervisor.loop import Loop
    from supervisor.pipes import Announcement
    from supervisor.report import DeathRecord
    from supervisor.slot import Death
    from supervisor.spec import Spec

DEATHS_KEPT: Final = 100
_SPACING_S: Final = 0.15  # between two starts: interpreters that start together slow each other down
_S: Final = 1_000_000_000
_NEWS: Final = {"signalled": "warning", "not_started": "error"}


class Overseer(Protocol):
    """Who decides about the run as a whole. Nothing here may block."""

    def child_ready(self, slot: Slot, announcement: Announcement) -> None:
        """A child is in service."""

    def child_died(self, slot: Slot) -> None:
        """A child's process ended, asked or unasked."""

    def changed(self) -> None:
        """Something that `status` shows is new."""

    def at_rest(self) -> None:
        """Every worker is at rest for good."""

    def all_is_lost(self, code: int, reason: str) -> None:
        """Going on makes no sense; `code` is the exit code that says why."""


class Tree:
    """All children of one run."""

    def __init__(self, loop: Loop, log: Log, overseer: Overseer) -> None:
        self.workers: list[Slot] = []
        self.services: list[Slot] = []
        self.deaths: deque[DeathRecord] = deque(maxlen=DEATHS_KEPT)
        self._loop = loop
        self._log = log
        self._overseer = overseer
        self._dice = random.SystemRandom()
        self.totals = Totals(lambda: self.workers)
        self._last_errors: dict[str, str] = {}
        self._is_stopping = False

    def add_worker(self, spec: Spec, launch: Launch) -> Slot:
        """A place for a worker; `start_workers` fills it."""
        self.workers.append(self._slot(spec, launch))
        return self.workers[-1]

    def add_service(self, spec: Spec, launch: Launch) -> Slot:
        """A place for a child that workers need; the caller starts and stops it."""
        self.services.append(self._slot(spec, launch))
        return self.services[-1]

    def start_workers(self) -> None:
        """Start upsert workers, and the others once one of them is ready."""
        first = [slot for slot in self.workers if slot.spec.role == UPSERT]
        self._start(first or self.workers)

    def stop_workers(self) -> None:
        """Ask every worker to end its work; `at_rest` follows."""
        self._end(Event.STOP)

    def kill_workers(self) -> None:
        """End every worker now; `at_rest` follows."""
        self._end(Event.KILL)

    def rows_written(self) -> dict[str, int]:
        """Rows the workers committed since the start, by table, those of dead workers included."""
        return self.totals.rows()

    def is_ready(self, slot: Slot, announcement: Announcement) -> None:
        """A child is in service: log it, and let others start that waited for it."""
        took_s = (self._loop.now_ns() - (slot.started_ns or 0)) / _S
        self._say("info", slot, "in_service", {"took_s": round(took_s, 2), "url": announcement.url})
        if slot.spec.role == UPSERT and not self._is_stopping:
            self._start([other for other in self.workers if other.spec.role != UPSERT])
        self._overseer.child_ready(slot, announcement)

    def has_died(self, slot: Slot, death: Death) -> None:
        """A process ended: log it, keep it, and see whether anything is left to go on with."""
        planned = death.ending.cause is Cause.STOPPED
        self._say("debug" if planned else "warning", slot, "died", story(slot, death))
        self.totals.bury(slot, death)
        if not planned:
            self.deaths.append(death_record(slot, death))
        self._overseer.child_died(slot)
        if slot.state is State.FAILED:
            self._consider(slot, death)

    def has_changed(self, slot: Slot) -> None:
        """A state or a beat is new."""
        if slot.beat is None and slot.state is State.STARTING and slot.pid is not None:
            self._say("debug", slot, "started", {})
        self._overseer.changed()
        if self._is_stopping and all(worker.state in RESTING for worker in self.workers):
            self._loop.call(self._rest)

    def has_written(self, slot: Slot, line: str) -> None:
        """A line of a child's output."""
        record = self._log.relay(line, role=slot.spec.role, slot=slot.spec.slot, pid=slot.pid)
        if record.get("level") == "error":
            self._last_errors[slot.spec.name] = str(record.get("error") or record.get("message") or record["event"])

    def acts(self, slot: Slot, what: str, fields: Mapping[str, object]) -> None:
        """Something is done to a child."""
        self._say(_NEWS.get(what, "warning"), slot, what, fields)

    def _slot(self, spec: Spec, launch: Launch) -> Slot:
        return Slot(spec, launch, loop=self._loop, owner=self, chance=lambda: self._dice.uniform(-1, 1))

    def _start(self, slots: list[Slot]) -> None:
        waiting = [slot for slot in slots if slot.state is State.WAITING]
        for place, slot in enumerate(waiting):
            delay_s = place * _SPACING_S * (1 + self._dice.uniform(-0.5, 0.5))
            self._loop.after(delay_s, partial(slot.feed, Event.START))

    def _end(self, event: Event) -> None:
        self._is_stopping = True
        for slot in self.workers:
            slot.feed(event)
        if all(slot.state in RESTING for slot in self.workers):
            self._loop.call(self._rest)

    def _rest(self) -> None:
        self._overseer.at_rest()

    def _consider(self, slot: Slot, death: Death) -> None:
        """Tell the overseer when no worker could do better than the one that was given up."""
        reason = self._last_errors.get(slot.spec.name, describe(death.ending))
        self._say("error", slot, "given_up", {"reason": reason, "deaths": death.counted})
        if self._is_stopping:
            return
        if death.ending.code == EXIT_REFUSED:
            self._overseer.all_is_lost(EXIT_REFUSED, reason)
            return
        vital = [other for other in self.workers if other.spec.role == UPSERT] or self.workers
        if slot in self.services or all(other.state is State.FAILED for other in vital):
            self._overseer.all_is_lost(EXIT_GAVE_UP, f"{slot.spec.name} cannot be kept running: {reason}")

    def _say(self, level: str, slot: Slot, event: str, fields: Mapping[str, object]) -> None:
        self._log.write(level, event, {"role": slot.spec.role, "slot": slot.spec.slot, "pid": slot.pid, **fields})
