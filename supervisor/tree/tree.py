"""The children and the rules between them: who starts after whom, when the run has failed, in which order all stop.

The first upsert worker is ready before any backfill worker starts, unless there is none to wait for. Workers stop
together under one deadline; what they need stops after them. Beside the workers there are those that will take the
place of one (`add_replacement`) and those that are leaving (`remove`).
"""

from __future__ import annotations

import random
from collections import deque
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from ledger import NS_PER_S
from supervisor.logs.phrases import describe_exit, signal_name
from supervisor.process.restart_policy import Cause
from supervisor.process.slot import Slot
from supervisor.process.states import RESTING, Event, State
from supervisor.report import DeathRecord
from supervisor.tree.totals import Totals
from tasks.errors import EXIT_FAILED, EXIT_KEY_REFUSED
from tasks.roles import UPSERT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from supervisor.eventloop.loop import Loop
    from supervisor.logs.log import Log
    from supervisor.process.child import Launch
    from supervisor.process.child_pipes import Announcement
    from supervisor.process.conditions import ConditionFrom
    from supervisor.process.restart_policy import Death
    from supervisor.process.spec import Spec

DEATHS_KEPT: Final = 100
_SPACING_S: Final = 0.15  # between two starts: interpreters that start together slow each other down
_LEVELS: Final = {"signalled": "warning", "not_started": "error"}


class TreeListener(Protocol):
    """Who decides about the run as a whole. Nothing here may block."""

    def child_ready(self, slot: Slot, announcement: Announcement) -> None:
        """A child is in service."""

    def child_died(self, slot: Slot) -> None:
        """A child's process ended, asked or unasked."""

    def child_beat(self, slot: Slot) -> None:
        """A child said what it is doing."""

    def changed(self) -> None:
        """Something that `status` shows is new."""

    def workers_at_rest(self) -> None:
        """Every worker is at rest for good."""

    def run_failed(self, code: int, reason: str) -> None:
        """Going on makes no sense; `code` is the exit code that says why."""


