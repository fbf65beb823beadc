"""Our strategy: the real ledger, asked as the jobs of the single-process debug mode ask it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.scenarios.engine import NS_PER_S
from benchmarks.scenarios.measures import BACKFILL, UPSERT
from ledger import DEFAULT_TIERS, TokenLedger, Wait
from tasks.keepa.request import DEAL_TOKENS, deal_shape, product_shape
from tasks.planning.pacing import batch_size, fit
from tasks.simulator.bucket import TICK_PERIOD_NS

if TYPE_CHECKING:
    from benchmarks.scenarios.server import Server
    from ledger import Lease, ManualClock, Place, Reading, Shape

MOST_ITEMS = 100  # of a request without offers
LOOK_AGAIN_NS = NS_PER_S // 2  # when only an event can tell
GUARD_NS = NS_PER_S  # the ledger counts a tick a second after it was announced


class OurCall:
    """A lease in hand."""

    def __init__(self, client: Ours, lease: Lease, items: int) -> None:
        self.items = items
        self._client = client
        self._lease = lease

    def sent(self) -> None:
        """The lease is committed."""
        self._lease.commit()

    def done(self, cost: int, reading: Reading, *, refused: bool = False) -> None:
        """The lease is settled with the reply."""
        self._lease.settle(cost, reading, refused=refused)
        self._client.learn(reading)


class Ours:
    """A client of the ledger with the default tiers."""

    def __init__(self, server: Server, clock: ManualClock) -> None:
        self._clock = clock
        self._rate = server.bucket.plan.rate
        self.ledger = TokenLedger.in_memory(DEFAULT_TIERS, clock)
        reading = server.reply(0)
        self.ledger.observe(reading)
        self._estimates: dict[tuple[str, int], int] = {}  # they change with a settlement only, and looking costs time
        self.learn(reading)
        self._places = {tier: self.ledger.place(tier) for tier in (UPSERT, BACKFILL)}

    def page(self) -> OurCall | int:
        """A page: waited for in the queue."""
        return self._poll(self._places[UPSERT], deal_shape())

    def details(self, most: int) -> OurCall | int:
        """As many as there are tokens for beyond the next page; never queued for, so until the next tick."""
        spare = self.ledger.headroom(UPSERT).now - DEAL_TOKENS
        most = max(0, min(most, MOST_ITEMS, spare))  # an item costs a token at the least
        size = fit(lambda n: self._estimate(product_shape("stats", n)), tokens=spare, max_items=most)
        if size:
            shape = product_shape("stats", size)
            outcome = self.ledger.try_reserve(UPSERT, self._estimate(shape), shape=shape)
            if not isinstance(outcome, Wait):
                return self._call(outcome, size)
        return self._next_tick_ns()

    def history(self) -> OurCall | int:
        """A batch as large as there is room for, or as a tick brings."""
        room = self.ledger.headroom(BACKFILL)
        size = batch_size(
            lambda n: self._estimate(product_shape("history", n)),
            now=room.now,
            ever=room.ever,
            tick_tokens=self._rate,
            max_items=min(MOST_ITEMS, max(room.now, self._rate)),  # an item costs a token at the least
        )
        return self._poll(self._places[BACKFILL], product_shape("history", size))

    def granted(self, lease: Lease) -> None:
        """A lease was granted: nothing to do; tests look in here."""

    def learn(self, reading: Reading) -> None:
        """A call has ended with this reading."""
        self._tick_ns = self._clock.now_ns() + reading.refill_in_ms * 1_000_000 + GUARD_NS
        self._estimates.clear()

    def _next_tick_ns(self) -> int:
        """When the ledger counts the next tick, near enough."""
        late_ns = self._clock.now_ns() - self._tick_ns
        return self._tick_ns + (late_ns // TICK_PERIOD_NS + 1) * TICK_PERIOD_NS if late_ns >= 0 else self._tick_ns

    def _estimate(self, shape: Shape) -> int:
        key = (shape.name, shape.items)
        if key not in self._estimates:
            self._estimates[key] = self.ledger.estimate(shape)
        return self._estimates[key]

    def _poll(self, place: Place, shape: Shape) -> OurCall | int:
        outcome = place.poll(self._estimate(shape), shape=shape)
        if not isinstance(outcome, Wait):
            return self._call(outcome, shape.items)
        return outcome.until_ns if outcome.until_ns is not None else self._clock.now_ns() + LOOK_AGAIN_NS

    def _call(self, lease: Lease, items: int) -> OurCall:
        self.granted(lease)
        return OurCall(self, lease, items)
