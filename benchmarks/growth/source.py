"""Deals, products, calls and faults for the smallest size, as the simulator sends them and the client reads them."""

from __future__ import annotations

import random
from datetime import timedelta

from msgspec.structs import replace

from tasks.keepa.client import KeepaClient
from tasks.keepa.decode.replies import decode_deals, decode_products
from tasks.keepa.request import DealRequest, ProductRequest
from tasks.keepa.selection.selection import parse
from tasks.secret import Secret
from tasks.simulator.config import SimulatorConfig
from tasks.simulator.server import SimulatorServer
from tasks.store.calls.calls import Call

DOMAIN = 1
BATCH = 100
PLENTY = 10**6
PRICE_TYPES = (1, 0, 18, 2)  # a selection lists ten thousand rows at most, so one alone does not suffice
MINUTE = timedelta(minutes=1)


class Market:
    """A simulator with at least so many deals, and its client."""

    def __init__(self, deals):
        config = SimulatorConfig(deals=deals + deals // 5, rate=PLENTY, start_balance=PLENTY, closed_share=0.0)
        self._server, self._client = SimulatorServer(config), None

    def __enter__(self):
        self._client = KeepaClient(Secret("bench"), self._server.__enter__().url).__enter__()
        return self

    def __exit__(self, *error):
        self._client.__exit__(*error)
        self._server.__exit__(*error)

    def deals(self, count):
        """So many deals by ASIN, and the names of the root categories by number."""
        found, names = {}, {}
        for price_type in PRICE_TYPES:
            query = {"domainId": DOMAIN, "priceTypes": [price_type], "dateRange": 3, "sortType": 1}
            page = 0
            while len(found) < count and (reply := self._page(query, page)).deals:
                found |= {deal.asin: deal for deal in reply.deals}
                names |= dict(zip(reply.category_ids, reply.category_names, strict=True))
                page += 1
        if len(found) < count:
            raise SystemExit(f"the simulator has {len(found)} deals and not {count}")
        return dict(list(found.items())[:count]), names

    def _page(self, query, page):
        return decode_deals(self._client.send(DealRequest(parse(query, name="bench"), page)).body)

    def products(self, asins):
        """Lists of products with histories and figures, as the calls of a backfill give them."""
        for at in range(0, len(asins), BATCH):
            reply = self._client.send(ProductRequest(DOMAIN, tuple(asins[at : at + BATCH]), "history"))
            yield decode_products(reply.body).products


def aged(deal, age):
    """The deal as it was listed so long ago: every minute in it lies that much further back."""
    minutes = age // MINUTE
    return replace(
        deal,
        current_since=[since - minutes if since > 0 else since for since in deal.current_since],
        creation_date=deal.creation_date - minutes,
        last_update=deal.last_update - minutes,
        lightning_start=deal.lightning_start and deal.lightning_start - minutes,
        lightning_end=deal.lightning_end and deal.lightning_end - minutes,
    )


def calls(count, now, span):
    """So many calls, evenly over the time before `now`: pages, products, looks at the balance, and what failed."""
    chance = random.Random(1)
    kinds = (
        ("upsert", "/deal", "deal", 1, 5, 150),
        ("upsert", "/product", "product:stats", 20, 20, 20),
        ("backfill", "/product", "product:history", BATCH, BATCH, BATCH),
        ("", "/token", "token", 0, 0, 0),
    )
    balance = 300
    for number in range(count):
        tier, endpoint, shape, items, cost, rows = chance.choices(kinds, (6, 2, 4, 1))[0]
        luck = chance.random()
        status = 200 if luck > 0.03 else 429 if luck > 0.01 else None if luck > 0.005 else 500
        balance = max(-50, min(300, balance + chance.randint(-20, 20)))
        yield Call(
            at=now - span * (count - number) / (count + 1),
            tier=tier,
            endpoint=endpoint,
            shape=shape,
            items=items,
            estimate=cost,
            cost=None if status is None else cost if status == 200 else 0,
            balance=None if status is None else balance,
            status=status,
            duration_s=chance.uniform(0.2, 4.0),
            waited_s=chance.choice((0.0, 0.0, chance.uniform(0.1, 600.0))),
            worker=f"{tier or 'upsert'}-0",
            rows=chance.randint(0, rows) if status == 200 else 0,
        )


def faults(count):
    """So many arguments of `quarantine.add`, a few reasons over and over as in life, 640 bytes each."""
    chance = random.Random(2)
    reasons = ("title: expected a text, got a number", "csv: an odd number of values", "not JSON: byte 120", "no asin")
    for number in range(count):
        kind = chance.choice(("deal", "product", "product", "body"))
        key = f"B{number:09d}" if kind != "body" else f"deal page {number}"
        yield {"kind": kind, "key": key, "reason": chance.choice(reasons), "raw": chance.randbytes(640)}
