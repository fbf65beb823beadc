"""The balance of a ledger over ticks, debts, late replies, calls of others and another plan."""

import pytest

from ledger import DEFAULT_TIERS, ManualClock, Reading
from tests.fixtures.ledger.ledgers import new_ledger, over_every_home

SERVER_MS = 1_700_000_000_000


def opened(left=300, rate=5, refill_in_ms=30_000):
    clock = ManualClock(10**12)
    ledger = new_ledger(DEFAULT_TIERS, clock)
    ledger.observe(Reading(left, rate, refill_in_ms, SERVER_MS))
    return ledger, clock


def books(ledger):
    s = ledger.snapshot()
    assert round(s.totals.credited + s.bucket.drift, 6) == round(
        s.bucket.balance + s.totals.spent + s.totals.expired, 6
    )
    return s


@over_every_home
def test_ticks_are_added_in_lumps_up_to_an_hours_worth():
    ledger, clock = opened(left=280)
    clock.advance_s(29)
    assert books(ledger).bucket.balance == 280
    clock.advance_s(3)
    assert books(ledger).bucket.balance == 285
    clock.advance_s(3600)
    s = books(ledger)
    assert s.bucket.balance == s.bucket.capacity == 300
    assert s.totals.expired > 0


@over_every_home
def test_a_debt_is_paid_back_tick_by_tick():
    ledger, clock = opened(left=-350)
    clock.advance_s(31 + 79 * 60.2 + 1)
    assert books(ledger).bucket.balance == 50


@over_every_home
def test_an_error_body_with_zeroed_tokens_says_nothing():
    ledger, _ = opened(left=120)
    ledger.observe(Reading(0, 0, 0, SERVER_MS + 5))
    assert books(ledger).bucket.balance == 120


@over_every_home
def test_an_older_reading_changes_no_balance_and_leaves_no_drift():
    ledger, _ = opened(left=200)
    first, second = ledger.try_reserve("upsert", 20), ledger.try_reserve("upsert", 30)
    first.commit()
    second.commit()
    second.settle(30, Reading(150, 5, 20_000, SERVER_MS + 10_000))
    assert ledger.snapshot().bucket.balance == 150
    first.settle(20, Reading(180, 5, 25_000, SERVER_MS + 5_000))
    s = books(ledger)
    assert (s.bucket.balance, s.bucket.drift, s.totals.spent) == (150, 0, 50)


@over_every_home
def test_a_late_reply_at_the_brim_is_an_expiry_not_drift():
    ledger, clock = opened(left=300)
    first, second = ledger.try_reserve("upsert", 3), ledger.try_reserve("upsert", 10)
    first.commit()
    second.commit()
    clock.advance_s(32)
    # first: 297, tick to 300 (2 expire), second: 290
    second.settle(10, Reading(290, 5, 59_000, SERVER_MS + 31_200))
    first.settle(3, Reading(297, 5, 1_000, SERVER_MS + 29_000))
    s = books(ledger)
    assert (s.bucket.balance, s.bucket.drift, s.totals.spent, s.totals.expired) == (290, 0, 13, 2)


@over_every_home
def test_somebody_elses_calls_are_counted_as_drift():
    ledger, _ = opened(left=200)
    lease = ledger.try_reserve("upsert", 5)
    lease.commit()
    lease.settle(5, Reading(155, 5, 20_000, SERVER_MS + 10_000))
    s = books(ledger)
    assert s.bucket.drift == -40
    assert s.journal[-1].event == "drift"


@over_every_home
def test_an_unknown_outcome_stays_charged_until_a_reading_tells():
    ledger, _ = opened(left=200)
    lease = ledger.try_reserve("upsert", 50)
    lease.commit()
    lease.settle(None)
    assert books(ledger).bucket.balance == 150
    ledger.observe(Reading(190, 5, 20_000, SERVER_MS + 10_000))
    s = books(ledger)
    assert (s.bucket.balance, s.bucket.drift, s.totals.spent) == (190, 0, 10)


@over_every_home
@pytest.mark.parametrize("new_rate", [25, 1])
@pytest.mark.parametrize("new_ticks", [0, 1, 2])
def test_a_plan_change_between_two_readings_is_not_drift(new_rate, new_ticks):
    ledger, clock = opened(left=30)
    clock.advance_s(150)
    left = 30 + (2 - new_ticks) * 5
    left = left if not new_ticks else min(60 * new_rate, left + new_ticks * new_rate)
    ledger.observe(Reading(left, new_rate, 0 + 60_200 * 3 + 30_000 - 60_200 - 150_000, SERVER_MS + 150_000))
    s = books(ledger)
    assert s.bucket.drift == 0
    assert (s.bucket.refill_rate, s.bucket.capacity) == (new_rate, 60 * new_rate)


@over_every_home
def test_the_tick_period_is_learned_from_what_replies_announce():
    ledger, clock = opened(left=100)
    period_ms = 60_500
    for tick in range(1, 400):
        clock.advance_s(60.5)
        ledger.observe(Reading(min(300, 100 + 5 * tick), 5, 30_000, SERVER_MS + tick * period_ms))
    s = books(ledger)
    assert s.bucket.tick_period_s == pytest.approx(60.5, abs=0.01)
    assert s.bucket.drift == 0
