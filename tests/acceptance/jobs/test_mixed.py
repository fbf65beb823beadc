"""A queue that holds work of another level of detail than the settings name: what is left after they were changed."""

from __future__ import annotations

import pytest

from tasks.runtime import job
from tasks.store.connection import connect
from tasks.store.queue import queue
from tests.fixtures.server import NS, WIDE


def queued(town, asins, detail, priority=0):
    with connect(town.database_url, application_name="test", autocommit=True) as conn:
        queue.enqueue(conn, 1, asins, detail=detail, priority=priority)


@pytest.mark.parametrize(
    ("left", "now", "start_balance"), [("offers", "history", 300), ("offers", "history", 1), ("history", "offers", 300)]
)
def test_what_was_queued_under_another_detail_is_fetched_at_the_pace_of_the_refill(town, left, now, start_balance):
    here = town(start_balance=start_balance)
    asins = list(here.market())[:40]
    queued(here, asins[::2], left)
    queued(here, asins[1::2], now)
    work = here.job("backfill", backfill_detail=now)
    work._components.streams = ()
    ends_ns = here.clock.now_ns() + 8 * 3600 * NS
    steps = 0
    while here.clock.now_ns() < ends_ns and here.rows("select 1 from fetch_queue where state <> 'done' limit 1"):
        outcome = work.step()
        steps += 1
        assert steps < 1_000, f"spins: {outcome}"
        if isinstance(outcome, job.Idle):
            here.clock.advance_to_ns(here.clock.now_ns() + NS if outcome.until_ns is None else outcome.until_ns)
    assert here.rows("select distinct state from fetch_queue") == [("done",)]
    state = here.simulator.control()
    assert state["refused_429"] == 0
    assert state["lowest_balance"] >= min(start_balance, 150 - 60)


@pytest.mark.kill
def test_what_was_queued_under_a_dearer_detail_gets_on_beside_a_job_that_wants_everything(town):
    here = town(WIDE, start_balance=60, deals=1_000)
    queued(here, list(here.market())[:40], "offers", priority=2)
    jobs = [here.job("upsert", poll_interval_s=1800), here.job("backfill", backfill_detail="history")]
    jobs[1]._components.streams = ()
    done = "select count(*) from fetch_queue where detail = 'offers' and state = 'done'"
    ends_ns = here.clock.now_ns() + 4500 * NS
    while here.clock.now_ns() < ends_ns and here.rows(done)[0][0] < 5:
        outcomes = [work.step() for work in jobs]
        if all(isinstance(outcome, job.Idle) for outcome in outcomes):
            times = [outcome.until_ns for outcome in outcomes if outcome.until_ns is not None]
            here.clock.advance_to_ns(max(min(times), here.clock.now_ns() + NS))
    spent = {tier.name: tier.spent for tier in here.ledger.snapshot().tiers}
    state = here.simulator.control()
    assert spent["upsert"] > 0.5 * state["refilled"], "upsert was not hungry: the test shows nothing"
    assert here.rows(done)[0][0] >= 5
