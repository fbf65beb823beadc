"""Asks for single products for people, one after the other, each in a process of its own that ends with the answer.

The supervisor itself makes no call and holds no connection: the process gets its tokens from the ledger as a worker
does, in the tier that is served first, and whatever it has paid for and not written is in the spool.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ledger import LedgerError
from supervisor.database import paying_key
from supervisor.process.launch import LookUpLaunch
from supervisor.process.restart_policy import Policy, RestartType
from supervisor.process.spec import FETCH, Spec
from supervisor.process.states import RESTING, Event, Stage, State
from tasks.errors import EXIT_FAILED, EXIT_OK, EXIT_TRY_LATER, EXIT_USAGE
from tasks.keepa import detail
from tasks.keepa.locales import SHOPS
from tasks.keepa.request import is_asin
from tasks.planning.learned_costs import product_tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ledger import Snapshot
    from supervisor.config.run_plan import RunPlan
    from supervisor.eventloop.loop import Loop
    from supervisor.process.child import Launch
    from supervisor.process.slot import Slot
    from supervisor.tree.supervisor import Supervisor
    from tasks.settings import WorkerSettings

MOST: Final = 10  # that wait for their turn
# Whoever asked is told of a death, and asks again if they like.
_POLICY: Final = Policy(max_restarts=0)


class Product(NamedTuple):
    """What somebody asks for."""

    domain: int
    asin: str
    detail: str


class _Asked(NamedTuple):
    product: Product
    answer: Callable[[int, str], object]


class LookUpService:
    """The look-ups of one run."""

    def __init__(
        self, run: Supervisor, loop: Loop, launch: Callable[[Product, WorkerSettings], Launch] | None = None
    ) -> None:
        """Look up for people who ask `run`; `launch` says how the process for a product is started."""
        self._launch = launch or _launch
        self._run = run
        self._loop = loop
        self._slot: Slot | None = None
        self._current: _Asked | None = None
        self._waiting: deque[_Asked] = deque()
        self._outcome: Mapping[str, Any] = {}
        run.listeners.append(self._check)

    def ask(self, product: Product, answer: Callable[[int, str], object]) -> None:
        """Ask for the product when those before it are answered; `answer` is called once, with a code and words."""
        fault = _fault(product)
        if fault:
            answer(EXIT_USAGE, fault)
            return
        if len(self._waiting) >= MOST:
            answer(EXIT_TRY_LATER, f"{MOST} products wait to be fetched already: try again when they are there")
            return
        self._waiting.append(_Asked(product, answer))
        self._begin_next()

    def cancel(self, domain: int, asin: str) -> tuple[int, str]:
        """Ask for the product no more; an exit code and words. Whoever asked for it is answered.

        One that waits for its turn costs nothing. The process of the one whose turn it is is asked to stop: it gives up
        its place in the ledger, or finishes what has left for the API, because that is paid for.
        """
        kept = [one for one in self._waiting if one.product[:2] != (domain, asin)]
        cancelled = [one for one in self._waiting if one not in kept]
        self._waiting = deque(kept)
        for one in cancelled:
            one.answer(EXIT_TRY_LATER, "cancelled before it was its turn: nothing was paid for it")
        current, slot = self._current, self._slot
        is_current = current is not None and current.product[:2] == (domain, asin)
        if is_current and slot is not None and slot.state not in RESTING:
            slot.feed(Event.STOP)
        elif not cancelled:
            return EXIT_FAILED, f"{asin} is not being fetched: it is there already, or nobody asked for it"
        return EXIT_OK, "it is asked for no more; only what had left for the API by then is paid for, and kept"

    def _begin_next(self) -> None:
        if self._current is not None or not self._waiting:
            return
        asked = self._waiting.popleft()
        if self._run.draining.words is not None:
            asked.answer(EXIT_TRY_LATER, "this host is drained: `sluicegate resume all` lets it work again")
            self._begin_next()
            return
        settings = self._run.worker_settings(self._payer(asked.product)) if self._run.stage <= Stage.WORKING else None
        if settings is None:
            is_early = self._run.stage is Stage.PREPARING
            why = "the database or the API is not there yet: try again in a moment"
            asked.answer(EXIT_TRY_LATER, why if is_early else "the supervisor is stopping")
            self._begin_next()
            return
        self._current, self._outcome = asked, {}
        launch = self._launch(asked.product, settings)
        if self._slot is None:
            self._slot = self._run.tree.add_service(self._spec(), launch)
            self._slot.feed(Event.START)
        else:
            self._slot.spec, self._slot.launch = self._spec(), launch
            self._slot.history = self._slot.history.reset()
            self._slot.feed(Event.RESTART)

    def _payer(self, product: Product) -> RunPlan:
        """The plan of the key that pays: of those in the pool of the first the one that can soonest."""
        run = self._run
        return paying_key.soonest_of(
            run.plan,
            self._snapshot,
            run.condition_watch.records(),
            lambda snapshot: product_tokens(detail.detail(product.detail), snapshot),
        )

    def _snapshot(self, key: str) -> Snapshot | None:
        ledger = self._run.ledgers.get(key)
        try:
            return None if ledger is None else ledger.snapshot()
        except LedgerError:
            return None

    def _check(self) -> None:
        """Note what the process has told, and answer once it has ended; called when anything in the run has changed."""
        slot, current = self._slot, self._current
        if slot is None or current is None:
            return
        if slot.beat is not None and slot.beat.job:
            self._outcome = slot.beat.job
        if self._run.stage > Stage.WORKING and slot.state not in RESTING:
            slot.feed(Event.STOP)
        if slot.state in RESTING:
            self._current = None
            code, words = self._outcome.get("code"), self._outcome.get("words")
            if isinstance(code, int) and isinstance(words, str):
                current.answer(code, words)
            else:
                how = "was stopped" if slot.state is State.STOPPED else "ended"
                current.answer(
                    EXIT_FAILED, f"the process {how} before it was answered: what was paid for is kept; see Events"
                )
            self._loop.call(self._begin_next)  # when the death is dealt with

    def _spec(self) -> Spec:
        settings = self._run.plan.settings
        return Spec(
            role=FETCH,
            slot=0,
            restart_type=RestartType.TRANSIENT,
            ready_s=settings.ready_s,
            hang_s=settings.hang_s,
            stop_s=settings.stop_s,
            policy=_POLICY,
            is_vital=False,
        )


def _fault(product: Product) -> str:
    """What of it cannot be asked for, in words; empty when all of it can."""
    if not is_asin(product.asin):
        return f"{product.asin!r} is no ASIN: an ASIN has ten digits and capital letters, such as B08N5WRWNW"
    if product.domain not in SHOPS:
        return f"{product.domain} is no number of a shop; Keepa knows {', '.join(map(str, SHOPS))}"
    return "" if detail.is_detail(product.detail) else f"{product.detail!r} is no detail; expected {detail.EXPECTED}"


def _launch(product: Product, settings: WorkerSettings) -> LookUpLaunch:
    return LookUpLaunch(domain=product.domain, asin=product.asin, detail=product.detail, slot=0, settings=settings)
