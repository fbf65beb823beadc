"""Which workers there should be, and how: counts, pauses, restarts, and the change to other settings.

A worker whose settings changed is replaced one at a time: another process is started in the same way the next one will
be, and only when that is ready does the old one end its work. One that never gets ready replaces nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from supervisor.process.launch import WorkerLaunch
from supervisor.process.restart_policy import Cause, RestartType
from supervisor.process.spec import FETCH, Spec
from supervisor.process.states import RESTING, Event, State
from supervisor.tree.recycling import Recycler
from tasks.roles import ROLES, UPSERT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from supervisor.config.settings import Settings
    from supervisor.logs.log import Log
    from supervisor.process.slot import Slot
    from supervisor.tree.tree import ProcessTree
    from tasks.settings import WorkerSettings

_ON_THE_WAY: Final = frozenset({State.RESTARTING, State.CLEARING, State.STARTING})


class NoSuchWorker(LookupError):
    """No worker has that name; the message lists those there are."""


class WorkerPool:
    """The workers of one run: keeps as many as the settings ask for, with these settings."""

    def __init__(self, tree: ProcessTree, log: Log, paused: Iterable[str]) -> None:
        self.paused = frozenset(paused)
        self.is_draining = False
        self._tree = tree
        tree.on_removed = self.on_change
        self._log = log
        self._recycler = Recycler()
        self._worker_settings: WorkerSettings | None = None
        self._settings: Settings | None = None
        self._replacement: tuple[Slot, Slot] | None = None  # the old one and its replacement

    def begin(self, settings: Settings, worker_settings: WorkerSettings) -> None:
        """Start the workers for the first time."""
        self._settings, self._worker_settings = settings, worker_settings
        for role in ROLES:
            self._resize(role, settings, worker_settings)
            if role in self.paused:
                self._log.info("paused", message=f"{role} is paused until `sluicegate resume {role}`")
        self._tree.start_workers()

    def of_role(self, role: str) -> list[Slot]:
        """The workers of a role, by number."""
        return [slot for slot in self._tree.workers if slot.spec.role == role]

    def told_to_others(self) -> list[dict[str, object]]:
        """The workers as other hosts see them: those that have a process."""
        return [
            {"name": slot.spec.name, "state": slot.state.value, "pid": slot.pid}
            for slot in self._tree.workers
            if slot.pid is not None
        ]

    def by_name(self, name: str) -> Slot:
        """The worker of this name.

        Raises:
            NoSuchWorker: there is none.
        """
        for slot in self._tree.workers:
            if slot.spec.name == name:
                return slot
        known = ", ".join(slot.spec.name for slot in self._tree.workers) or "none"
        raise NoSuchWorker(f"no worker is called {name!r}; there are: {known}")

    def pause(self, roles: Iterable[str]) -> None:
        """Let the workers of these roles end their work and not come back before `resume`."""
        self.paused |= frozenset(roles)
        if self._replacement is not None and self._replacement[0].spec.role in self.paused:
            self._end_replacement()
        for slot in self._tree.workers:
            if slot.spec.role in self.paused:
                slot.feed(Event.STOP)
        self._start()

    def drain(self) -> None:
        """Let all workers end their work and start none before `end_drain`."""
        self.is_draining = True
        if self._replacement is not None:
            self._end_replacement()
        for slot in (*self._tree.workers, *self._look_ups()):
            slot.feed(Event.STOP)

    def end_drain(self) -> None:
        """Start the workers again, but for the paused ones."""
        self.is_draining = False
        self._rejoin([slot for slot in self._tree.workers if slot.spec.role not in self.paused])

    @property
    def is_drained(self) -> bool:
        """Whether no worker is left at work, because they were to end it, and no product is asked for either."""
        is_at_rest = all(slot.state in RESTING for slot in (*self._tree.workers, *self._look_ups()))
        return self.is_draining and is_at_rest and not self._tree.has_leavers

    def _look_ups(self) -> list[Slot]:
        """What makes calls beside the workers."""
        return [slot for slot in self._tree.services if slot.spec.role == FETCH]

    def resume(self, roles: Iterable[str]) -> None:
        """Start the workers of these roles again; the count of deaths of one that had failed is reset."""
        resumed = frozenset(roles) & self.paused
        self.paused -= resumed
        self._rejoin([slot for slot in self._tree.workers if slot.spec.role in resumed])

    def retry(self, slot: Slot) -> None:
        """Start one that has failed, or that pauses, at once; its count of deaths is reset."""
        if not self._tree.is_stopping:
            slot.history = slot.history.reset()
            slot.restart(Cause.RESTARTED)

    def retry_failed(self) -> list[str]:
        """Start those that have failed again, but for the paused ones; their names."""
        failed = [slot for slot in self._tree.workers if slot.state is State.FAILED]
        is_over = self._tree.is_stopping or self.is_draining
        again = [slot for slot in failed if slot.spec.role not in self.paused and not is_over]
        self._rejoin(again)
        return [slot.spec.name for slot in again]

    def restart(self, slot: Slot, cause: Cause = Cause.RESTARTED) -> None:
        """Put a fresh process in the place of this one."""
        if not self._tree.is_stopping:
            slot.restart(cause)

    def apply(self, settings: Settings, worker_settings: WorkerSettings, changed: Iterable[str]) -> None:
        """Apply other settings: counts and limits at once, those of the roles in `changed` by replacing each worker."""
        if self._settings is None or self._worker_settings is None or self._tree.is_stopping:
            return
        self._settings, self._worker_settings = settings, worker_settings
        for role in ROLES:
            self._resize(role, settings, worker_settings)
        for slot in self._tree.workers:
            slot.use_spec(_spec(slot.spec.role, slot.spec.slot, settings))
            if slot.spec.role in changed:
                slot.launch = WorkerLaunch(role=slot.spec.role, slot=slot.spec.slot, settings=worker_settings)
        if self._replacement is not None and self._replacement[0].spec.role in changed:
            self._end_replacement()  # it was made for settings that no longer hold
        self._start()
        self.on_change()

    def recycle_if_due(self, slot: Slot, now_ns: int) -> None:
        """Restart one that has grown too old or too large, if nobody else is being replaced.

        One that waits for tokens is left to get them first: its place in the queue would be lost.
        """
        is_alone = self._replacement is None and not any(one.state in _ON_THE_WAY for one in self._tree.workers)
        is_free = slot.state is State.RUNNING and slot.beat is not None and slot.beat.phase != "waiting_tokens"
        is_ours = slot in self._tree.workers
        if self._settings is None or self._tree.is_stopping or not is_alone or not is_free or not is_ours:
            return
        why = self._recycler.why(slot, self._settings, now_ns)
        if why is not None:
            self._log.info("recycled", role=slot.spec.role, slot=slot.spec.slot, pid=slot.pid, message=why)
            slot.restart(Cause.RECYCLED)

    def is_current(self) -> bool:
        """Whether every worker at work has the present settings."""
        return self._replacement is None and not any(_is_outdated(slot) for slot in self._tree.workers)

    def on_change(self) -> None:
        """Take the next step of a replacement, or begin the next one: something happened to a worker."""
        if self._tree.is_stopping:
            return
        if self._replacement is not None:
            self._advance_replacement(*self._replacement)
        if self._replacement is None and not self._tree.has_leavers:
            old = next((slot for slot in self._tree.workers if _is_outdated(slot)), None)
            if old is not None:
                self._replacement = old, self._tree.add_replacement(old.spec, old.launch)

    def _advance_replacement(self, old: Slot, replacement: Slot) -> None:
        if old not in self._tree.workers:
            self._end_replacement()
        elif replacement.state is State.RUNNING:
            self._replacement = None
            self._tree.replace(old, replacement)
            self._log.info("replaced", role=old.spec.role, slot=old.spec.slot, pid=old.pid, by=replacement.pid)
        elif replacement.state in RESTING:
            name = old.spec.name
            self._log.error(
                "not_replaced",
                message=f"{name} stays as it is: its replacement with the new settings did not get ready",
            )
            for slot in self.of_role(old.spec.role):
                slot.launch = slot.launched or slot.launch
            self._end_replacement()

    def _end_replacement(self) -> None:
        if self._replacement is not None:
            replacement = self._replacement[1]
            self._replacement = None
            self._tree.remove(replacement)

    def _resize(self, role: str, settings: Settings, worker_settings: WorkerSettings) -> None:
        """Add the workers that are missing, and remove those with the highest numbers."""
        count = settings.upsert_workers if role == UPSERT else settings.backfill_workers
        present = {slot.spec.slot for slot in self.of_role(role)}
        for number in set(range(count)) - present:
            launch = WorkerLaunch(role=role, slot=number, settings=worker_settings)
            slot = self._tree.add_worker(_spec(role, number, settings), launch)
            if role in self.paused or self.is_draining:
                slot.feed(Event.STOP)
        for slot in [slot for slot in self.of_role(role) if slot.spec.slot >= count]:
            self._tree.remove(slot)

    def _rejoin(self, slots: list[Slot]) -> None:
        """Start them again, the first upsert worker first and the others spaced, as at the beginning."""
        for slot in slots if not self._tree.is_stopping else []:
            slot.history = slot.history.reset()
            slot.feed(Event.REJOIN)
        self._start()

    def _start(self) -> None:
        if not self._tree.is_stopping:
            self._tree.start_workers()


def _is_outdated(slot: Slot) -> bool:
    return slot.state is State.RUNNING and slot.is_outdated


def _spec(role: str, number: int, settings: Settings) -> Spec:
    return Spec(
        role=role,
        slot=number,
        restart_type=RestartType.PERMANENT if role == UPSERT else RestartType.TRANSIENT,
        ready_s=settings.ready_s,
        hang_s=settings.hang_s,
        stop_s=settings.stop_s,
    )
