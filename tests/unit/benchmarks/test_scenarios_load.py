"""What the scenarios ask of the strategies: the demand, the costs, and the order of events."""

from __future__ import annotations

from itertools import islice

import pytest

from benchmarks.scenarios.actors import POOL_LIMIT, STALE_NS, Pool
from benchmarks.scenarios.engine import CLIENT, NS_PER_S, SERVER, Engine, Rest
from benchmarks.scenarios.grid import PARTS, RATES
from benchmarks.scenarios.load import Load, pages
from benchmarks.scenarios.threshold_strategies import Purse
from ledger import ManualClock
from tasks.simulator.bucket import TICK_PERIOD_NS


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("rate", RATES)
def test_pages_and_details_come_to_the_wanted_part_of_the_refill(rate, part):
    load = Load(rate=rate, part=part, duration_s=3600, seed=1)
    polls_per_tick = TICK_PERIOD_NS / load.poll_ns
    deals = load.deals_per_tick / polls_per_tick
    tokens = (5 * max(1, deals / 150) + deals) * polls_per_tick
    assert tokens == pytest.approx(part * rate, rel=0.05)


def test_arrivals_are_bursty_keep_their_mean_and_come_from_the_seed():
    loads = [Load(rate=60, part=1.2, duration_s=30 * 86_400, seed=seed) for seed in (1, 1, 2)]
    same, again, other = (load.arrivals for load in loads)
    assert same == again
    assert same != other
    mean = loads[0].deals_per_tick
    assert sum(same) / len(same) == pytest.approx(mean, rel=0.05)
    assert max(same) > 10 * mean


def test_products_cost_1_to_60_tokens_and_about_2_on_average():
    costs = list(islice(Load(rate=5, part=1, duration_s=1, seed=1).product_costs(), 100_000))
    assert set(costs) == {1, *range(6, 61, 6)}
    assert 1.7 < sum(costs) / len(costs) < 2.3
    assert set(islice(Load(rate=5, part=1, duration_s=1, seed=1, with_offers=0.0).product_costs(), 1_000)) == {1}


@pytest.mark.parametrize(("deals", "expected"), [(0, 1), (1, 1), (150, 1), (151, 2), (4_800, 32)])
def test_a_walk_reads_at_least_one_page(deals, expected):
    assert pages(deals) == expected


def test_events_run_in_order_of_time_and_the_server_goes_first():
    clock, seen = ManualClock(0), []
    engine = Engine(clock)

    def process(name, period_ns):
        while True:
            yield Rest(clock.now_ns() + period_ns)
            seen.append((clock.now_ns(), name))

    engine.start(process("job", 2), CLIENT)
    engine.start(process("tick", 3), SERVER)
    engine.run(7)
    assert seen == [(2, "job"), (3, "tick"), (4, "job"), (6, "tick"), (6, "job")]
    assert clock.now_ns() == 7


def test_a_rest_that_may_be_woken_ends_with_somebody_elses_call_and_only_once():
    clock, seen = ManualClock(0), []
    engine = Engine(clock)

    def sleeper():
        while True:
            yield Rest(clock.now_ns() + 100, wakes=True)
            seen.append(clock.now_ns())

    def caller():
        yield Rest(10)
        engine.notify()
        engine.notify()
        yield Rest(1_000)

    engine.start(sleeper())
    engine.start(caller())
    engine.run(150)
    assert seen == [10, 110]


def test_the_pool_gives_the_newest_and_drops_the_oldest():
    pool = Pool()
    pool.add(0, POOL_LIMIT - 10)
    pool.add(1, 30)
    assert pool.size == POOL_LIMIT
    pool.take(40)
    assert pool.size == POOL_LIMIT - 40
    pool.add(STALE_NS + 1, 5)
    assert pool.size == 5


def test_a_purse_believes_in_a_steady_trickle_up_to_the_capacity():
    purse = Purse(5)
    purse.see(-20, 0)
    assert purse.tokens(60 * NS_PER_S) == -15
    assert purse.tokens(10**15) == 300
