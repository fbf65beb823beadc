"""The values of a plan of the day: what limits allow, and sums."""

import pytest

from tasks.planning.cost_values import Allowance, CostPlan, Limits, OtherCost, StreamCost


def test_a_plan_brings_its_refills():
    assert Allowance(rate=5, tick_s=60.0).per_day == 7_200


@pytest.mark.parametrize(
    ("limits", "most"),
    [
        (Limits(), 2_400),
        (Limits(tokens=900), 900),
        (Limits(tokens=9_000), 2_400),
        (Limits(day_part=0.25), 700),  # a quarter of the day, and an hour's worth in the bucket
        (Limits(tokens=650, day_part=0.25), 650),
        (Limits(day_part=0.99), 2_400),
    ],
)
def test_a_job_spends_what_its_budget_and_its_hours_allow(limits, most):
    assert limits.most(2_400) == pytest.approx(most)


def test_a_day_costs_what_selections_lists_and_sources_do():
    one = StreamCost(name="a", listing=1, crawling=2, details=4, histories=8)
    toys = OtherCost(name="toys", kind="list", asking=0, products=16)
    best = OtherCost(name="best", kind="source", asking=32, products=64)
    plan = CostPlan(
        income=1_000, wanted=(one,), spent=(one,), others_wanted=(toys, best), others=(toys, best), withheld={},
        poll_interval_s=60, details_part=1, histories_per_day=0, pending_days=0, expires=0, expires_in_s=None,
    )  # fmt: skip
    assert (one.total, best.total, plan.total) == (15, 96, 127)
    assert (plan.of_others("list"), plan.of_others("source")) == (16, 96)
