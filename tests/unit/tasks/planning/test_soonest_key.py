"""Which key pays for a person's request: the one that can soonest, and a refused one only when there is no other."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import DEFAULT_TIERS, ManualClock, Reading, TokenLedger
from tasks.planning.soonest_key import Payer, soonest, wait_s
from tasks.roles import INTERACTIVE


def a_key(name, balance, rate=20, tokens=10.0, budget=None, spent=0, **more):
    tiers = [replace(one, tokens_per_day=budget or 0) if one.name == INTERACTIVE else one for one in DEFAULT_TIERS]
    ledger = TokenLedger.in_memory(tiers, ManualClock(10**15), tick_period_s=60)
    if balance is not None:
        ledger.observe(Reading(tokens_left=balance, refill_rate=rate, refill_in_ms=30_000, server_ms=5))
        if spent:
            lease = ledger.try_reserve(INTERACTIVE, spent)
            lease.commit()
            lease.settle(spent)
    return Payer(name, ledger.snapshot(), tokens, **more)


def test_who_has_the_tokens_pays_and_of_several_the_first():
    keys = [a_key("a", 0), a_key("b", 50), a_key("c", 300)]
    assert soonest(keys, INTERACTIVE) == "b"
    assert soonest([a_key("a", 0, rate=1), a_key("b", 0, rate=60)], INTERACTIVE) == "b"


def test_a_key_that_is_not_known_comes_before_those_that_have_to_wait_and_a_refused_one_last():
    unknown, refused = a_key("a", None), a_key("b", 300, is_refused=True)
    assert soonest([refused, unknown, a_key("c", 300)], INTERACTIVE) == "c"
    assert soonest([refused, a_key("c", 0), unknown], INTERACTIVE) == "a"
    assert soonest([refused, a_key("c", 0)], INTERACTIVE) == "c"
    assert soonest([refused, unknown], INTERACTIVE) == "a"
    assert soonest([refused, Payer("c", None, 1.0, is_refused=True)], INTERACTIVE) == "b"


@pytest.mark.parametrize(("balance", "tokens", "seconds"), [(10, 10, 0), (9, 10, 30), (0, 20, 30), (0, 21, 90)])
def test_a_wait_ends_with_the_refill_that_brings_what_is_missing(balance, tokens, seconds):
    """The ledger takes a refill for a little later than the server says."""
    assert wait_s(a_key("a", balance, tokens=tokens), INTERACTIVE) == pytest.approx(seconds, abs=2)


def test_a_key_whose_budget_is_spent_comes_after_one_that_has_to_wait_for_a_refill():
    spent, poor = a_key("a", 300, budget=15, spent=6), a_key("b", 0)
    assert soonest([spent, poor], INTERACTIVE) == "b"
    assert wait_s(spent, INTERACTIVE) == pytest.approx(spent.snapshot.tiers[0].day_ends_in_s)
    assert wait_s(a_key("a", 300, budget=15, spent=5), INTERACTIVE) == 0
    assert wait_s(a_key("a", 300, budget=9), INTERACTIVE) == inf


@given(st.lists(st.tuples(st.integers(-50, 300), st.sampled_from([1, 5, 20])), min_size=1, max_size=6))
def test_no_other_key_could_pay_sooner(drawn):
    keys = [a_key(str(number), min(balance, 60 * rate), rate) for number, (balance, rate) in enumerate(drawn)]
    waits = {one.name: wait_s(one, INTERACTIVE) for one in keys}
    assert waits[soonest(keys, INTERACTIVE)] == min(waits.values())
