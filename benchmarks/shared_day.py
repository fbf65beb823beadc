"""A day of virtual time: three hosts on one row spend what one host with a ledger of its own spends, plan by plan.

Each host has a worker that looks for deals every five minutes and two that want batches all the time. Refused calls,
expired tokens, the wait of the first kind and the share of the second are held to their aims, and what both ledgers
spend is compared. Time is the benchmark's own, so a loaded machine changes nothing but how long it takes. The exit code
is 1 where an aim is missed.

    PYTHONPATH=. python benchmarks/shared_day.py [--hours 24] [--rates 5 20 60 1200 4000]
"""

from __future__ import annotations

import argparse
import heapq
import itertools
import random
import statistics
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ledger import DEFAULT_TIERS, Lease, ManualClock, NeedsReading, Reading, TokenLedger
from ledger.storage import file
from ledger.storage.mapped import MappedHome
from tasks.embedded_postgres.server import EmbeddedPostgres
from tasks.simulator.bucket import NS_PER_MS, NS_PER_S, Bucket, Plan
from tasks.store import migrate
from tasks.store.connection import connect
from tasks.store.ledger_row import hosts
from tasks.store.ledger_row.hosts import Newcomer
from tasks.store.ledger_row.patience import NoPatience
from tasks.store.ledger_row.row import RowHome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ledger.place import Place
    from ledger.storage.home import Home
    from tasks.errors import DatabaseTransient
    from tasks.store.connection import Connection

START_NS = 10**15
EPOCH_MS = 1_700_000_000_000
POLL_S = 300
LOOK_S = 60
PAGE = 5
PER_HOST = ("upsert", "backfill", "backfill")
HOSTS = ("a", "b", "c")
BACKFILL_SHARE = 0.2  # of what the plan earns, at least
ACCOUNTS = itertools.count(2**60 + 1)


class Again(NoPatience):
    """Tries again at once: on a loaded machine a process may stand still for longer than the server waits for it."""

    def failed(self, error: DatabaseTransient) -> None:
        """Do nothing: the next line is another one."""


class Day:
    """Hours of virtual time: each worker looks for deals now and then, or wants batches all the time.

    Attributes:
        spent: tokens by tier.
        refused: calls that came when the server admits none.
        waits_s: how long each look for deals had to wait.
    """

    def __init__(self, rate: int, homes: Iterable[Home], clock: ManualClock) -> None:
        self.rate, self.clock, self.chance = rate, clock, random.Random(rate)
        self.bucket = Bucket(Plan(rate=rate), first_tick_ns=START_NS + 11 * NS_PER_S, start=30 * rate)
        self.ledgers = [TokenLedger(home) for home in homes]
        self.ledgers[0].configure(DEFAULT_TIERS, 60.208)
        self.ledgers[0].observe(self.reading())
        self.todo: list[tuple[int, int, Callable[[], None]]] = []
        self.numbers = itertools.count()
        self.spent, self.refused, self.waits_s = {"upsert": 0, "backfill": 0}, 0, list[float]()
        for ledger, tier in zip(self.ledgers, itertools.cycle(PER_HOST), strict=False):
            place = ledger.place(tier)
            cost = PAGE if tier == "upsert" else 4 * rate
            self.later(len(self.todo), lambda place=place, cost=cost: self.want(place, cost, self.clock.now_ns()))

    @property
    def wait_p99_s(self) -> float:
        return statistics.quantiles(self.waits_s, n=100)[98]

    def reading(self) -> Reading:
        now_ns = self.clock.now_ns()
        self.bucket.advance(now_ns)
        server_ms = EPOCH_MS + (now_ns - START_NS) // NS_PER_MS
        return Reading(self.bucket.balance, self.rate, self.bucket.refill_in_ms(now_ns), server_ms)

    def later(self, seconds: float, what: Callable[[], None]) -> None:
        at_ns = self.clock.now_ns() + max(1, round(seconds * NS_PER_S))
        heapq.heappush(self.todo, (at_ns, next(self.numbers), what))

    def want(self, place: Place, cost: int, since_ns: int) -> None:
        try:
            outcome = place.poll(cost)
        except NeedsReading:
            self.ledgers[0].observe(self.reading())
            outcome = place.poll(cost)
        if not isinstance(outcome, Lease):  # as a waiter does: at the told time, and now and then without an event
            until_s = (outcome.until_ns - self.clock.now_ns()) / NS_PER_S if outcome.until_ns is not None else LOOK_S
            self.later(max(1, min(until_s, LOOK_S)), lambda: self.want(place, cost, since_ns))
            return
        if place.tier == "upsert":
            self.waits_s.append((self.clock.now_ns() - since_ns) / NS_PER_S)
        outcome.commit()
        self.later(self.chance.uniform(0.3, 5), lambda: self.answered(place, outcome))

    def answered(self, place: Place, lease: Lease) -> None:
        self.bucket.advance(self.clock.now_ns())
        self.refused += not self.bucket.is_admitting
        self.bucket.charge(lease.cost)
        lease.settle(lease.cost, self.reading())
        self.spent[place.tier] += lease.cost
        pause_s = POLL_S if place.tier == "upsert" else 1
        self.later(pause_s, lambda: self.want(place, lease.cost, self.clock.now_ns()))

    def live(self, hours: float) -> Day:
        ends_ns = START_NS + round(hours * 3600) * NS_PER_S
        while self.todo and self.todo[0][0] < ends_ns:
            at_ns, _, what = heapq.heappop(self.todo)
            self.clock.advance_to_ns(at_ns)
            what()
        self.bucket.advance(ends_ns)
        return self

    def faults(self) -> list[str]:
        """Which aims this day has missed."""
        told = {
            f"{self.refused} calls refused": self.refused == 0,
            f"{self.bucket.expired} tokens expired": self.bucket.expired == 0,
            f"a wait of {self.wait_p99_s:.0f} s": self.wait_p99_s <= POLL_S,
            f"{self.spent['backfill']} for backfill": self.spent["backfill"] >= BACKFILL_SHARE * self.bucket.refilled,
        }
        return [fault for fault, is_good in told.items() if not is_good]


