"""The database's clock: one that was set, and a while in which nobody watched it."""

from __future__ import annotations

import pytest

from ledger import Reading
from ledger.storage.transaction import change
from tasks.store.ledger_row import statements
from tests.fixtures.ledger.rows import SERVER_MS, balances, times_asked


@pytest.mark.parametrize("step_s", [600, -600])
def test_a_clock_that_was_set_gives_no_token_takes_none_and_costs_one_reading(make_ledger, monkeypatch, step_s):
    one, other = make_ledger(), make_ledger()
    for ledger in (one, other):
        ledger.try_reserve("upsert", 1).cancel()
    spent = one.try_reserve("upsert", 200)
    spent.commit()
    spent.settle(200)
    state_of = statements.state_of

    def set_clock(values):
        us = int(values[4]) + step_s * 1_000_000
        return state_of([*values[:4], str(us).encode(), *values[5:]])

    monkeypatch.setattr(statements, "state_of", set_clock)
    assert times_asked((one, other, one, other), Reading(100, 5, 58_000, SERVER_MS + 2_000)) == 1
    seen = balances(other)
    assert (seen.bucket.balance, seen.bucket.drift) == (100, 0)
    assert 0 < seen.bucket.next_tick_in_s < 60


@pytest.mark.parametrize(("back_s", "is_asked"), [(50, False), (70, True)])
def test_who_comes_first_after_a_while_asks_once_because_nobody_watched_the_clock(make_ledger, back_s, is_asked):
    ledger = make_ledger()
    ledger.try_reserve("upsert", 1).cancel()

    def age(view):
        view.opens = True
        ledger._home._clock.ahead_ns += back_s * 10**9

    change(ledger._home, age)
    others = (make_ledger(), make_ledger())
    assert times_asked(others, Reading(300, 5, 58_000, SERVER_MS + 2_000)) == is_asked
