"""A budget of upsert that is changed holds for the looks that wait already, and asking for a turn costs none of it."""

from __future__ import annotations

import dataclasses

import pytest

from ledger.model.tiers import DEFAULT_TIERS
from tasks.roles import UPSERT
from tests.fixtures.jobs import QUERY
from tests.fixtures.server import TICK_S

FREE_S = 300  # between two looks of 5 tokens, by a refill of 5 a minute
SOON_S = FREE_S + TICK_S


@pytest.fixture
def here(town):
    """A town in which upsert may spend ten tokens a day, so that it looks once a day."""
    made = town(QUERY)
    budget(made, 10)
    return made


def budget(here, tokens):
    tiers = [dataclasses.replace(one, tokens_per_day=tokens * (one.name == UPSERT)) for one in DEFAULT_TIERS]
    here.ledger.configure(tiers, TICK_S)


def looks(here):
    return len(here.events("walk_complete"))


def begun(here, **changes):
    work = here.job(upsert_detail="none", **changes)
    while not looks(here):
        here.run(work, 1)
    return work


@pytest.mark.parametrize("tokens", [0, 20_000], ids=["taken away", "raised"])
def test_a_look_that_waits_for_a_day_is_due_when_the_budget_no_longer_asks_for_it(here, tokens):
    work = begun(here)
    here.run(work, 2 * FREE_S)
    assert looks(here) == 1, "ten tokens are for one look, and half of them for details"
    budget(here, tokens)
    here.clock.advance_s(1)
    here.run(work, 1)
    assert looks(here) == 2


def test_a_worker_that_has_no_turn_asks_for_it_as_if_there_were_no_budget(here):
    begun(here, worker="one")
    here.execute("UPDATE crawls SET finished_at = finished_at - interval '2 days'")
    other = here.job(upsert_detail="none", worker="two")
    waits = []
    here.run(other, 3 * FREE_S, after=lambda outcome: waits.append(outcome.why))
    assert looks(here) == 1
    assert len([why for why in waits if why.startswith("another worker lists")]) == 3, (
        "once in an interval of the refill"
    )
