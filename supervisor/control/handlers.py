"""Does what orders ask for, and answers when it is done: orders come over the control socket and by signal.

Some answers are given later: when what was asked for is done, or when that has taken too long.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias, assert_never

from ledger.durations import format_duration
from supervisor.config import floors, pauses, similar_names
from supervisor.config.changes import Change
from supervisor.config.options import BY_NAME
from supervisor.control import protocol
from supervisor.control.protocol import Answer
from supervisor.process.states import RESTING, Stage, State
from supervisor.tree.reload import ChangeRequest
from supervisor.tree.workers import NoSuchWorker
from tasks.errors import EXIT_GAVE_UP, EXIT_OK, EXIT_TRY_LATER, EXIT_USAGE, exit_code, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ledger import LedgerError
    from supervisor.config.settings import Settings
    from supervisor.eventloop.loop import Loop, Timer
    from supervisor.logs.log import Log
    from supervisor.process.slot import Slot
    from supervisor.tree.supervisor import Supervisor
    from tasks.errors import Error

    Tell: TypeAlias = Callable[[Answer], object]
    Outcome: TypeAlias = Change | Error | LedgerError | OSError

_MARGIN_S: Final = 5.0
_UNTIL: Final = ", until the supervisor ends (.env is for good)"
_COUNT: Final = "BACKFILL_WORKERS"
_SETTLED: Final = frozenset({State.RUNNING, State.DONE, State.FAILED})


def _lasting(settings: Mapping[str, str]) -> str:
    """For how long what `set` says holds: an empty value takes back what was told before."""
    back = sorted(name for name, text in settings.items() if not text.strip())
    if len(back) == len(settings):
        return ", as configured"
    return _UNTIL + (f"; as configured: {', '.join(back)}" if back else "")


class OrderHandlers:
    """Takes orders for one run."""

    def __init__(self, run: Supervisor, loop: Loop, log: Log) -> None:
        self._run = run
        self._log = log
        self._pending = PendingAnswers(loop)
        run.listeners.append(self._pending.look)

    def take(self, order: protocol.Order, tell: Tell | None, by: str) -> None:
        """Do what `order` asks for and call `tell` once, when it is done or cannot be; None when nobody hears it."""
        tell = self._logged(protocol.describe_order(order), tell, by)
        if self._run.stage > Stage.WORKING:
            tell(Answer(code=EXIT_TRY_LATER, words="the supervisor is stopping"))
            return
        try:
            self._do(order, tell)
        except NoSuchWorker as error:
            tell(Answer(code=EXIT_USAGE, words=plain(error)))

    def add_workers(self, more: int, *, by: str) -> None:
        """Have `more` backfill workers than now; fewer when it is negative, and never fewer than none."""
        tell = self._logged(f"{more:+d} backfill worker", None, by)

        def add(now: Settings, before: Mapping[str, str]) -> dict[str, str]:
            return {**before, _COUNT: str(max(0, now.backfill_workers + more))}

        self._run.reload.submit(
            ChangeRequest(rereads=False, overrides=add, on_done=partial(self._followed, tell, more=_UNTIL))
        )

    def _logged(self, order: str, tell: Tell | None, by: str) -> Tell:
        """`tell` and the log: a refusal is a fault of the run only when whoever asked does not hear it."""
        self._log.info("order", message=f"{order}, asked for by {by}")

        def both(said: Answer) -> None:
            self._run.write_report()  # `status` must not be behind the answer
            is_fault = said.code != EXIT_OK and tell is None
            self._log.write("warning" if is_fault else "info", "answer", {"message": said.words})
            if tell is not None:
                tell(said)

        return both

    def _do(self, order: protocol.Order, tell: Tell) -> None:
        match order:
            case protocol.Pause(roles=roles):
                self._pause(roles, tell)
            case protocol.Resume(roles=roles):
                self._resume(roles, tell)
            case protocol.Restart(worker=name):
                self._restart(self._run.worker_pool.by_name(name), tell)
            case protocol.Retry(worker=name):
                self._retry(self._run.worker_pool.by_name(name), tell)
            case protocol.Set(settings=settings):
                self._set(settings, tell)
            case protocol.Reload():
                then = partial(self._followed, tell, retries=True)
                self._run.reload.submit(
                    ChangeRequest(rereads=True, overrides=lambda _, before: dict(before), on_done=then)
                )
            case _:
                assert_never(order)

    def _pause(self, roles: tuple[str, ...], tell: Tell) -> None:
        worker_pool = self._run.worker_pool
        if not self._is_kept(worker_pool.paused | set(roles), tell):
            return
        worker_pool.pause(roles)
        slots = [slot for role in roles for slot in worker_pool.of_role(role)]
        said = Answer(code=EXIT_OK, words=f"{' and '.join(roles)}: paused until resumed, over new starts too")
        self._when(lambda: said if all(slot.state in RESTING for slot in slots) else None, tell)

    def _resume(self, roles: tuple[str, ...], tell: Tell) -> None:
        worker_pool = self._run.worker_pool
        wanted = [role for role in roles if role in worker_pool.paused]
        if not wanted:
            tell(Answer(code=EXIT_OK, words=f"{' and '.join(roles)}: not paused"))
        elif self._is_kept(worker_pool.paused - set(roles), tell):
            worker_pool.resume(wanted)
            slots = [slot for role in wanted for slot in worker_pool.of_role(role)]
            self._when(partial(_running, slots, f"{' and '.join(wanted)}: resumed"), tell)

    def _restart(self, slot: Slot, tell: Tell) -> None:
        if not self._is_paused(slot, tell):
            before = slot.pid
            self._run.worker_pool.restart(slot)
            self._when(partial(_renewed, slot, before, "restarted"), tell)

    def _retry(self, slot: Slot, tell: Tell) -> None:
        if self._is_paused(slot, tell):
            return
        if slot.state not in {State.FAILED, State.BACKOFF}:
            words = f"{slot.spec.name} is {slot.state.value}: there is nothing to retry (see `sluicegate restart`)"
            tell(Answer(code=EXIT_GAVE_UP, words=words))
            return
        self._run.worker_pool.retry(slot)
        self._when(partial(_renewed, slot, None, "started again, its deaths forgiven"), tell)

    def _set(self, settings: dict[str, str], tell: Tell) -> None:
        unknown = sorted(set(settings) - set(BY_NAME))
        fixed = sorted(name for name in settings if name in BY_NAME and BY_NAME[name].replaces is None)
        if unknown or fixed:
            words = [f"no setting is called {', '.join(map(_meant, unknown))}"] if unknown else []
            words += (
                [f"{', '.join(fixed)} cannot change while it runs: set it in .env and start again"] if fixed else []
            )
            tell(Answer(code=EXIT_USAGE, words="; ".join(words)))
            return

        def merge(_now: Settings, before: Mapping[str, str]) -> dict[str, str]:
            merged = {**before, **{name: text.strip() for name, text in settings.items()}}
            return {name: text for name, text in merged.items() if text}

        self._run.reload.submit(
            ChangeRequest(
                rereads=False, overrides=merge, on_done=partial(self._followed, tell, more=_lasting(settings))
            )
        )

    def _followed(self, tell: Tell, outcome: Outcome, *, retries: bool = False, more: str = "") -> None:
        """What comes after a change of settings; `retries`: those that were given up get another chance."""
        if not isinstance(outcome, Change):
            tell(Answer(code=exit_code(outcome), words=f"nothing was changed: {outcome}"))
            return
        again = self._run.worker_pool.retry_failed() if retries else []
        more = f"; started again: {', '.join(again)}" if again else more if outcome.followed else ""
        words = "; ".join([outcome.words + more, *self._clipped(outcome)])
        self._when(partial(self._settled, Answer(code=EXIT_OK, words=words)), tell, turns=len(self._run.tree.workers))

    def _clipped(self, change: Change) -> list[str]:
        """Floors that were set now and are more than the plan allows: the ledger goes by less."""
        ledger = self._run.ledger
        if ledger is None or not any("_FLOOR " in one for one in change.followed):
            return []
        refill = round(ledger.snapshot().bucket.refill_rate)
        return floors.describe_lowered(self._run.plan.tiers(), refill) if refill else []

    def _settled(self, said: Answer) -> Answer | None:
        worker_pool, tree = self._run.worker_pool, self._run.tree
        states = {slot.state for slot in tree.workers if slot.spec.role not in worker_pool.paused}
        return said if worker_pool.is_current() and not tree.has_leavers and states <= _SETTLED else None

    def _is_paused(self, slot: Slot, tell: Tell) -> bool:
        role = slot.spec.role
        is_paused = role in self._run.worker_pool.paused
        if is_paused:
            tell(Answer(code=EXIT_GAVE_UP, words=f"{role} is paused: `sluicegate resume {role}` first"))
        return is_paused

    def _is_kept(self, paused: frozenset[str], tell: Tell) -> bool:
        """Whether it is on disk, so that it holds over a new start of the supervisor too."""
        path = self._run.plan.state.paused
        try:
            pauses.write(path, paused)
        except OSError as error:
            tell(Answer(code=EXIT_GAVE_UP, words=f"nothing was changed: {path} cannot be written: {error.strerror}"))
            return False
        return True

    def _when(self, done: Callable[[], Answer | None], tell: Tell, *, turns: int = 1) -> None:
        """Answer when it is done, or when so many stops and starts in turn should be long over."""
        settings = self._run.plan.settings
        limit_s = (settings.stop_s + settings.ready_s) * max(1, turns) + _MARGIN_S
        self._pending.add(done, tell, limit_s=limit_s)


def _meant(name: str) -> str:
    like = similar_names.near(name)
    return (
        similar_names.printable_name(name)
        if like is None
        else f"{similar_names.printable_name(name)} (is {like} meant?)"
    )


def _running(slots: list[Slot], words: str) -> Answer | None:
    failed = [slot.spec.name for slot in slots if slot.state is State.FAILED]
    if failed:
        return Answer(code=EXIT_GAVE_UP, words=f"{', '.join(failed)} cannot be kept running: see `sluicegate status`")
    is_done = all(slot.state in {State.RUNNING, State.DONE} for slot in slots)
    return Answer(code=EXIT_OK, words=words) if is_done else None


def _renewed(slot: Slot, before: int | None, words: str) -> Answer | None:
    if before is not None and slot.pid == before:
        return None
    pids = f"pid {slot.pid}" if before is None else f"pid {before} is now {slot.pid}"
    return _running([slot], f"{slot.spec.name}: {words}, {pids}")


class PendingAnswers:
    """The orders that are under way."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._open: list[_Promise] = []

    def add(self, done: Callable[[], Answer | None], tell: Callable[[Answer], object], *, limit_s: float) -> None:
        """Call `tell` once: with the answer of `done` as soon as it has one, or after `limit_s` seconds."""
        promise = _Promise(done, tell)
        words = f"begun, but not done after {format_duration(limit_s)}: see `sluicegate status`"
        promise.timer = self._loop.after(limit_s, partial(promise.end, Answer(code=EXIT_TRY_LATER, words=words)))
        self._open.append(promise)
        self.look()

    def look(self) -> None:
        """Something is new: keep what can be kept by now."""
        for promise in [promise for promise in self._open if promise.is_open]:
            promise.look()
        self._open = [promise for promise in self._open if promise.is_open]


class _Promise:
    def __init__(self, done: Callable[[], Answer | None], tell: Callable[[Answer], object]) -> None:
        self.is_open = True
        self.timer: Timer | None = None
        self._done = done
        self._tell = tell

    def look(self) -> None:
        said = self._done()
        if said is not None:
            self.end(said)

    def end(self, said: Answer) -> None:
        if self.is_open:
            self.is_open = False
            if self.timer is not None:
                self.timer.cancel()
            self._tell(said)
