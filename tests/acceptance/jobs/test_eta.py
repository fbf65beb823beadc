"""The time left that backfill tells, against the time it took."""

from __future__ import annotations

import pytest

from tasks.planning.forecast import WINDOW_S
from tasks.runtime import job
from tests.fixtures.server import NS, START_MIN, TICK_S, WIDE


def told_and_taken(here, jobs, beats):
    """What was told of the time left, by the items done then, and the time that was really left, in seconds."""
    told, over = {}, None
    for _ in range(100_000):
        outcomes = [work.step() for work in jobs]
        now_s = here.clock.now_ns() / NS
        jobs[0].context.beat._send(at_once=True)
        said = beats[-1]["job"]
        if said.get("eta_s") is not None:
            told.setdefault(said["done"], (now_s, said["eta_s"]))
            if said["done"] == said["total"]:
                over = now_s
                break
        if all(isinstance(outcome, job.Idle) for outcome in outcomes):
            times = [outcome.until_ns for outcome in outcomes if outcome.until_ns is not None]
            here.clock.advance_to_ns(max(min(times), here.clock.now_ns() + NS))
    assert over is not None
    return [(done, eta_s, over - at_s) for done, (at_s, eta_s) in told.items()]


@pytest.fixture
def told(town):
    """A function that drains a queue of some hundred products and returns what was told on the way."""

    def drain(*, rate, detail="history", has_upsert=False):
        here = town(WIDE, rate=rate, start_balance=40 * rate, deals=550, market_minute=START_MIN)
        lister = here.job("upsert", upsert_detail="none")
        while not here.events("walk_complete"):
            here.run(lister, 1)
        lister.close()
        here.execute(f"update fetch_queue set detail = '{detail}'")
        jobs = [here.job("backfill", selections=(), backfill_detail=detail)]
        if has_upsert:
            jobs.append(here.job("upsert", upsert_detail="none"))
        return told_and_taken(here, jobs, here.beats)

    return drain


@pytest.mark.kill
def test_the_time_left_is_exact_from_the_second_batch_on_when_nobody_else_spends(told):
    batches = told(rate=5)[1:]
    assert len(batches) > 20
    assert [eta_s for _, eta_s, _ in batches] == [pytest.approx(left_s, abs=1) for _, _, left_s in batches]


@pytest.mark.kill
@pytest.mark.parametrize(
    ("how", "ticks"),
    [
        ({"rate": 5, "has_upsert": True}, 3),
        ({"rate": 20, "detail": "offers"}, 6),  # offers cost 1 to 60 each
    ],
)
def test_the_time_left_is_right_within_a_tenth_or_some_ticks_once_the_rates_have_their_time(told, how, ticks):
    everything = told(**how)
    known_s = everything[0][2] - WINDOW_S  # what others spend is measured over so long a time
    batches = [one for one in everything if one[2] <= known_s]
    assert len(batches) > 15
    for done, eta_s, left_s in batches:
        assert abs(eta_s - left_s) <= max(0.1 * left_s, ticks * TICK_S), (done, eta_s, left_s)
