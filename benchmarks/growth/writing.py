"""What writing takes in a small database and in a large one: pages of deals, products, the queue, calls.

Each step is rolled back at its end, so that a database stays as it is and the next step finds the same; what a commit
waits for on the disk is the same for all sizes, and is not among these figures.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime
from functools import partial

from msgspec.structs import replace

from benchmarks.growth.fill import DETAIL, stream
from benchmarks.growth.measure import Aim, connections, interleaved
from benchmarks.growth.source import BATCH, DOMAIN, Market, calls
from tasks.keepa.prices import KEEPA_EPOCH_MIN
from tasks.planning import streams
from tasks.store import deals
from tasks.store.calls import calls as call_table
from tasks.store.products import products
from tasks.store.queue import queue

PAGE = 150
SOME = "SELECT asin FROM {table} WHERE domain = 1 ORDER BY md5(asin || '{number}') LIMIT {count}"
LEASE_S = 600


def writes(bench):
    """The steps of both jobs, in all sizes in turns."""
    with Market(2 * PAGE) as market:
        found, _ = market.deals(PAGE)
        page = list(found.values())
        batch = next(market.products(list(found)[:BATCH]))
    with connections(bench.urls) as conns:
        steps = {name: _Steps(conn, bench.rounds + 1, page, batch) for name, conn in conns.items()}
        rows = []
        for what, method, aim in (
            (f"a page of {PAGE} deals, all new", _Steps.new_deals, None),
            (f"a page of {PAGE} deals, all changed", _Steps.changed_deals, Aim("L/S", 1.3)),
            (f"a page of {PAGE} deals, none changed", _Steps.known_deals, None),
            (f"{len(batch)} products, all changed", _Steps.changed_products, None),
            (f"{BATCH} products claimed from the queue", _Steps.claim, None),
            (f"{PAGE} products queued", _Steps.enqueue, None),
            ("a call recorded", _Steps.call, None),
        ):
            ways = {name: partial(method, one) for name, one in steps.items()}
            rows += interleaved(ways, bench.spent(conns), bench.rounds).rows(what, aim)
    return rows


class _Steps:
    """The steps on one connection; the products of each are drawn from all, so that nothing of them is at hand."""

    def __init__(self, conn, rounds, page, batch):
        self.conn, self.page, self.batch = conn, page, batch
        self.now = datetime.now(UTC)
        self.minute = int(self.now.timestamp()) // 60 - KEEPA_EPOCH_MIN
        self.chosen = streams.wanted_streams([stream()])
        self.listed = iter([self._some("deal_rows", number, PAGE) for number in range(2 * rounds)])
        self.fetched = iter([self._some("products", number, len(batch)) for number in range(rounds)])
        self.call_made = next(calls(1, self.now, self.now - self.now))

    def _some(self, table, number, count):
        query = SOME.format(table=table, number=number, count=count)
        return [asin for (asin,) in self.conn.execute(query.encode()).fetchall()]

    def _write(self, asins, last_update):
        page = [replace(deal, asin=asin, last_update=last_update) for asin, deal in zip(asins, self.page, strict=False)]
        with self.conn.transaction(force_rollback=True):
            deals.write(self.conn, DOMAIN, page, seen_at=self.now)

    def new_deals(self):
        self._write([f"B{random.randrange(10**9):09d}" for _ in self.page], self.minute)

    def changed_deals(self):
        self._write(next(self.listed), self.minute)

    def known_deals(self):
        self._write(next(self.listed), 0)

    def changed_products(self):
        named = [
            replace(one, asin=asin, last_update=self.minute)
            for asin, one in zip(next(self.fetched), self.batch, strict=False)
        ]
        with self.conn.transaction(force_rollback=True):
            products.write(self.conn, DOMAIN, named, fetched_at=self.now, has_history=True)

    def claim(self):
        with self.conn.transaction(force_rollback=True):
            queue.claim(self.conn, owner="bench", limit=BATCH, lease_s=LEASE_S, chosen=self.chosen)

    def enqueue(self):
        asins = [f"B{random.randrange(10**9):09d}" for _ in range(PAGE)]
        with self.conn.transaction(force_rollback=True):
            queue.enqueue(self.conn, DOMAIN, asins, detail=DETAIL, selection_key=stream().key)

    def call(self):
        with self.conn.transaction(force_rollback=True):
            call_table.record(self.conn, self.call_made)