class ProcessTree:
    """All children of one run."""

    def __init__(self, loop: Loop, log: Log, listener: TreeListener) -> None:
        self.workers: list[Slot] = []
        self.services: list[Slot] = []
        self.is_stopping = False
        self.on_removed: Callable[[], object] = lambda: None
        """Called when one that was removed is gone."""
        self.deaths: deque[DeathRecord] = deque(maxlen=DEATHS_KEPT)
        self._loop = loop
        self._log = log
        self._listener = listener
        self._random = random.SystemRandom()
        self.totals = Totals(self._all)
        self._last_errors: dict[str, str] = {}
        self._replacements: list[Slot] = []
        self._leaving: list[Slot] = []
        self._scheduled: set[Slot] = set()

    def add_worker(self, spec: Spec, launch: Launch) -> Slot:
        """Add a place for a worker; `start_workers` fills it."""
        slot = self._slot(spec, launch)
        self.workers.append(slot)
        self.workers.sort(key=_rank)
        return slot

    def add_replacement(self, spec: Spec, launch: Launch) -> Slot:
        """Start a worker that will take the place of one of the same name when it is ready: see `replace`."""
        slot = self._slot(spec, launch)
        self._replacements.append(slot)
        slot.feed(Event.START)
        return slot

    def replace(self, old: Slot, replacement: Slot) -> None:
        """Let `replacement` take the place of `old`, which ends its work and leaves."""
        self._replacements.remove(replacement)
        self.workers[self.workers.index(old)] = replacement
        replacement.history = old.history
        self._leave(old)

    def remove(self, slot: Slot) -> None:
        """Let a worker or a replacement end its work and leave for good."""
        (self.workers if slot in self.workers else self._replacements).remove(slot)
        self._leave(slot)

    def add_service(self, spec: Spec, launch: Launch) -> Slot:
        """Add a place for a child that workers need; the caller starts and stops it."""
        self.services.append(self._slot(spec, launch))
        return self.services[-1]

    def start_workers(self) -> None:
        """Start upsert workers that wait for their turn, and the others once one of them is ready or none is coming."""
        first = [slot for slot in self.workers if slot.spec.role == UPSERT]
        is_served = any(slot.state is State.RUNNING for slot in first)
        is_coming = any(slot.state not in RESTING for slot in first)
        self._start(first if is_coming and not is_served else self.workers)

    def stop_workers(self) -> None:
        """Ask every worker to end its work; `workers_at_rest` follows."""
        self._end(Event.STOP)

    def kill_workers(self) -> None:
        """End every worker now; `workers_at_rest` follows."""
        self._end(Event.KILL)

    @property
    def has_leavers(self) -> bool:
        """Whether a worker that was removed still ends its work."""
        return bool(self._leaving)

    def pids(self) -> set[int]:
        """Every process of ours that is there."""
        return {slot.pid for slot in (*self._all(), *self.services) if slot.pid is not None}

    def conditions(self) -> list[ConditionFrom]:
        """What keeps any of the children from its work."""
        now_ns = self._loop.now_ns()
        return [one for slot in (*self._all(), *self.services) for one in slot.conditions(now_ns)]

    def on_ready(self, slot: Slot, announcement: Announcement) -> None:
        """A child is in service: log it, and let others start that waited for it."""
        took_s = (self._loop.now_ns() - (slot.started_ns or 0)) / NS_PER_S
        self._log_event("info", slot, "in_service", {"took_s": round(took_s, 2), "url": announcement.url})
        if not self.is_stopping:
            self.start_workers()
        self._listener.child_ready(slot, announcement)

    def on_death(self, slot: Slot, death: Death) -> None:
        """A process ended: log it, keep it, and see whether anything is left to go on with."""
        cause = death.exit_reason.cause
        is_over = not slot.spec.is_vital and slot.state is State.DONE  # nobody needed it any more
        is_quiet = cause is Cause.STOPPED or is_over
        level = "debug" if is_quiet else "info" if cause.is_planned else "warning"
        self._log_event(level, slot, "died", death_fields(slot, death))
        self.totals.record_exit(slot, death)
        if not cause.is_planned and not is_over:
            self.deaths.append(death_record(slot, death))
        self._listener.child_died(slot)
        if slot.state is State.FAILED and slot.spec.is_vital:
            self._end_run_if_hopeless(slot, death)

    def on_change(self, slot: Slot) -> None:
        """A state is new."""
        if slot.beat is None and slot.state is State.STARTING and slot.pid is not None:
            self._log_event("debug", slot, "started", {})
        self._listener.changed()
        if slot in self._leaving and slot.state in RESTING:
            self._loop.call(partial(self._drop, slot))
        if self.is_stopping and all(worker.state in RESTING for worker in self._all()):
            self._loop.call(self._listener.workers_at_rest)

    def on_heartbeat(self, slot: Slot) -> None:
        """A beat is new."""
        self._listener.child_beat(slot)
        self._listener.changed()

    def on_line(self, slot: Slot, line: str) -> None:
        """A line of a child's output."""
        record = self._log.relay(line, role=slot.spec.role, slot=slot.spec.slot, pid=slot.pid)
        if record.get("level") == "error":
            self._last_errors[slot.spec.name] = str(record.get("error") or record.get("message") or record["event"])

    def on_action(self, slot: Slot, what: str, fields: Mapping[str, object]) -> None:
        """Something is done to a child."""
        self._log_event(_LEVELS.get(what, "warning"), slot, what, fields)

    def _slot(self, spec: Spec, launch: Launch) -> Slot:
        return Slot(spec, launch, loop=self._loop, listener=self, draw_spread=lambda: self._random.uniform(-1, 1))

    def _start(self, slots: list[Slot]) -> None:
        waiting = [slot for slot in slots if slot.state is State.WAITING and slot not in self._scheduled]
        for place, slot in enumerate(waiting):
            self._scheduled.add(slot)
            delay_s = place * _SPACING_S * (1 + self._random.uniform(-0.5, 0.5))
            self._loop.after(delay_s, partial(self._start_one, slot))

    def _start_one(self, slot: Slot) -> None:
        self._scheduled.discard(slot)
        slot.feed(Event.START)

    def _end(self, event: Event) -> None:
        self.is_stopping = True
        for slot in self._all():
            slot.feed(event)
        if all(slot.state in RESTING for slot in self._all()):
            self._loop.call(self._listener.workers_at_rest)

    def _all(self) -> list[Slot]:
        return [*self.workers, *self._replacements, *self._leaving]

    def _leave(self, slot: Slot) -> None:
        self._leaving.append(slot)
        slot.feed(Event.STOP)
        if slot.state in RESTING:
            self._loop.call(partial(self._drop, slot))

    def _drop(self, slot: Slot) -> None:
        if slot in self._leaving:
            self._leaving.remove(slot)
            self.on_removed()
            self._listener.changed()

    def _end_run_if_hopeless(self, slot: Slot, death: Death) -> None:
        """End the run when no worker could do better than the one that has failed."""
        reason = self._last_errors.get(slot.spec.name, describe_exit(death.exit_reason))
        self._log_event("error", slot, "failed", {"reason": reason, "deaths": death.counted})
        if self.is_stopping:
            return
        if death.exit_reason.code == EXIT_KEY_REFUSED:
            self._listener.run_failed(EXIT_KEY_REFUSED, reason)
            return
        vital = [other for other in self.workers if other.spec.role == UPSERT] or self.workers
        if slot in self.services or all(other.state is State.FAILED for other in vital):
            self._listener.run_failed(EXIT_FAILED, f"{slot.spec.name} cannot be kept running: {reason}")

    def _log_event(self, level: str, slot: Slot, event: str, fields: Mapping[str, object]) -> None:
        self._log.write(level, event, {"role": slot.spec.role, "slot": slot.spec.slot, "pid": slot.pid, **fields})


def _rank(slot: Slot) -> tuple[bool, int]:
    return slot.spec.role != UPSERT, slot.spec.slot


_KB_PER_MB: Final = 1024


def death_fields(slot: Slot, death: Death) -> dict[str, object]:
    """A death as the fields of a log line."""
    return {
        "pid": death.pid,
        "cause": death.exit_reason.cause.value,
        "message": describe_exit(death.exit_reason),
        "code": death.exit_reason.code,
        "signal": None if death.exit_reason.signal is None else signal_name(death.exit_reason.signal),
        "lived_s": death.lived_s,
        "deaths": f"{death.counted}/{slot.spec.policy.max_restarts}",
        "peak_rss_mb": _megabytes(death.peak_rss_kb),
        "doing": death.doing,
        "next": death.next.value,
        "again_in_s": death.again_in_s,
    }


def death_record(slot: Slot, death: Death) -> DeathRecord:
    """A death as `status` keeps it."""
    return DeathRecord(
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        role=slot.spec.role,
        slot=slot.spec.slot,
        pid=death.pid,
        cause=death.exit_reason.cause.value,
        code=death.exit_reason.code,
        signal=None if death.exit_reason.signal is None else signal_name(death.exit_reason.signal),
        words=describe_exit(death.exit_reason),
        doing=death.doing,
        lived_s=death.lived_s,
        peak_rss_mb=_megabytes(death.peak_rss_kb),
        next=death.next.value,
    )


def _megabytes(kilobytes: int | None) -> float | None:
    return None if kilobytes is None else round(kilobytes / _KB_PER_MB, 1)
