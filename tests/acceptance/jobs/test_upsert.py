"""Upsert against a living market in virtual time: real HTTP, real PostgreSQL, hours in seconds."""

from __future__ import annotations

import itertools

import pytest

from tasks.runtime import job
from tests.fixtures.jobs import QUERY
from tests.fixtures.server import NS, START_MIN, TICK_S, WIDE


@pytest.mark.kill
def test_every_deal_that_appeared_is_in_deals_after_the_next_poll_and_the_pace_is_a_fifth_of_the_refill(town):
    here = town(WIDE)
    work = here.job(upsert_detail="none")
    began = here.clock.now_ns()
    marks = []
    checked = set()

    def compare(outcome):
        if not (isinstance(outcome, job.StepDone) and outcome.completes):
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
    assert len(work._backlog) == 0, "nobody fetches details, so none is waited for, and none is dropped a day later"
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


@pytest.mark.kill
def test_details_are_the_newest_first_and_never_delay_a_poll(town):
    here = town(WIDE, start_balance=140)
    work = here.job(upsert_detail="stats")
    due = []

    def watch(outcome):
        if isinstance(outcome, job.StepDone) and outcome.completes:
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


@pytest.mark.kill
def test_both_jobs_in_turns_on_the_small_plan_get_on_without_a_429_or_a_token_of_debt(town):
    here = town(QUERY)
    jobs = [here.job("upsert"), here.job("backfill")]
    polls = []

    def turn():
        outcomes = [work.step() for work in jobs]
        polls.extend(
            here.clock.now_ns() / NS
            for outcome in outcomes[:1]
            if isinstance(outcome, job.StepDone) and outcome.completes
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


@pytest.mark.kill
def test_backfill_gets_its_share_in_one_process_too_while_upsert_wants_everything(town):
    here = town(WIDE, start_balance=60, deals=1_000)
    jobs = [here.job("upsert", poll_interval_s=1800), here.job("backfill")]
    ends_ns = here.clock.now_ns() + 5400 * NS
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
    assert spent["backfill"] >= 0.2 * state["refilled"] - largest, spent
    assert state["refused_429"] == 0


def test_a_batch_of_details_takes_one_lease_and_pays_what_it_reserved_also_where_it_fetches_the_history(town):
    here = town(WIDE, start_balance=140)
    work = here.job(upsert_detail="stats")
    here.run(work, 1800)
    calls = here.simulator.control()["log"]
    snapshot = here.ledger.snapshot()
    upsert = next(tier for tier in snapshot.tiers if tier.name == "upsert")
    assert here.rows("select distinct shape from calls where endpoint = '/product'") == [("product:history",)]
    assert upsert.granted == sum(call["endpoint"] in {"/deal", "/product"} for call in calls)
    assert snapshot.totals.refunded == 0
    assert upsert.spent == here.simulator.control()["spent"]
    assert [cost.shape for cost in snapshot.costs if cost.shape.startswith("product")] == ["product:history"]
