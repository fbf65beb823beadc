"""Getting a lease: wait at the gate, or say until when; ask the server for the balance when the ledger says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

from ledger import NS_PER_S, NeedsReading, NeverEnough, Stopped, Wait
from tasks.job import Idle

if TYPE_CHECKING:
    from collections.abc import Callable

    from ledger import Lease, Place, Reading, Shape
    from tasks.job import Site

LOOK_AGAIN_NS: Final = NS_PER_S // 2  # when only an event can open the gate and this process may not block for it
NEVER_NS: Final = 60 * NS_PER_S  # a plan that can never pay for one item: look again, the plan may change


class Granted:
    """A lease in hand, what for, and how long it was waited for. As a context it ends the lease whatever happens."""

    def __init__(self, lease: Lease, shape: Shape, waited_s: float) -> None:
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
        if not self.lease.is_open:
            return
        if self._is_sent:
            self.lease.settle(None)  # nobody knows what the call cost: charged until a reading tells
        else:
            self.lease.cancel()


class Gate:
    """The ledger as one worker sees it."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._places: dict[str, Place] = {}

    def close(self) -> None:
        """Give up the places held between two steps."""
        for place in self._places.values():
            place.leave()

    def reserve(
        self, tier: str, plan: Callable[[], Shape], read_balance: Callable[[], Reading], *, may_wait: bool
    ) -> Granted | Idle:
        """A lease for a request of the shape planned, waited for if that is allowed, or when to come back.

        The plan is made anew after each reading: what fits depends on the balance. Where a step must not block, the
        place in the queue is kept until the next one, so that the tier saves up its share all the same.

        Raises:
            Transient: the balance is unknown and the server does not tell it.
            Forbidden: the server does not serve this key.
        """
        site = self._site
        began_ns = site.clock.now_ns()
        while True:
            shape = plan()
            cost = site.ledger.estimate(shape)
            try:
                lease = self._lease(tier, cost, shape, may_wait=may_wait)
            except NeedsReading:
                site.ledger.observe(read_balance())
            except NeverEnough as error:
                return self._never(tier, shape, error)
            except Stopped:
                return Idle(until_ns=None, phase="stopping", why="asked to stop while waiting for tokens")
            else:
                if isinstance(lease, Wait):
                    return self._idle(tier, cost, lease)
                return Granted(lease, shape, (site.clock.now_ns() - began_ns) / NS_PER_S)

    def reserve_now(self, tier: str, shape: Shape) -> Granted | Idle:
        """A lease if the gate is open at this moment, or when to come back."""
        cost = self._site.ledger.estimate(shape)
        try:
            lease = self._site.ledger.try_reserve(tier, cost, shape=shape)
        except NeedsReading as error:
            # This process is the one to ask, and does so when it plans anew.
            return Idle(until_ns=self._site.clock.now_ns(), phase="waiting_tokens", why=str(error))
        except NeverEnough as error:
            return self._never(tier, shape, error)
        return self._idle(tier, cost, lease) if isinstance(lease, Wait) else Granted(lease, shape, 0.0)

    def _lease(self, tier: str, cost: int, shape: Shape, *, may_wait: bool) -> Lease | Wait:
        if not may_wait:
            return self._site.ledger.try_reserve(tier, cost, shape=shape)
        place = self._places.setdefault(tier, self._site.ledger.place(tier))

        def tell(wait: Wait) -> None:
            self._site.beat.phase("waiting_tokens", _words(tier, cost, wait), until_ns=_promise_ns(wait))

        try:
            if not self._site.blocking:
                return place.poll(cost, shape=shape)
            return place.wait(cost, shape=shape, stop=self._site.stop, on_wait=tell)
        except (NeverEnough, Stopped):
            place.leave()
            raise

    def _never(self, tier: str, shape: Shape, error: NeverEnough) -> Idle:
        site = self._site
        site.log.warning("never_enough_tokens", tier=tier, cost=error.cost, most=error.most, shape=shape.name)
        return Idle(until_ns=site.clock.now_ns() + NEVER_NS, phase="waiting_tokens", why=str(error))

    def _idle(self, tier: str, cost: int, wait: Wait) -> Idle:
        until_ns = wait.until_ns if wait.until_ns is not None else self._site.clock.now_ns() + LOOK_AGAIN_NS
        return Idle(until_ns=until_ns, phase="waiting_tokens", why=_words(tier, cost, wait))


def _words(tier: str, cost: int, wait: Wait) -> str:
    return f"{tier} waits for {cost} tokens ({wait.reason})"


def _promise_ns(wait: Wait) -> int | None:
    known = [at for at in (wait.until_ns, wait.latest_ns) if at is not None]
    return max(known, default=None)
