"""Carries out orders, which come over the control socket and by signal, and answers them.

`scale` and `set` arrive here as one order, `Set`. An answer is given when the order is carried out, which may be later,
or when that has taken too long.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias, assert_never

from supervisor.config import lowered_floors, similar_names
from supervisor.config.changes import Change
from supervisor.config.options import BY_NAME
from supervisor.config.settings import UnusableSettings
from supervisor.config.state_dir import paused_roles
from supervisor.control import protocol
from supervisor.control.pending import PendingAnswers
from supervisor.control.protocol import Answer
from supervisor.process.states import RESTING, Stage, State
from supervisor.tree.look_ups import LookUpService, Product
from supervisor.tree.reload import ChangeRequest
from supervisor.tree.workers import NoSuchWorker
from tasks.errors import EXIT_FAILED, EXIT_OK, EXIT_TRY_LATER, EXIT_USAGE, clean, exit_code, plain
from tasks.roles import ROLES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ledger import LedgerError
    from supervisor.config.settings import Settings
    from supervisor.eventloop.loop import Loop
    from supervisor.logs.log import Log
    from supervisor.process.slot import Slot
    from supervisor.tree.supervisor import Supervisor
    from tasks.errors import Error

    Reply: TypeAlias = Callable[[Answer], object]
    Outcome: TypeAlias = Change | Error | LedgerError | OSError

_DRAINED: Final = "this host is drained: run `sluicegate resume all` first, which lets it work again"
_MARGIN_S: Final = 5.0
_UNTIL: Final = ", until the supervisor ends (what .env sets stays)"
_COUNT: Final = "BACKFILL_WORKERS"
_SETTLED: Final = frozenset({State.RUNNING, State.DONE, State.FAILED})


def _duration_of(settings: Mapping[str, str]) -> str:
    """How long the settings of a `set` hold: an empty value removes an override."""
    removed = sorted(name for name, text in settings.items() if not text.strip())
    if len(removed) == len(settings):
        return ", as configured"
    return _UNTIL + (f"; as configured: {', '.join(removed)}" if removed else "")


class OrderHandlers:
    """Carries out the orders to one run."""

    def __init__(self, run: Supervisor, loop: Loop, log: Log) -> None:
        self._run = run
        self._log = log
        self._pending = PendingAnswers(loop)
        run.listeners.append(self._pending.check)
        self._look_ups = LookUpService(run, loop)

    def take(self, order: protocol.Order, reply: Reply | None, by: str) -> None:
        """Carry out `order`, then call `reply` once with the answer; it is None when nobody waits for one."""
        is_awaited = not isinstance(order, protocol.Fetch)  # which may take hours, and nobody holds a page open for it
        words = protocol.describe_order(order)
        answered = self._run.orders.begin(words, by, mark=order.mark, is_awaited=is_awaited)
        reply = self._logged(words, reply, by, answered)
        if self._run.stage > Stage.WORKING:
            reply(Answer(code=EXIT_TRY_LATER, words="the supervisor is stopping"))
            return
        if isinstance(order, protocol.Fetch) and self._run.draining.words is not None:
            reply(Answer(code=EXIT_FAILED, words=_DRAINED))
            return
        try:
            self._do(order, reply)
        except NoSuchWorker as error:
            reply(Answer(code=EXIT_USAGE, words=plain(error)))

    def add_workers(self, more: int, *, by: str) -> None:
        """Run `more` backfill workers than now; fewer when `more` is negative, and never less than none."""
        words = f"{more:+d} backfill worker"
        reply = self._logged(words, None, by, self._run.orders.begin(words, by))

        def add(now: Settings, before: Mapping[str, str]) -> dict[str, str]:
            return {**before, _COUNT: str(max(0, now.backfill_workers + more))}

        self._run.reload.submit(
            ChangeRequest(rereads=False, overrides=add, on_done=partial(self._applied, reply, more=_UNTIL))
        )

    def _logged(self, order: str, reply: Reply | None, by: str, answered: Callable[[int, str], None]) -> Reply:
        """A `reply` that also logs the answer: a refusal is a fault of the run only when nobody else is told of it."""
        self._log.info("order", message=f"{by} asks: {order}")

        def log_and_reply(answer: Answer) -> None:
            answered(answer.code, answer.words)
            self._run.write_report()  # `status` must not be behind the answer
            is_fault = answer.code != EXIT_OK and reply is None
            self._log.write("warning" if is_fault else "info", "answer", {"message": answer.words})
            if reply is not None:
                reply(answer)

        return log_and_reply

    def _do(self, order: protocol.Order, reply: Reply) -> None:
        match order:
            case protocol.Pause(roles=roles) | protocol.Resume(roles=roles):
                (self._pause if isinstance(order, protocol.Pause) else self._resume)(roles, reply)
            case protocol.Restart(worker=name) | protocol.Retry(worker=name):
                do = self._restart if isinstance(order, protocol.Restart) else self._retry
                do(self._run.worker_pool.by_name(name), reply)
            case protocol.Set(settings=settings):
                self._set(settings, reply)
            case protocol.Fetch() | protocol.Cancel():
                self._look_up(order, reply)
            case protocol.Drain():
                self._drain(reply)
            case protocol.Note(outcome=words):
                reply(Answer(code=EXIT_OK, words=clean(words)))
            case protocol.Reload():
                then = partial(self._applied, reply, retries=True)
                self._run.reload.submit(
                    ChangeRequest(rereads=True, overrides=lambda _, before: dict(before), on_done=then)
                )
            case _:
                assert_never(order)

    def _look_up(self, order: protocol.Fetch | protocol.Cancel, reply: Reply) -> None:
        if isinstance(order, protocol.Cancel):
            code, words = self._look_ups.cancel(order.domain, order.asin)
            reply(Answer(code=code, words=words))
            return
        product = Product(order.domain, order.asin, order.detail)
        self._look_ups.ask(product, lambda code, words: reply(Answer(code=code, words=words)))

    def _pause(self, roles: tuple[str, ...], reply: Reply) -> None:
        worker_pool = self._run.worker_pool
        if not self._save_pauses(worker_pool.paused | set(roles), reply):
            return
        worker_pool.pause(roles)
        slots = [slot for role in roles for slot in worker_pool.of_role(role)]
        verb, resumed = ("is", roles[0]) if len(roles) == 1 else ("are", "all")
        until = f"until `sluicegate resume {resumed}`, even if the supervisor starts again"
        words = f"{' and '.join(roles)} {verb} paused {until}"
        answer = Answer(code=EXIT_OK, words=words)
        self._reply_when(lambda: answer if all(slot.state in RESTING for slot in slots) else None, reply)

    def _drain(self, reply: Reply) -> None:
        """Let this host end its calls and leave the others."""
        self._run.draining.begin()
        words = "drained: no call is under way here, until `sluicegate resume all` or another start"
        answer = Answer(code=EXIT_OK, words=words)
        self._reply_when(lambda: answer if self._run.draining.is_over else None, reply)

    def _end_drain(self, roles: tuple[str, ...], reply: Reply) -> None:
        if set(roles) != set(ROLES):
            reply(Answer(code=EXIT_FAILED, words=_DRAINED))
            return

        def resume() -> None:
            self._run.draining.end()
            if self._save_pauses(frozenset(), reply):
                self._run.worker_pool.resume(roles)
                slots = self._run.tree.workers
                self._reply_when(partial(_once_running, slots, "this host works again"), reply)

        self._run.membership.join_again(resume, lambda code, words: reply(Answer(code=code, words=words)))

    def _resume(self, roles: tuple[str, ...], reply: Reply) -> None:
        if self._run.draining.words is not None:
            self._end_drain(roles, reply)
            return
        worker_pool = self._run.worker_pool
        paused = [role for role in roles if role in worker_pool.paused]
        if not paused:
            reply(Answer(code=EXIT_OK, words=f"{' and '.join(roles)}: not paused"))
        elif self._save_pauses(worker_pool.paused - set(roles), reply):
            worker_pool.resume(paused)
            slots = [slot for role in paused for slot in worker_pool.of_role(role)]
            self._reply_when(partial(_once_running, slots, f"{' and '.join(paused)}: resumed"), reply)

    def _restart(self, slot: Slot, reply: Reply) -> None:
        if not self._is_paused(slot, reply):
            before = slot.pid
            self._run.worker_pool.restart(slot)
            self._reply_when(partial(_once_replaced, slot, before, "restarted"), reply)

    def _retry(self, slot: Slot, reply: Reply) -> None:
        if self._is_paused(slot, reply):
            return
        if slot.state not in {State.FAILED, State.BACKOFF}:
            words = f"{slot.spec.name} is {slot.state.value}: there is nothing to retry (see `sluicegate restart`)"
            reply(Answer(code=EXIT_FAILED, words=words))
            return
        self._run.worker_pool.retry(slot)
        self._reply_when(partial(_once_replaced, slot, None, "started again, its restart count reset"), reply)

    def _set(self, settings: dict[str, str], reply: Reply) -> None:
        unknown = sorted(set(settings) - set(BY_NAME))
        fixed = sorted(name for name in settings if name in BY_NAME and BY_NAME[name].replaces is None)
        if unknown or fixed:
            words = [f"no setting is called {', '.join(map(_with_suggestion, unknown))}"] if unknown else []
            if fixed:
                words.append(f"{', '.join(fixed)} cannot change during a run: set it in .env and start again")
            reply(Answer(code=EXIT_USAGE, words="; ".join(words)))
            return

        def merge(_now: Settings, before: Mapping[str, str]) -> dict[str, str]:
            merged = {**before, **{name: text.strip() for name, text in settings.items()}}
            return {name: text for name, text in merged.items() if text}

        self._run.reload.submit(
            ChangeRequest(
                rereads=False, overrides=merge, on_done=partial(self._applied, reply, more=_duration_of(settings))
            )
        )

    def _applied(self, reply: Reply, outcome: Outcome, *, retries: bool = False, more: str = "") -> None:
        """Answer once a change of settings is in force; with `retries`, failed workers are started again first."""
        if not isinstance(outcome, Change):
            words = f"nothing was changed: {outcome}"
            if isinstance(outcome, UnusableSettings) and not retries:  # what was in force before has no fault
                words = f"refused, nothing was changed: {'; '.join(outcome.faults)}"
            reply(Answer(code=exit_code(outcome), words=words))
            return
        again = self._run.worker_pool.retry_failed() if retries else []
        more = f"; started again: {', '.join(again)}" if again else more if outcome.followed else ""
        words = "; ".join([outcome.words + more, *self._clipped(outcome)])
        self._reply_when(
            partial(self._once_settled, Answer(code=EXIT_OK, words=words)), reply, steps=len(self._run.tree.workers)
        )

    def _clipped(self, change: Change) -> list[str]:
        """A sentence for each floor set just now that is more than the plan allows: the ledger uses less."""
        if not any("_FLOOR " in one for one in change.followed):
            return []
        return [words for name in self._run.ledgers for words in self._clipped_of(name)]

    def _clipped_of(self, name: str) -> list[str]:
        """The same for one key, which is named where there are several."""
        refill = round(self._run.ledgers[name].snapshot().bucket.refill_rate)
        found = lowered_floors.describe_lowered(self._run.plan.of_key(name).tiers(), refill) if refill else []
        return [f"{name}: {words}" for words in found] if len(self._run.ledgers) > 1 else found

    def _once_settled(self, answer: Answer) -> Answer | None:
        worker_pool, tree = self._run.worker_pool, self._run.tree
        at_work = [] if worker_pool.is_draining else tree.workers
        states = {slot.state for slot in at_work if slot.spec.role not in worker_pool.paused}
        return answer if worker_pool.is_current() and not tree.has_leavers and states <= _SETTLED else None

    def _is_paused(self, slot: Slot, reply: Reply) -> bool:
        if self._run.draining.words is not None:
            reply(Answer(code=EXIT_FAILED, words=_DRAINED))
            return True
        role = slot.spec.role
        is_paused = role in self._run.worker_pool.paused
        if is_paused:
            reply(Answer(code=EXIT_FAILED, words=f"{role} is paused: run `sluicegate resume {role}` first"))
        return is_paused

    def _save_pauses(self, paused: frozenset[str], reply: Reply) -> bool:
        """Write which roles are paused, so that it holds after a new start too; whether that succeeded."""
        path = self._run.plan.state.paused
        try:
            paused_roles.write(path, paused)
        except OSError as error:
            reply(Answer(code=EXIT_FAILED, words=f"nothing was changed: {path} cannot be written: {error.strerror}"))
            return False
        return True

    def _reply_when(self, done: Callable[[], Answer | None], reply: Reply, *, steps: int = 1) -> None:
        """Reply once `done` has an answer, or when `steps` stops and starts one after another should be long over."""
        settings = self._run.plan.settings
        limit_s = (settings.stop_s + settings.ready_s) * max(1, steps) + _MARGIN_S
        self._pending.add(done, reply, limit_s=limit_s)


def _with_suggestion(name: str) -> str:
    suggestion = similar_names.near(name)
    return similar_names.printable_name(name) + ("" if suggestion is None else f" (is {suggestion} meant?)")


def _once_running(slots: list[Slot], words: str) -> Answer | None:
    failed = [slot.spec.name for slot in slots if slot.state is State.FAILED]
    if failed:
        return Answer(code=EXIT_FAILED, words=f"{', '.join(failed)} cannot be kept running: see `sluicegate status`")
    is_done = all(slot.state in {State.RUNNING, State.DONE} for slot in slots)
    return Answer(code=EXIT_OK, words=words) if is_done else None


def _once_replaced(slot: Slot, before: int | None, words: str) -> Answer | None:
    if before is not None and slot.pid == before:
        return None
    pids = f"pid {slot.pid}" if before is None else f"pid {before} is now {slot.pid}"
    return _once_running([slot], f"{slot.spec.name}: {words}, {pids}")
