"""A process whose machine was copied, and that goes on later than its copy, changes nothing in the ledger any more."""

from __future__ import annotations

import pytest

from ledger import TokenLedger
from tasks.errors import ConfigError, DatabaseTransient
from tasks.store.ledger_row.line import Line
from tests.fixtures.ledger.rows import balances


def known(ledger):
    """What a process knows of its line to the row."""
    return {name: getattr(ledger._home._connection, name) for name in ("number", "request", "tried")}


@pytest.fixture
def make_copy(make_home):
    """The ledger of a process with all that it knew, over a line of its own, as after its machine was copied."""

    def copied(knew):
        home = make_home()
        for name, value in knew.items():
            setattr(home._connection, name, value)
        return TokenLedger(home)

    return copied


@pytest.mark.parametrize("what", ["reserve", "commit", "settle"])
def test_who_goes_on_after_its_copy_has_changed_the_ledger_learns_it_before_it_sends_anything(
    make_ledger, make_copy, what
):
    working = make_ledger()
    lease = working.reserve("upsert", 5)
    if what == "settle":
        lease.commit()
    suspended = make_copy(known(working))
    held = next(iter(suspended.snapshot().leases))
    assert held.cost == 5
    working.reserve("upsert", 1).commit()
    before = balances(working).totals
    with pytest.raises(ConfigError, match="machine was copied while it ran"):
        if what == "reserve":
            suspended.try_reserve("upsert", 1)
        else:
            lease._ledger = suspended
            lease.commit() if what == "commit" else lease.settle(5)
    assert balances(working).totals == before
    working.reserve("upsert", 1).cancel()


def test_of_two_that_go_on_at_once_the_first_to_change_anything_goes_on(make_ledger, make_copy):
    one = make_ledger()
    one.reserve("upsert", 5).cancel()
    other = make_copy(known(one))
    other.reserve("upsert", 5).cancel()
    with pytest.raises(ConfigError):
        one.try_reserve("upsert", 1)
    for _ in range(3):
        other.reserve("upsert", 5).cancel()


def test_a_process_whose_answer_was_lost_for_good_takes_its_own_change_for_no_copy(make_ledger, monkeypatch):
    ledger = make_ledger()
    ledger.reserve("upsert", 5).cancel()
    ask, home = Line.ask, ledger._home

    def give_up(error):
        raise error

    def lose(line, message):
        result = ask(line, message)
        if message.endswith(b"COMMIT"):
            line.close()
            raise DatabaseTransient("the line broke")
        return result

    with monkeypatch.context() as lost:
        lost.setattr(Line, "ask", lose)
        lost.setattr(home.patience, "failed", give_up)
        with pytest.raises(DatabaseTransient):
            ledger.try_reserve("upsert", 5)
    for _ in range(3):
        ledger.reserve("upsert", 1).cancel()


def test_a_process_that_has_changed_nothing_yet_is_no_copy_of_one_of_an_earlier_boot(make_ledger, make_copy):
    ledger = make_ledger()
    ledger.reserve("upsert", 5).cancel()
    started_again = make_copy({**known(ledger), "request": 0, "tried": 0})
    started_again.reserve("upsert", 1).cancel()
