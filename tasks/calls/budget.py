"""Gets a lease: waits at the gate, or says until when to wait; asks for the balance when the ledger wants it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, Self

from ledger import NS_PER_S, NeedsBlindCall, NeedsReading, NeverEnough, Stopped, Wait
from tasks.calls.balance_poll import BalancePoll
from tasks.runtime.job import Idle

if TYPE_CHECKING:
    from collections.abc import Callable

    from ledger import Lease, Place, Reading, Shape
    from tasks.runtime.job import JobContext

LOOK_AGAIN_NS: Final = NS_PER_S // 2  # when only an event can open the gate and this process may not block for it
_REASONS: Final = {"hours": "it is outside its hours", "budget": "its tokens of today are spent"}
NEVER_NS: Final = 60 * NS_PER_S  # a plan that can never pay for one item: look again, the plan may change


class Reservation:
    """A lease in hand, what for, and how long it was waited for. As a context it ends the lease whatever happens."""

    def __init__(self, lease: Lease, shape: Shape, waited_s: float, balance: BalancePoll) -> None:
        self._balance = balance
        self.lease = lease
        self.shape = shape
        self.waited_s = waited_s
        self._is_sent = False

    def commit(self) -> None:
        """The request is about to leave."""
        self.lease.commit()
        self._is_sent = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        if self.lease.is_open and self._is_sent:
            self.lease.settle(None)  # nobody knows what the call cost: the next reading shows it
        elif self.lease.is_open:
            self.lease.cancel()
        self._balance.report()


class Budget:
    """The ledger as one worker sees it."""

    def __init__(self, context: JobContext) -> None:
        self._context = context
        self._places: dict[str, Place] = {}
        self._balance = BalancePoll(context)
        self._next_trial_ns = 0

    def close(self) -> None:
        """Leave the places in the ledger's queue that are kept between two steps."""
        for place in self._places.values():
            place.leave()

    def update_conditions(self) -> None:
        """End the report of an unknown balance once others have learned it, though this worker needs none."""
        if self._context.beat.is_degraded("balance"):
            self._balance.report()

    def reserve(
        self, tier: str, plan: Callable[[], Shape], read_balance: Callable[[], Reading], *, may_wait: bool
    ) -> Reservation | Idle:
        """A lease for a request of the shape planned, waited for if that is allowed, or when to come back.

        The plan is made anew after each reading: what fits depends on the balance. Where a step must not block, the
        place in the queue is kept until the next one, so that the tier saves up its share all the same.

        Where the balance cannot be learned by asking, one small call a tick is let through to learn it from its reply.
        A request whose learned cost can never be granted is tried at its first guess, once a tick, to learn better.

        Raises:
            Transient: the balance is unknown and the server does not answer.
            Forbidden: the server does not serve this key.
        """
        context = self._context
        began_ns = context.clock.now_ns()
        while True:
            self._balance.report()
            shape = plan()
            cost, is_trial = self._cost(tier, shape)
            try:
                lease = self._lease(tier, cost, shape, may_wait=may_wait)
            except NeedsReading:
                self._balance.ask(read_balance)
                continue
            except NeverEnough as error:
                return self._never(tier, shape, error)
            except Stopped:
                return Idle(until_ns=None, phase="stopping", why="asked to stop while waiting for tokens")
            if isinstance(lease, Wait):
                return self._idle(tier, cost, lease)
            if is_trial:
                tick_ns = round(context.ledger.standing().tick_s * NS_PER_S)
                self._next_trial_ns = context.clock.now_ns() + tick_ns
            return Reservation(lease, shape, (context.clock.now_ns() - began_ns) / NS_PER_S, self._balance)

    def reserve_now(self, tier: str, shape: Shape) -> Reservation | Idle:
        """A lease if the gate is open at this moment, or when to come back."""
        ledger = self._context.ledger
        cost = ledger.estimate(shape)
        try:
            lease = self._lease(tier, cost, shape, may_wait=False)
        except NeedsReading as error:
            # This process is the one to ask, and does so when it plans anew.
            return Idle(until_ns=self._context.clock.now_ns(), phase="waiting_tokens", why=str(error))
        except NeverEnough as error:
            return self._never(tier, shape, error)
        return (
            self._idle(tier, cost, lease) if isinstance(lease, Wait) else Reservation(lease, shape, 0.0, self._balance)
        )

    def _lease(self, tier: str, cost: int, shape: Shape, *, may_wait: bool) -> Lease | Wait:
        """A lease, or how long to wait; a blind one where asking for the balance does not help."""
        try:
            return self._in_queue(tier, cost, shape) if may_wait else self._try_now(tier, cost, shape)
        except NeedsBlindCall as error:
            blind = self._context.ledger.lease_blind(tier, cost, shape=shape)
            return blind if blind is not None else Wait(until_ns=None, latest_ns=None, reason=str(error))

    def _in_queue(self, tier: str, cost: int, shape: Shape) -> Lease | Wait:
        place = self._places.setdefault(tier, self._context.ledger.place(tier, away_s=self._away_s()))

        def report(wait: Wait) -> None:
            self._context.beat.phase("waiting_tokens", _words(tier, cost, wait), until_ns=_promise_ns(wait))

        try:
            if self._context.blocking and not self._balance.is_hidden:
                return place.wait(cost, shape=shape, stop=self._context.stop, on_wait=report, looks=True)
            return self._try_now(tier, cost, shape, place)
        except (NeverEnough, Stopped):
            place.leave()
            raise

    def _away_s(self) -> int:
        """For how many seconds this process may be busy with others while it waits here; 0 when it waits here alone.

        Each of the others gets at most one step before it comes back (`tasks.planning.key_turns`), with one call in it.
        """
        settings = self._context.settings
        others = max(1, len(settings.keys) - 1)
        return 0 if self._context.blocking else math.ceil(others * settings.longest_call_s)

    def _try_now(self, tier: str, cost: int, shape: Shape, place: Place | None = None) -> Lease | Wait:
        """What is to be had at once, unless this worker is to do something else about the balance while it waits."""
        ledger = self._context.ledger
        lease = ledger.try_reserve(tier, cost, shape=shape) if place is None else place.poll(cost, shape=shape)
        if isinstance(lease, Wait):
            ledger.raise_if_due(lease)
        return lease

    def _cost(self, tier: str, shape: Shape) -> tuple[int, bool]:
        """The tokens to ask for, and whether that is a trial: the first guess, where what was learned can never be had.

        Asking for the former would leave the place in the queue each time, and with it what the tier has saved up.
        """
        ledger = self._context.ledger
        learned, guess = ledger.estimate(shape), math.ceil(shape.items * shape.prior)
        if guess < learned and self._context.clock.now_ns() >= self._next_trial_ns:
            ever = ledger.headroom(tier).ever
            if 1 <= guess <= ever < learned:
                return guess, True
        return learned, False

    def _never(self, tier: str, shape: Shape, error: NeverEnough) -> Idle:
        context = self._context
        now_ns = context.clock.now_ns()
        context.log.warning("never_enough_tokens", tier=tier, cost=error.cost, most=error.max_cost, shape=shape.name)
        is_tried_soon = now_ns < self._next_trial_ns
        until_ns = min(now_ns + NEVER_NS, self._next_trial_ns) if is_tried_soon else now_ns + NEVER_NS
        return Idle(until_ns=until_ns, phase="waiting_tokens", why=str(error))

    def _idle(self, tier: str, cost: int, wait: Wait) -> Idle:
        now_ns = self._context.clock.now_ns()
        until_ns = wait.until_ns if wait.until_ns is not None else now_ns + LOOK_AGAIN_NS
        due_ns = self._context.ledger.next_try_ns()
        return Idle(
            until_ns=min(until_ns, due_ns) if due_ns > now_ns else until_ns,
            phase="waiting_tokens",
            why=_words(tier, cost, wait),
        )


def _words(tier: str, cost: int, wait: Wait) -> str:
    why = _REASONS.get(wait.reason, wait.reason)
    return f"{tier} waits for {cost} tokens ({why})"


def _promise_ns(wait: Wait) -> int | None:
    known = [at for at in (wait.until_ns, wait.latest_ns) if at is not None]
    return max(known, default=None)
