"""Upsert against a living market in virtual time: real HTTP, real PostgreSQL, hours in seconds."""

from __future__ import annotations

import io
import itertools
import json

import pytest

from ledger import ManualClock, TokenLedger
from tasks import job
from tasks.beat import Beat
from tasks.keepa.client import KeepaClient, check
from tasks.keepa.prices import KEEPA_EPOCH_MIN
from tasks.keepa.request import DealRequest
from tasks.keepa.selection import for_domains
from tasks.keepa.simulator.config import SimulatorConfig
from tasks.keepa.simulator.server import SimulatorServer
from tasks.keepa.wire import decode_deals
from tasks.log import Logger
from tasks.settings import Secret, SelectionSettings, WorkerSettings
from tasks.stop import Stop
from tasks.store.connection import connect
from tests.fixtures_jobs import QUERY

NS = 10**9
TICK_S = 60.0
START_MS = 1_757_873_538_842
START_MIN = START_MS // 60_000 - KEEPA_EPOCH_MIN
WIDE = QUERY | {"isFilterEnabled": False, "isRangeEnabled": False, "dateRange": 0}


class Town:
    """A market, a small plan, and the job in this process, all on one clock that moves only while the job rests."""

    def __init__(self, folder, database_url, query, **market):
        self.clock = ManualClock(10**15)
        given = {"rate": 5, "tick_s": TICK_S, "deals": 500, "clock": self.clock, "start_unix_ms": START_MS}
        self.simulator = SimulatorServer(SimulatorConfig(**given | market))
        self.oracle = SimulatorServer(SimulatorConfig(**given | market | {"rate": 10**6}))
        self.simulator.start()
        self.oracle.start()
        self.ledger = TokenLedger.create(folder / "ledger", clock=self.clock, tick_period_s=TICK_S)
        self.folder, self.database_url, self.query = folder, database_url, query
        self.stop = Stop()
        self.text = io.StringIO()
        self.beats = []
        self.jobs = []

    def job(self, role="upsert", **changes):
        settings = WorkerSettings(
            api_key=Secret("any-key"),
            base_url=self.simulator.url,
            database_url=Secret(self.database_url),
            ledger_path=str(self.folder / "ledger"),
            spool_dir=str(self.folder / "spool"),
            selections=(SelectionSettings(name="default", query=self.query),),
            domains=(1,),
            **changes,
        )
        beat = Beat(self.beats.append, self.clock)
        made = job.build(role, settings, self.ledger, self.clock, self.stop, Logger(self.text), beat, blocking=False)
        self.jobs.append(made)
        return made

    def run(self, work, seconds, *, after=lambda _outcome: None):
        """Steps until so much time has passed on the clock."""
        ends_ns = self.clock.now_ns() + round(seconds * NS)
        while self.clock.now_ns() < ends_ns:
            outcome = work.step()
            after(outcome)
            if isinstance(outcome, job.Idle):
                at_ns = self.clock.now_ns() + NS if outcome.until_ns is None else outcome.until_ns
                self.clock.advance_to_ns(min(at_ns, ends_ns))

    def market(self):
        """Every deal that the server shows for the selection now, by ASIN."""
        (selection,) = for_domains(self.query, name="oracle", domains=(1,))
        found = {}
        with KeepaClient(Secret("other"), self.oracle.url) as client:
            for page in range(100):
                reply = client.send(DealRequest(selection.for_upsert(), page))
                check(reply)
                deals = decode_deals(reply.body).deals
                found |= {deal.asin: deal for deal in deals}
                if len(deals) < 150:
                    return found
        return found

    def minute(self):
        return self.simulator.control()["log"][-1]["at_ms"] // 60_000 - KEEPA_EPOCH_MIN

    def events(self, name):
        lines = [json.loads(line) for line in self.text.getvalue().splitlines()]
        return [line for line in lines if line["event"] == name]

    def rows(self, statement):
        with connect(self.database_url, application_name="test", autocommit=True) as conn:
            return conn.execute(statement).fetchall()

    def close(self):
        for made in self.jobs:
            made.close()
        self.stop.close()
        self.ledger.close()
        self.simulator.stop()
        self.oracle.stop()


@pytest.fixture
def town(tmp_path, database_url):
    opened = []

    def make(query=QUERY, **market):
        opened.append(Town(tmp_path, database_url, query, **market))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


@pytest.mark.timeout(120)
def test_every_deal_that_appeared_is_in_deals_after_the_next_poll_and_the_pace_is_a_fifth_of_the_refill(town):
    here = town(WIDE)
    work = here.job(upsert_detail="none")
    began = here.clock.now_ns()
    marks = []
    checked = set()

    def compare(outcome):
        if not (isinstance(outcome, job.Progress) and outcome.completes):
            return
        kept = dict(here.rows("select asin, creation_date from deals"))
        news_since = marks[-1] if marks else here.minute() - 23 * 60
        for asin, deal in here.market().items():
            if deal.creation_date > news_since:
                assert kept.get(asin) == deal.creation_date
                checked.add((asin, deal.creation_date))
        marks.append(here.rows("select minute from watermarks")[0][0])
        assert marks[-1] <= here.minute()

    here.run(work, 1.5 * 3600, after=compare)
    polls = here.events("walk_complete")
    state = here.simulator.control()
    hours = (here.clock.now_ns() - began) / NS / 3600
    assert len(checked) > 50
    assert len(polls) >= 1.5 * 3600 / 300 * 0.9
    assert sum(poll["tokens"] for poll in polls[1:]) <= 5 * 60 * hours * 0.21
    assert marks == sorted(marks)
    assert state["refused_429"] == 0
    assert state["lowest_balance"] > 0