def shared_day(url: str, conn: Connection, rate: int, hours: float) -> Day:
    """The day of workers of three hosts, which are alive until tomorrow."""
    clock, account = ManualClock(START_NS), next(ACCOUNTS)
    homes = []
    for name in HOSTS:
        joined = hosts.join(conn, Newcomer(id=name, name=name, version="1"))
        number = joined if isinstance(joined, int) else joined.number
        homes += [RowHome(url, account, number, clock=clock) for _ in PER_HOST]
    for home in homes:
        home.patience = Again()
    homes[0].create(str(account))
    try:
        return Day(rate, homes, clock).live(hours)
    finally:
        for home in homes:
            home.close()


def day_alone(rate: int, hours: float) -> Day:
    """The same workers on one host with a ledger of its own."""
    clock, region = ManualClock(START_NS), file.in_memory()
    return Day(rate, [MappedHome(region, clock) for _ in HOSTS for _ in PER_HOST], clock).live(hours)


def apart(shared: Day, alone: Day) -> float:
    """By how much the two differ in what they spend, of the tier in which they differ most, as a part."""
    return max(abs(shared.spent[tier] - tokens) / tokens for tier, tokens in alone.spent.items())


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=24)
    parser.add_argument("--rates", type=int, nargs="+", default=[5, 20, 60, 1_200, 4_000])
    options = parser.parse_args(argv)
    missed = 0
    with tempfile.TemporaryDirectory() as folder, EmbeddedPostgres(Path(folder) / "postgres") as server:
        url = server.start("day")
        with connect(url, application_name="day", autocommit=True) as conn:
            migrate.apply_migrations(conn)
            for rate in options.rates:
                shared, alone = shared_day(url, conn, rate, options.hours), day_alone(rate, options.hours)
                part = apart(shared, alone)
                faults = [*shared.faults(), *([] if part <= 0.01 else [f"{part:.1%} apart"])]
                missed += bool(faults)
                print(
                    f"{rate:5} a minute: {shared.spent['upsert']:9,} for upsert, {shared.spent['backfill']:9,} for "
                    f"backfill, p99 of its wait {shared.wait_p99_s:3.0f} s, longest {max(shared.waits_s):3.0f} s; "
                    f"{part:.2%} apart from one host: {'; '.join(faults) or 'good'}",
                    flush=True,
                )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
