"""The time left by budgets and hours: never shorter than the days that the budget needs."""

from __future__ import annotations

from dataclasses import replace
from math import ceil, inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import DEFAULT_TIERS, Hours, ManualClock, Reading, TokenLedger
from tasks.planning import time_left
from tasks.planning.cost_values import Limits
from tasks.planning.forecast import Pace, TokenSupply, left_s, token_supply
from tasks.planning.time_left import DAY_S, Allowance, allowance, days_left_s, spent_in_s, time_left_s

NOON_MS = 43_200_000
PACE = Pace(per_item=1.0)


def snapshot(tokens=300, spent=0.0, rate=20, **rules):
    tiers = [replace(one, **rules) if one.name == "backfill" else one for one in DEFAULT_TIERS]
    ledger = TokenLedger.in_memory(tiers, ManualClock(10**15), tick_period_s=60)
    ledger.observe(Reading(tokens_left=tokens, refill_rate=rate, refill_in_ms=1000, server_ms=NOON_MS))
    found = ledger.snapshot()
    return replace(
        found, tiers=tuple(replace(one, spent_today=spent) if one.name == "backfill" else one for one in found.tiers)
    )


def test_what_the_budget_of_today_does_not_pay_for_waits_for_midnight():
    limited, free = snapshot(spent=748, tokens_per_day=3_000, rate=300), snapshot(rate=300)
    assert time_left_s(2_252, PACE, (limited,), "backfill") == pytest.approx(
        time_left_s(2_252, PACE, (free,), "backfill"), abs=0.01
    )
    assert time_left_s(3_649, PACE, (free,), "backfill") < 3_600
    found = time_left_s(3_649, PACE, (limited,), "backfill")
    assert DAY_S / 2 <= found < DAY_S / 2 + 3_600
    assert time_left_s(2_252 + 3 * 3_000 + 1, PACE, (limited,), "backfill") >= 3.5 * DAY_S


def test_a_key_without_a_budget_goes_on_alone():
    limited, free = snapshot(tokens_per_day=1, rate=300), snapshot(rate=5)
    alone = time_left_s(1_000, PACE, (free,), "backfill")
    assert time_left_s(1_000, PACE, (limited, free), "backfill") == pytest.approx(alone, abs=61)


def test_beyond_the_hours_no_time_is_told():
    opened, shut = snapshot(hours=Hours.parse("10-13")), snapshot(hours=Hours.parse("22-06"))
    assert time_left_s(100, PACE, (opened,), "backfill") is not None
    assert time_left_s(100_000, PACE, (opened,), "backfill") is None
    assert time_left_s(1, PACE, (shut,), "backfill") is None
    assert time_left_s(1, PACE, (), "backfill") is None


SUPPLY = st.builds(
    TokenSupply,
    spare=st.floats(0, 1e4),
    refill=st.floats(1, 1e3),
    tick_s=st.floats(1, 3_600),
    next_tick_s=st.floats(0, 1),
    share=st.floats(0.1, 1),
)
PACES = st.builds(Pace, per_item=st.floats(0.5, 20), others_per_s=st.floats(0, 10), work_s=st.floats(0, 10))
AMOUNT, ENDS = st.floats(100, 1e5), st.floats(1, DAY_S)


@given(items=st.integers(1, 10_000), pace=PACES, supply=SUPPLY, today=AMOUNT, per_day=AMOUNT, ends_s=ENDS)
def test_it_is_never_shorter_than_refill_work_and_budget_need(*, items, pace, supply, today, per_day, ends_s):
    one = Allowance(supply, min(today, per_day), per_day, ends_s, room=2e4)
    found = days_left_s(items, pace, [one])
    if found is not None:
        assert found >= left_s(items, pace, supply) * (1 - 1e-6) - 0.01
        missing = items * pace.per_item * (1 - 1e-8) - one.today
        if missing > 0:
            needed_s = ends_s + (ceil(missing / per_day * (1 - 1e-9)) - 1) * DAY_S
            assert found >= needed_s - 1e-6  # thousands of days, one added to the other, are rounded
        more = days_left_s(items + 1, pace, [one])
        assert more is None or more >= found - 0.01


ALLOWANCES = st.builds(
    lambda supply, today, per_day, ends_s, room: Allowance(supply, min(today, per_day), per_day, ends_s, room),
    SUPPLY | SUPPLY.map(lambda one: replace(one, tick_s=60.0)),
    AMOUNT,
    AMOUNT | st.just(inf),
    st.just(DAY_S / 2),
    st.floats(1, 1e5),
)


