"""The two jobs in virtual time, the same for every strategy: walks and details, and history without end."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import islice, repeat
from typing import TYPE_CHECKING

from benchmarks.scenarios.engine import NS_PER_S, Rest
from benchmarks.scenarios.load import pages
from benchmarks.scenarios.measures import BACKFILL, UPSERT
from tasks.keepa.request import DEAL_TOKENS, PRODUCT_TOKENS
from tasks.simulator.bucket import TICK_PERIOD_NS

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from benchmarks.scenarios.client import Call, Client
    from benchmarks.scenarios.engine import Engine
    from benchmarks.scenarios.load import Load
    from benchmarks.scenarios.measures import Recorder
    from benchmarks.scenarios.server import Server
    from ledger import ManualClock

CALL_NS = 1_000_000_000  # how long a call takes,
ITEM_NS = 30_000_000  # and each product in it
REFUSAL_NS = 300_000_000
STALE_NS = 24 * 3600 * NS_PER_S
POOL_LIMIT = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that a job needs."""

    engine: Engine
    clock: ManualClock
    server: Server
    client: Client
    load: Load
    recorder: Recorder


class Pool:
    """Deals whose details are wanted, by the time they were listed; the newest go first, the oldest are dropped."""

    def __init__(self) -> None:
        self._lots: deque[tuple[int, int]] = deque()
        self.size = 0

    def add(self, now_ns: int, count: int) -> None:
        """Want these too; beyond the limit, and after a day, the oldest are dropped."""
        if count:
            self._lots.append((now_ns, count))
            self.size += count
        while self._lots and self._lots[0][0] < now_ns - STALE_NS:
            self.size -= self._lots.popleft()[1]
        while self.size > POOL_LIMIT:
            at_ns, oldest = self._lots.popleft()
            kept = max(0, oldest - (self.size - POOL_LIMIT))
            self.size += kept - oldest
            if kept:
                self._lots.appendleft((at_ns, kept))

    def take(self, count: int) -> None:
        """The newest are no longer wanted: they are here."""
        self.size -= count
        while count:
            at_ns, lot = self._lots.pop()
            taken = min(lot, count)
            count -= taken
            if lot > taken:
                self._lots.append((at_ns, lot - taken))


def upsert(world: World) -> Generator[Rest, None, None]:
    """Walk through what is new at each poll; details in between, newest first."""
    pool = Pool()
    start_ns = due_ns = world.clock.now_ns()
    listed = 0
    while True:
        now_ns = world.clock.now_ns()
        if now_ns >= due_ns:
            ticks = (now_ns - start_ns) // TICK_PERIOD_NS
            fresh = sum(world.load.arrivals[listed:ticks])
            listed = ticks
            for _ in range(pages(fresh)):
                yield from _page(world)
            world.recorder.wanted_details += fresh
            pool.add(now_ns, fresh)
            due_ns = world.clock.now_ns() + world.load.poll_ns
        elif pool.size:
            yield from _details(world, pool, due_ns)
        else:
            yield Rest(due_ns)


def backfill(world: World) -> Generator[Rest, None, None]:
    """One batch after the other."""
    costs = world.load.product_costs()
    while True:
        call = yield from _obtain(world, BACKFILL, world.client.history)
        granted_ns = world.clock.now_ns()
        if (yield from _make(world, call, BACKFILL, costs)):
            world.recorder.backfill(granted_ns)
            world.recorder.history(world.clock.now_ns(), call.items)


def _page(world: World) -> Generator[Rest, None, None]:
    wanted_ns = granted_ns = world.clock.now_ns()
    is_read = False
    while not is_read:
        call = yield from _obtain(world, UPSERT, world.client.page)
        granted_ns = world.clock.now_ns()
        is_read = yield from _make(world, call, UPSERT, repeat(DEAL_TOKENS))
    world.recorder.page(wanted_ns, granted_ns)


def _details(world: World, pool: Pool, due_ns: int) -> Generator[Rest, None, None]:
    """One call for details, or a rest until there may be tokens, at the most until the next poll."""
    outcome = world.client.details(pool.size)
    if isinstance(outcome, int):
        world.recorder.waiting.add(UPSERT)
        yield Rest(min(outcome, due_ns))
        world.recorder.waiting.discard(UPSERT)
    elif (yield from _make(world, outcome, UPSERT, repeat(PRODUCT_TOKENS))):
        pool.take(outcome.items)
        world.recorder.details(world.clock.now_ns(), outcome.items)


def _obtain(world: World, tier: str, ask: Callable[[], Call | int]) -> Generator[Rest, None, Call]:
    """A call, as soon as the strategy lets it go."""
    world.recorder.waiting.add(tier)
    while isinstance(outcome := ask(), int):
        yield Rest(outcome, wakes=True)
    world.recorder.waiting.discard(tier)
    return outcome


def _make(world: World, call: Call, tier: str, costs: Iterator[int]) -> Generator[Rest, None, bool]:
    """Make the call, each item at the next cost; whether the server took it. A refusal costs nothing."""
    call.sent()
    is_admitted = world.server.admits()
    length_ns = CALL_NS + call.items * ITEM_NS if is_admitted else REFUSAL_NS
    yield Rest(world.clock.now_ns() + length_ns)
    cost = sum(islice(costs, call.items)) if is_admitted else 0
    if is_admitted:
        world.recorder.spent(tier, cost)
    else:
        world.recorder.refused()
    call.done(cost, world.server.reply(cost), refused=not is_admitted)
    world.engine.notify()
    return is_admitted
