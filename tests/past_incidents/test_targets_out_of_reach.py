"""Waiting for a target that cannot or will not be reached.

Rows 7, 12, 15, 30, 33, 40, 41, 51, 60, 61: 500 tokens wanted of a bucket of 300; a bucket that is to be full, or to
hold 150, while somebody else sips each refill; a batch dearer than the burst it is paid from.
"""

from __future__ import annotations

import pytest

from benchmarks.scenarios.scenario import Scenario, run
from ledger import DEFAULT_TIERS, NeverEnough, Wait
from tasks.keepa.request import product_shape
from tasks.planning.pacing import batch_size
from tests.past_incidents.oracle import Account, reserved

SHARES = {tier.name: tier.share for tier in DEFAULT_TIERS}
HOURS = 6


@pytest.mark.parametrize("tier", [tier.name for tier in DEFAULT_TIERS])
@pytest.mark.parametrize("rate", [1, 5, 20, 60, 1_200])
def test_what_can_ever_be_had_comes_at_the_time_told_and_one_token_more_is_refused_at_once(rate, tier):
    account = Account(balance=-rate, rate=rate)
    ledger = account.ledger()
    most = ledger.headroom(tier).ever
    with pytest.raises(NeverEnough) as refusal, ledger.place(tier) as place:
        place.poll(most + 1)
    assert refusal.value.max_cost == most
    with ledger.place(tier) as place:
        told = place.poll(most)
        account.clock.advance_to_ns(told.until_ns - 1)
        assert isinstance(place.poll(most), Wait)
        account.clock.advance_to_ns(told.until_ns)
        place.poll(most).cancel()
    assert account.balance - most >= 0


@pytest.mark.parametrize("cost_of_one", [1, 2, 7, 12])
@pytest.mark.parametrize("rate", [1, 5, 20, 60])
def test_a_batch_is_never_planned_dearer_than_what_it_can_be_paid_from(rate, cost_of_one):
    account = Account(balance=0, rate=rate)
    ledger = account.ledger()
    for _ in range(20):
        room = ledger.headroom("backfill")
        size = batch_size(
            lambda items: ledger.estimate(product_shape("offers", items)),
            now=room.now, ever=room.ever, tick_tokens=rate, max_items=20,
        )  # fmt: skip
        shape = product_shape("offers", size)
        assert ledger.estimate(shape) <= room.ever
        lease = reserved(ledger, account, "backfill", ledger.estimate(shape), shape=shape)
        lease.commit()
        reading, is_admitted = account.call(size * cost_of_one)
        assert is_admitted
        lease.settle(size * cost_of_one, reading)


def lets_both_work(result):
    """The backfill spends what it is promised while upsert wants everything, and upsert is not kept waiting."""
    assert result.backfill_part >= 0.95 * SHARES["backfill"]
    assert result.delay_p99_s <= 600
    assert result.expired_waiting == 0


def market(strategy, *, rate=5, part=4.0):
    return run(Scenario(strategy=strategy, rate=rate, part=part, hours=HOURS, seed=1))


@pytest.mark.parametrize("threshold", ["150/50", "80/50", "recharge", "50/50"])
def test_nobody_starves_beside_somebody_who_takes_every_refill_as_with_thresholds_somebody_does(threshold):
    lets_both_work(market("ours"))
    with pytest.raises(AssertionError):
        lets_both_work(market(threshold))


def test_on_the_smallest_plan_tokens_do_not_expire_under_a_threshold_nobody_reaches():
    assert market("ours", rate=1, part=0.3).expired_waiting == 0
    assert market("150/50", rate=1, part=0.3).expired_waiting > 0
