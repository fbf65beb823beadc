"""What is told of a product, and what people know already."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tasks.notify.judgement import Seen, judge
from tasks.notify.rule import BACK, DROP, EVENTS, NEW, RISE

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
AGAIN_S = 86_400.0


def told(steps, wanted=EVENTS, again_s=AGAIN_S):
    """What is told of one product that is seen at these hours: the event, the hour and the price."""
    known, found = None, []
    for hours, seen in steps:
        verdict = judge(known, seen, wanted, again_s, START + timedelta(hours=hours))
        known = verdict.known
        if verdict.event is not None:
            found.append((verdict.event, hours, int(seen.price)))
    return found


def seen(price, *, matches=True, is_back=False):
    return Seen("NEW", Decimal(price), matches=matches, is_back=is_back)


def test_a_match_a_drop_and_a_rise_are_told():
    steps = [(0, seen(20)), (1, seen(15)), (2, seen(30, matches=False))]
    assert told(steps) == [(NEW, 0, 20), (DROP, 1, 15), (RISE, 2, 30)]


def test_only_what_the_rule_wants_is_told():
    steps = [(0, seen(20)), (1, seen(15)), (2, seen(30, matches=False)), (3, seen(10, is_back=True))]
    assert told(steps[:3], {DROP}) == [(DROP, 1, 15)]
    assert told(steps, {RISE}) == [(RISE, 2, 30)]
    assert told(steps, {BACK}) == [(BACK, 3, 10)]


def test_a_first_sighting_that_is_back_in_stock_is_new_as_well():
    assert told([(0, seen(20, is_back=True))], {NEW, DROP}) == [(NEW, 0, 20)]
    assert told([(0, seen(20, is_back=True))], {NEW, BACK}) == [(BACK, 0, 20)]


def test_a_fall_that_makes_a_product_meet_the_rule_is_a_drop_as_well():
    steps = [(0, seen(30, matches=False)), (1, seen(10, is_back=True))]
    assert told(steps, {DROP}) == [(DROP, 1, 10)]
    assert told(steps, {DROP, NEW}) == [(NEW, 1, 10)]
    assert told(steps) == [(BACK, 1, 10)]


def test_a_product_that_is_back_is_told_within_the_time_at_a_lower_price():
    steps = [(0, seen(20)), (1, seen(20, matches=False)), (2, seen(15, is_back=True))]
    assert told(steps, {NEW, BACK}) == [(NEW, 0, 20), (BACK, 2, 15)]


def test_a_drop_that_does_not_meet_the_rule_is_not_told():
    assert told([(0, seen(20)), (1, seen(30, matches=False)), (2, seen(25, matches=False))], {DROP}) == []


def test_another_price_type_is_no_drop():
    known = judge(None, seen(20), {DROP}, AGAIN_S, START).known
    assert judge(known, Seen("USED", Decimal(5), matches=True), {DROP}, AGAIN_S, START).event is None


def test_a_price_that_goes_up_and_down_is_told_once():
    steps = [(hour / 10, seen(20 if hour % 2 else 10)) for hour in range(200)]
    assert told(steps, {NEW, DROP}) == [(NEW, 0, 10)]


def test_a_product_that_comes_back_at_the_same_price_is_told_when_the_time_is_over():
    steps = [(0, seen(20)), (30, seen(20, matches=False)), (31, seen(20, is_back=True))]
    assert told(steps) == [(NEW, 0, 20), (BACK, 31, 20)]
    assert told([(0, seen(20)), (1, seen(20, matches=False)), (2, seen(20, is_back=True))]) == [(NEW, 0, 20)]


STEPS = st.lists(
    st.builds(Seen, st.just("NEW"), st.integers(1, 6).map(Decimal), st.booleans(), st.booleans()), max_size=40
)


def happened(before, now):
    """What the words of the documentation say of two looks at a product."""
    is_met = now.matches and (before is None or not before.matches)
    return {
        *([NEW] if is_met else []),
        *([BACK] if is_met and now.is_back else []),
        *([DROP] if before is not None and now.matches and now.price < before.price else []),
        *([RISE] if before is not None and now.price > before.price else []),
    }


@given(STEPS, st.sets(st.sampled_from(EVENTS)))
def test_a_rule_tells_once_when_any_kind_that_it_wants_has_happened(found, wanted):
    known, last = None, None
    for one in found:
        fresh = None if known is None else replace(known, told_at=None)
        verdict = judge(fresh, one, wanted, AGAIN_S, START)
        assert (verdict.event is not None) == bool(wanted & happened(last, one))
        assert verdict.event in {None, *happened(last, one)}
        known, last = verdict.known, one


@given(STEPS, st.sets(st.sampled_from(EVENTS)), st.floats(0.1, 30))
def test_a_rule_tells_what_any_one_of_its_kinds_would_tell(found, wanted, hours_apart):
    known = None
    for number, one in enumerate(found):
        now = START + timedelta(hours=number * hours_apart)
        alone = [judge(known, one, {kind}, AGAIN_S, now).event for kind in wanted]
        verdict = judge(known, one, wanted, AGAIN_S, now)
        assert (verdict.event is not None) == any(alone)
        known = verdict.known


@given(STEPS, st.sets(st.sampled_from(EVENTS)), st.floats(0.1, 30))
def test_within_the_time_each_price_is_told_once_in_each_direction(found, wanted, hours_apart):
    steps = [(number * hours_apart, one) for number, one in enumerate(found)]
    messages = told(steps, wanted)
    assert {event for event, _, _ in messages} <= wanted
    for number, (event, at, price) in enumerate(messages):
        if event == BACK:
            continue
        before = []
        for other in reversed(messages[:number]):  # back to a message that none came within a day before
            before.append(other)
            if (at if len(before) == 1 else before[-2][1]) - other[1] >= AGAIN_S / 3600:
                before.pop()
                break
        prices = [earlier for _, _, earlier in before]
        assert all(price > one for one in prices) if event == RISE else all(price < one for one in prices)


@given(STEPS, st.floats(0.1, 30))
def test_nobody_is_told_the_price_again_that_they_were_told_last(found, hours_apart):
    messages = told([(number * hours_apart, one) for number, one in enumerate(found)])
    for (_, _, before), (event, _, price) in pairwise(messages):
        assert event == BACK or price != before
