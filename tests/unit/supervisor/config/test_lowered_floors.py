"""What the floors come to on a plan, and what is said of those it is too small for."""

import pytest

from ledger import DEFAULT_TIERS, ManualClock, Reading, TokenLedger
from supervisor.config import run_plan, settings
from supervisor.config.lowered_floors import PlanChanges, describe_lowered, floors_on_plan
from tasks.errors import ConfigError


@pytest.mark.parametrize("rate", [1, 5, 20, 50, 60, 1_200, 4_000])
def test_what_is_told_is_what_the_ledger_does(rate):
    ledger = TokenLedger.in_memory(DEFAULT_TIERS, ManualClock(10**12))
    ledger.observe(Reading(10, rate, 60_000, 1_700_000_000_000))
    floors, _ = floors_on_plan(DEFAULT_TIERS, rate)
    assert floors == {tier.name: tier.floor for tier in ledger.snapshot().tiers if tier.name in floors}


def test_a_plan_too_small_for_a_floor_is_named_once_with_what_is_used():
    assert floors_on_plan(DEFAULT_TIERS, 5) == ({"upsert": 50, "backfill": 150}, None)
    floors, said = floors_on_plan(DEFAULT_TIERS, 1)
    assert floors == {"upsert": 10, "backfill": 30}
    assert (
        said
        == "upsert's floor of 50 is lowered to 10 and backfill's floor of 150 is lowered to 30: the plan allows no more"
    )


def test_only_floors_that_are_cut_are_too_high():
    assert describe_lowered(DEFAULT_TIERS, 5) == []
    assert [said.split()[:2] for said in describe_lowered(DEFAULT_TIERS, 1)] == [
        ["UPSERT_FLOOR", "50"],
        ["BACKFILL_FLOOR", "150"],
    ]


def test_a_plan_is_told_once_and_again_when_it_changes():
    news = PlanChanges(DEFAULT_TIERS)
    told = [news.fields_of(rate) for rate in (5.0, 5.0, 1.0, 1.0, 5.0)]
    assert [each and each["floors"]["backfill"] for each in told] == [150, None, 30, None, 150]
    assert told[0]["message"] is None
    assert "the plan allows no more" in told[2]["message"]


def test_the_floors_as_shipped_grow_with_the_plan_and_those_that_were_set_do_not():
    unset, chosen = (
        run_plan.make_run_plan(settings.load_settings(given, dotenv=None)).tiers()
        for given in ({}, {"BACKFILL_FLOOR": "200"})
    )
    assert floors_on_plan(unset, 1_200)[0] == {"upsert": 1_200, "backfill": 3_600}
    assert floors_on_plan(chosen, 1_200)[0] == {"upsert": 1_200, "backfill": 200}


def test_shares_that_leave_nothing_are_refused_as_configuration():
    with pytest.raises(ConfigError, match="are 1 together: lower them to less than 1"):
        settings.load_settings({"UPSERT_SHARE": "0.5", "BACKFILL_SHARE": "0.5"}, dotenv=None)
