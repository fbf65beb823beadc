"""A person's own request for products: it goes first, waits at its gate, and is answered once it is written.

A reply that was paid for and not written, because whoever asked was killed, answers the same request for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ledger import NS_PER_S, NeverEnough
from tasks.calls.request_plan import ClaimedRequest
from tasks.calls.spool_header import Origin
from tasks.errors import EXIT_TRY_LATER, Error
from tasks.keepa.request import CodeRequest, ProductRequest, max_asins, product_shape
from tasks.planning.pacing import fit
from tasks.roles import INTERACTIVE
from tasks.runtime.job import Idle

if TYPE_CHECKING:
    from ledger import Shape
    from tasks.jobs.components import JobComponents
    from tasks.keepa.request import Detail
    from tasks.runtime.job import JobContext

LONGEST_NAP_S: Final = 5.0  # until the next look, when a call or the database has failed
NAP_BESIDE_S: Final = 0.2  # while another process writes the reply
MOST_SHAPES: Final = 18  # that the ledger knows before another is refused: its layout has 24, and the jobs need some


class GivenUp(Error):
    """The person stopped waiting, or the time for it is over: nothing was asked for and nothing paid."""

    exit_code = EXIT_TRY_LATER


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a request brought, committed.

    Attributes:
        asins: the products of the reply that could be read, those that Keepa does not know included.
        cost: tokens charged; None when the reply did not tell, 0 when an earlier one was there.
        balance: tokens left after it; None when the reply did not tell.
        faults: what of the reply is in quarantine.
        is_of_before: whether another had paid for it, who was killed before it was written; for a code `asins` is empty
            then.
    """

    asins: tuple[str, ...]
    cost: int | None
    balance: int | None
    faults: int = 0
    is_of_before: bool = False


class LookUp:
    """The plan of one such request. Worth waiting for; nothing in the queue is claimed for it."""

    tier: Final = INTERACTIVE
    may_wait: Final = True
    endpoint: Final = "/product"

    def __init__(self, request: ProductRequest | CodeRequest) -> None:
        self.request = request
        asked = {"code": request.code} if isinstance(request, CodeRequest) else {"asins": request.asins}
        self.origin = Origin(job=INTERACTIVE, domain=request.domain, detail=request.detail, **asked)
        self.has_claimed = False

    @property
    def what(self) -> str:
        """These very products."""
        return f"{self.endpoint} {self.request.domain} {' '.join(self.origin.items)} {self.request.detail}"

    def plan(self) -> Shape:
        """Always the same."""
        return self.request.shape

    def claim(self) -> ClaimedRequest:
        """The request; from here on it is made, whatever the person does."""
        self.has_claimed = True
        return ClaimedRequest(self.request, self.origin)

    def release(self) -> None:
        """Let it be asked for again."""
        self.has_claimed = False

    def postpone(self) -> None:
        """Likewise."""
        self.has_claimed = False


class LookUps:
    """Makes such requests, one after the other."""

    def __init__(self, context: JobContext, components: JobComponents) -> None:
        self._context = context
        self._components = components
        self._left: list[Origin] = []

    def start(self) -> None:
        """Check the schema, and write what was paid for and left behind.

        Raises:
            StoreError: the database is unavailable, or its schema is another build's.
        """
        self._left = self._components.spool.origins()
        self._components.start()

    def balance(self) -> str:
        """The balance in words."""
        snapshot = self._context.ledger.snapshot()
        if not snapshot.synced:
            return "the balance is not known"
        return f"balance {snapshot.bucket.balance:g} of {snapshot.bucket.capacity:g}"

    def most_at_once(self, detail: Detail, wanted: int) -> int:
        """How many of the products wanted one request may ask for, on this plan; at least one."""
        self._components.metered_client.learn_balance()
        ledger = self._context.ledger
        ever = ledger.headroom(INTERACTIVE).ever
        most = min(wanted, max_asins(detail))
        return max(1, fit(lambda n: ledger.estimate(product_shape(detail, n)), tokens=ever, max_items=most))

    def estimate(self, look_up: LookUp) -> int:
        """Tokens that it may cost: what is reserved for it. The balance is known then, if the server tells it.

        Raises:
            NeverEnough: it could never be granted.
            Error: the ledger has no place for what such a request costs.
            Forbidden: the server does not serve this key.
            Transient: the server does not answer.
        """
        context, shape = self._context, look_up.plan()
        known = {one.shape for one in context.ledger.snapshot().costs}
        if shape.name not in known and len(known) >= MOST_SHAPES:
            raise Error(
                f"the ledger has learned the costs of {len(known)} kinds of requests and has no place for another "
                f"({shape.name}): ask with a detail that was used before"
            )
        self._components.metered_client.learn_balance()
        cost, most = context.ledger.estimate(shape), context.ledger.headroom(look_up.tier).ever
        if cost > most and context.ledger.standing().believed_age_s is not None:
            raise NeverEnough(look_up.tier, cost, most)
        return cost

    def fetch(self, look_up: LookUp) -> Answer:
        """What it brings, waited for until the stop.

        Raises:
            GivenUp: the stop came first.
            RequestRefused: the API will not answer it.
            Forbidden: the server does not serve this key.
            StoreError: the database does not take it; the reply waits in the spool.
        """
        if self._is_paid(look_up.origin):
            return Answer(asins=look_up.origin.asins, cost=0, balance=None, is_of_before=True)
        while True:
            outcome = self._components.metered_client.call(look_up)
            if not isinstance(outcome, Idle):
                break
            self._rest(outcome)
        result = self._components.replies.batches.write(outcome.header, outcome.body)
        outcome.acknowledge()
        reading = outcome.envelope.reading
        return Answer(
            asins=result.asins,
            cost=outcome.envelope.tokens_consumed,
            balance=None if reading is None else reading.tokens_left,
            faults=result.faults,
        )

    def _is_paid(self, origin: Origin) -> bool:
        """Whether the answer to the same request was in the spool, where one who was killed left it; written by now."""
        was_left = origin in self._left
        while origin in self._components.spool.origins():
            was_left = True
            if not self._components.recover():
                until_ns = self._context.clock.now_ns() + round(NAP_BESIDE_S * NS_PER_S)
                self._rest(Idle(until_ns=until_ns, phase="replaying", why="another process writes the reply"))
        return was_left

    def _rest(self, idle: Idle) -> None:
        """Tell why nothing can be done now, and wait for a while.

        Raises:
            GivenUp: the stop is set.
        """
        context = self._context
        if not context.stop.is_set():
            context.beat.phase(idle.phase, idle.why, until_ns=idle.until_ns)
            now_ns = context.clock.now_ns()
            due_s = LONGEST_NAP_S if idle.until_ns is None else max(0.0, (idle.until_ns - now_ns) / NS_PER_S)
            context.stop.wait(min(due_s, LONGEST_NAP_S))
        if context.stop.is_set():
            raise GivenUp(_given_up(idle))


def _given_up(idle: Idle) -> str:
    """What has become of a request that nobody waits for any more."""
    waited = "it waited for tokens" if idle.phase == "stopping" else idle.why
    return (
        f"the wait is over: the request was taken back, so it waits nowhere and nothing was paid for it ({waited}). "
        "`sluicegate ledger dump` shows who else waits; ask again, or leave it to backfill with "
        "`sluicegate fetch --queue`"
    )