def test_a_walk_that_was_interrupted_goes_on_at_its_page_and_only_then_moves_the_watermark(town):
    here = town(WIDE)
    first = here.job(upsert_detail="none")
    while not here.rows("select 1 from calls where endpoint = '/deal'"):
        first.step()
    assert here.rows("select page, state from crawls") == [(1, "running")]
    assert here.rows("select * from watermarks") == []
    first.close()
    here.clock.advance_s(40)
    second = here.job(upsert_detail="none")
    while not here.events("walk_complete"):
        here.run(second, 1)
    pages = [call["page"] for call in here.simulator.control()["log"] if call["endpoint"] == "/deal"]
    assert pages == list(range(len(pages)))
    assert len(pages) > 1
    ((mark,),) = here.rows("select minute from watermarks")
    assert START_MIN - 60 < mark <= here.minute()


def test_a_worker_that_starts_again_does_not_pay_for_a_poll_that_is_not_due(town):
    here = town(QUERY)
    first = here.job(upsert_detail="none")
    while not here.events("walk_complete"):
        here.run(first, 1)
    first.close()
    spent = here.simulator.control()["spent"]
    again = here.job(upsert_detail="none")
    here.run(again, 200)
    assert here.simulator.control()["spent"] == spent


@pytest.mark.timeout(120)
def test_details_are_the_newest_first_and_never_delay_a_poll(town):
    here = town(WIDE, start_balance=140)
    work = here.job(upsert_detail="stats")
    due = []

    def watch(outcome):
        if isinstance(outcome, job.Progress) and outcome.completes:
            due.append(here.clock.now_ns() / NS)

    here.run(work, 3600, after=watch)
    waits = [later - earlier for earlier, later in itertools.pairwise(due)]
    assert len(waits) > 10
    assert max(waits) <= 300 + TICK_S
    asked = [call["asins"] for call in here.simulator.control()["log"] if call["endpoint"] == "/product"]
    dates = dict(here.rows("select asin, creation_date from deals"))
    first = [dates[asin] for asin in asked[0]]
    assert min(first) >= sorted(dates.values())[-len(first) - 60]
    assert len(here.rows("select 1 from products")) > 100
    state = here.simulator.control()
    assert state["refused_429"] == 0
    assert state["lowest_balance"] >= 50 - 5


@pytest.mark.timeout(120)
def test_both_jobs_in_turns_on_the_small_plan_get_on_without_a_429_or_a_token_of_debt(town):
    here = town(QUERY)
    jobs = [here.job("upsert"), here.job("backfill")]
    polls = []

    def turn():
        outcomes = [work.step() for work in jobs]
        polls.extend(
            here.clock.now_ns() / NS
            for outcome in outcomes[:1]
            if isinstance(outcome, job.Progress) and outcome.completes
        )
        if all(isinstance(outcome, job.Idle) for outcome in outcomes):
            times = [outcome.until_ns for outcome in outcomes if outcome.until_ns is not None]
            here.clock.advance_to_ns(max(min(times), here.clock.now_ns() + 30 * NS))

    ends_ns = here.clock.now_ns() + 3 * 3600 * NS
    while here.clock.now_ns() < ends_ns:
        turn()
    state = here.simulator.control()
    assert state["refused_429"] == 0
    assert state["lowest_balance"] > 0
    assert max(later - earlier for earlier, later in itertools.pairwise(polls)) <= 300 + TICK_S
    done, total = here.rows("select count(*) filter (where state = 'done'), count(*) from fetch_queue")[0]
    assert done > 0.5 * total > 30
    asked = [asin for call in state["log"] if call["endpoint"] == "/product" for asin in call["asins"]]
    assert len(asked) <= 1.1 * len(set(asked))
    snapshot = here.ledger.snapshot()
    totals = snapshot.totals
    assert snapshot.bucket.balance == state["bucket"]["balance"]
    assert snapshot.bucket.drift == 0
    assert totals.credited == snapshot.bucket.balance + totals.spent + totals.expired
    assert here.rows("select sum(cost) from calls") == [(state["spent"],)]


@pytest.mark.timeout(120)
def test_backfill_gets_its_share_in_one_process_too_while_upsert_wants_everything(town):
    here = town(WIDE, start_balance=60, deals=4_000)
    jobs = [here.job("upsert"), here.job("backfill")]
    ends_ns = here.clock.now_ns() + 3 * 3600 * NS
    largest = 0.0
    while here.clock.now_ns() < ends_ns:
        outcomes = [work.step() for work in jobs]
        snapshot = here.ledger.snapshot()
        largest = max([largest, *(waiter.cost for waiter in snapshot.waiters if waiter.tier == "backfill")])
        if all(isinstance(outcome, job.Idle) for outcome in outcomes):
            times = [outcome.until_ns for outcome in outcomes if outcome.until_ns is not None]
            here.clock.advance_to_ns(max(min(times), here.clock.now_ns() + NS))
    state = here.simulator.control()
    spent = {tier.name: tier.spent for tier in here.ledger.snapshot().tiers}
    assert spent["upsert"] > 0.5 * state["refilled"], "upsert was not hungry: the test shows nothing"
    assert spent["backfill"] >= 0.95 * 0.2 * state["refilled"] - largest, spent
    assert state["refused_429"] == 0
