"""The whole system while everything around it breaks: afterwards nothing is left over, lost, or paid for twice.

Seeded: `CHAOS_SEED` chooses the events and `CHAOS_S` the seconds; every failure names both. What cannot be injected
here without privileges is a jump of the machine's clock: the clocks of ledger and supervisor have tests of their own.
"""

from __future__ import annotations

import sys
import threading
import time

import pytest

from tasks.keepa.client import KeepaClient, check
from tasks.keepa.request import DealRequest
from tasks.keepa.selection import default_selection
from tasks.keepa.simulator.config import SimulatorConfig
from tasks.keepa.simulator.server import SimulatorServer
from tasks.keepa.wire import decode_deals
from tasks.settings import Secret
from tasks.store.connection import connect
from tasks.store.embedded import EmbeddedPostgres
from tests.fakes.chaos import CHAOS_S, KEY, RATE, SEED, Chaos
from tests.fakes.program import all_gone, wait_until

OPEN = "select count(*) from fetch_queue where state in ('pending', 'leased')"
TWICE = "select count(*) - count(distinct (domain, asin)) from deals"
GIVEN_UP = "select count(*) from fetch_queue where state = 'given up'"
MARKET = {"deals": 1_500, "duplicates": 0.2, "start_unix_ms": round(time.time() * 1000), "seed": SEED}
PAID = "select coalesce(sum(cost), 0), coalesce(sum(estimate) filter (where cost is null), 0) from calls"


def listing(oracle):
    """The creation date of every deal that the server shows for the selection now, by ASIN."""
    found = {}
    with KeepaClient(Secret("other"), oracle.url) as client:
        for page in range(100):
            reply = client.send(DealRequest(default_selection(1).for_upsert(), page))
            check(reply)
            deals = decode_deals(reply.body).deals
            found |= {deal.asin: deal.creation_date for deal in deals}
            if len(deals) < 150:
                return found
    raise AssertionError("the list does not end")


@pytest.fixture
def oracle():
    """A server of the same market that can be asked for everything."""
    with SimulatorServer(SimulatorConfig(rate=10**6, start_balance=10**6, **MARKET)) as server:
        yield server


@pytest.fixture
def chaos(tmp_path):
    """A system that works."""
    config = SimulatorConfig(rate=RATE, tick_s=0.5, keys=frozenset({KEY}), hang_s=4, latency_s=0.03, **MARKET)
    with SimulatorServer(config) as server:
        one = Chaos(tmp_path, server)
        try:
            one.begin()
            yield one
        finally:
            one.program.kill()


def rage(chaos):
    """Let one thing after another go wrong."""
    ends = time.monotonic() + CHAOS_S
    while time.monotonic() < ends:
        threading.Event().wait(chaos.chance.uniform(1.5, 4.5))
        code = chaos.program.process.poll()
        assert code is None, f"it ended with {code}: {chaos.story()}"
        chaos.act()


def judge_rows(chaos, oracle):
    """In the calm: every deal that is shown is there once, and every product of the queue is fetched."""
    shown = listing(oracle)
    began = chaos.rows("select now()")[0][0]
    since = f"select count(*) from crawls where state = 'done' and started_at > '{began}'"
    wait_until(lambda: chaos.rows(since) == [(2,)], "a walk and a crawl since", 120, chaos.story)
    wait_until(lambda: chaos.rows(OPEN) == [(0,)], "an empty queue", 120, chaos.story)

    def lost():
        kept, later = dict(chaos.rows("select asin, creation_date from deals")), listing(oracle)
        return {asin for asin in shown.keys() & later.keys() if kept.get(asin, 0) < shown[asin]}

    # Deals that leave the list while it is crawled lift others over the edge of a page: the next crawl shows them.
    wait_until(lambda: not lost(), "every deal that is shown", 120, lambda: f"{lost()} {chaos.story()}")
    assert len(shown) > 50
    assert chaos.rows(TWICE) == [(0,)], chaos.story()
    assert chaos.rows(GIVEN_UP) == [(0,)], chaos.story()


def judge_leftovers(chaos, family):
    """After the stop: no process, no socket, no reply, no temporary file."""
    wait_until(lambda: all_gone(family), "everything gone", 10, chaos.story)
    assert chaos.family() == [], chaos.story()
    state = chaos.program.state
    left = [path for kind in ("*.sock", "spool*/**/*.part", "spool*/**/*.reply") for path in state.glob(kind)]
    assert left == [], chaos.story()


def judge_tokens(chaos, database):
    """The books balance, and the server charged what is recorded and at most what nobody saw the end of."""
    with (
        EmbeddedPostgres(chaos.program.state / "postgres") as server,
        connect(server.start(database), application_name="chaos") as conn,
    ):
        recorded, unseen = conn.execute(PAID).fetchone()
    books, account = chaos.program.ledger(), chaos.simulator.control()
    totals, bucket = books["totals"], books["bucket"]
    spent = {tier["name"]: tier["spent"] for tier in books["tiers"]}
    lost, most = account["spent"] - recorded, chaos.wire + unseen
    figures = f"{len(chaos.events)} events, {account['spent']} tokens, {lost} of them unseen, at most {most:g}"
    sys.stdout.write(f"seed {SEED}: {figures}; {account['refused_429']} refused; by tier {spent}\n")
    assert 0 <= lost <= most, f"{figures}: {chaos.story()}"
    came, went = totals["credited"] + bucket["drift"], bucket["balance"] + totals["spent"] + totals["expired"]
    assert round(came, 3) == round(went, 3), chaos.story()
    assert books["leases"] == [], chaos.story()
    assert min(spent["upsert"], spent["backfill"]) > 0, chaos.story()


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_nothing_is_left_over_lost_or_paid_for_twice(chaos, oracle):
    rage(chaos)
    chaos.calm()
    judge_rows(chaos, oracle)
    database = chaos.program.report()["run"]["database"]
    family = [int(pid) for pid in chaos.family()]
    assert chaos.program.stop() == 0, chaos.story()
    judge_leftovers(chaos, family)
    judge_tokens(chaos, database)