def day_by_day(items, pace, allowances):
    """The same, with no day left out."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(time_left, "_alike", lambda *_: 0)
        patched.setattr(time_left, "_same", lambda *_: 0)
        return days_left_s(items, pace, allowances)


@settings(max_examples=25)  # each goes through the days of up to ten years
@given(items=st.integers(1, 10**7), pace=PACES, allowances=st.lists(ALLOWANCES, min_size=1, max_size=3))
def test_days_that_are_alike_are_left_out_and_nothing_else(items, pace, allowances):
    slow, fast = day_by_day(items, pace, allowances), days_left_s(items, pace, allowances)
    assert (slow is None) == (fast is None)
    if slow is not None:
        assert fast == pytest.approx(slow, rel=1e-6, abs=0.1)


def test_years_are_not_gone_through_day_by_day(monkeypatch):
    gained, steps = time_left._gained, []
    monkeypatch.setattr(time_left, "_gained", lambda *given: steps.append(given) or gained(*given))
    several = [allowance(snapshot(tokens_per_day=500), "backfill") for _ in range(5)]
    for pace in (Pace(per_item=7.0), Pace(per_item=7.0, work_s=250.0)):
        steps.clear()
        assert days_left_s(1_000_000, pace, several) > 2_500 * DAY_S
        assert len(steps) < 1_000


@pytest.mark.parametrize("per_item", [0.1, 1.1, 5.633, 1.001])
@pytest.mark.parametrize("days", [1, 2, 3, 60, 3_000])
def test_what_the_budget_of_so_many_days_pays_for_exactly_takes_no_day_more(per_item, days):
    supply = TokenSupply(spare=5_000.0, refill=100.0, tick_s=60.0, next_tick_s=10.0, share=0.2)
    a_day = per_item * 20
    one = Allowance(supply, a_day, a_day, DAY_S / 2, 6_000.0)
    assert days_left_s(20 * days, Pace(per_item=per_item), [one]) < max(0, days - 1.5) * DAY_S + 3_600


def test_a_key_that_has_not_been_read_yet_takes_nothing_from_the_others():
    hours = Hours.parse("10-13")
    unread = TokenLedger.in_memory(DEFAULT_TIERS, ManualClock(10**15), tick_period_s=60).snapshot()
    shut = replace(unread, tiers=tuple(replace(one, hours=hours, barred="hours") for one in unread.tiers))
    alone = time_left_s(100, PACE, (snapshot(hours=hours),), "backfill")
    assert time_left_s(100, PACE, (snapshot(hours=hours), shut), "backfill") == alone is not None


def test_an_allowance_is_what_the_ledger_says():
    limited = snapshot(spent=30, tokens_per_day=100)
    found = allowance(limited, "backfill")
    assert found == Allowance(token_supply(limited, "backfill"), 70, 100, DAY_S / 2, found.room)
    assert allowance(limited, "nobody") is None
    assert days_left_s(10**9, PACE, [found]) is None


HOUR_S = 3_600.0


def test_a_budget_that_is_spent_opens_again_at_midnight():
    spent = Limits(tokens=500, hours=Hours.parse("06-22"), day_part=16 / 24, spent=500)
    found = spent_in_s(60, per_s=1.0, others=0, limits=spent, clock_s=11 * HOUR_S)
    assert found == pytest.approx(19 * HOUR_S + 60), "13 h to midnight, 6 h to the hours, a minute of tokens"


def test_without_limits_it_is_what_comes_in():
    assert spent_in_s(60, per_s=0.5, others=0, limits=Limits(), clock_s=DAY_S - 1) == pytest.approx(120)
    assert spent_in_s(0, per_s=0, others=0, limits=Limits(), clock_s=0) == 0
    assert spent_in_s(1, per_s=0, others=0, limits=Limits(), clock_s=0) is None


def test_a_budget_that_pages_take_whole_leaves_none():
    assert spent_in_s(1, per_s=1, others=100, limits=Limits(tokens=100), clock_s=0) is None


def by_minutes(tokens, per_s, others, limits, clock_s):
    """The same, found by going through the minutes of the days."""
    hours, at, left = limits.hours, int(clock_s // 60), tokens
    room = min(limits.tokens - limits.spent, limits.tokens - others)
    for minute in range(at, at + 20_000):
        if minute % 1_440 == 0 and minute > at:
            room = limits.tokens - others
        of_day = minute % 1_440
        if (of_day - hours.opens) % 1_440 >= (hours.closes - hours.opens) % 1_440:
            continue
        part = min(60 * per_s, max(0, room))
        room, left = room - part, left - part
        if left <= 1e-9:
            return (minute + 1) * 60 - clock_s
    return None


@given(
    tokens=st.integers(1, 400),
    budget=st.integers(100, 500),
    spent=st.integers(0, 600),
    opens=st.integers(0, 23),
    length=st.integers(1, 23),
    begins=st.integers(0, 1_439),
)
def test_it_is_within_a_minute_of_a_walk_through_the_minutes(tokens, budget, spent, opens, length, begins):
    hours = Hours(opens * 60, (opens + length) % 24 * 60)
    limits = Limits(tokens=budget, hours=hours, day_part=length / 24, spent=spent)
    asked = {"tokens": tokens, "per_s": 0.1, "others": 20.0, "limits": limits, "clock_s": begins * 60.0}
    assert spent_in_s(**asked) == pytest.approx(by_minutes(**asked), abs=61)
