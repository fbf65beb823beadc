"""What keeping lists fresh costs, before anything is spent."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.planning.watch_plan import WatchNeed, describe, watch_plan

DAY = 86_400.0
NEEDS = st.lists(
    st.builds(WatchNeed, products=st.integers(0, 10**6), tokens_each=st.floats(0.1, 70), refresh_s=st.floats(60, 1e7)),
    max_size=5,
)


def test_the_list_of_the_issue_takes_18_8_hours_on_250_a_minute():
    plan = watch_plan([WatchNeed(products=140_857, tokens_each=2, refresh_s=DAY)], rate=250, tick_s=60, share=0.5)
    assert plan.pass_s / 3600 == pytest.approx(18.78, abs=0.01)
    assert plan.pass_shared_s == pytest.approx(2 * plan.pass_s)
    assert plan.is_kept
    assert describe(plan, rate=250, tick_s=60) == (
        "140,857 products for 281,714 tokens: at 250 tokens a minute one pass takes 18 h 46 min at the least, and "
        "37 h 33 min while others want everything; keeping them as fresh as asked takes 281,714 tokens a day, "
        "78% of the refill"
    )


def test_a_list_that_the_plan_cannot_keep_says_what_to_do():
    plan = watch_plan([WatchNeed(products=140_857, tokens_each=2, refresh_s=DAY)], rate=60, tick_s=60, share=0.5)
    assert not plan.is_kept
    assert "raise `refresh`, shorten the list, or take a larger plan" in describe(plan, rate=60, tick_s=60.02)


def test_without_a_refill_or_a_share_a_pass_never_ends():
    needs = [WatchNeed(products=1, tokens_each=1, refresh_s=DAY)]
    assert watch_plan(needs, rate=0, tick_s=60, share=0.5).pass_s == math.inf
    words = describe(watch_plan(needs, rate=5, tick_s=3, share=0), rate=5, tick_s=3)
    assert "at 5 tokens every 3 s one pass" in words
    assert "for ever" in words


@given(NEEDS, st.floats(1, 4000), st.floats(1, 120), st.floats(0.1, 1))
def test_lists_cost_together_what_they_cost_one_by_one(needs, rate, tick_s, share):
    whole = watch_plan(needs, rate=rate, tick_s=tick_s, share=share)
    parts = [watch_plan([need], rate=rate, tick_s=tick_s, share=share) for need in needs]
    for name in ("products", "tokens", "tokens_per_day", "pass_s", "pass_shared_s"):
        assert getattr(whole, name) == pytest.approx(sum(getattr(part, name) for part in parts))
    assert whole.pass_shared_s >= whole.pass_s
