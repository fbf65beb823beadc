"""A run that is given up, or skipped, instead of waiting for tokens, for ever.

Rows 25, 52, 53, 56, 60, 61: "skip if the balance is low" at the entry; an error when the wait is longer than a minute,
raised before anybody asked what the balance really is, so that the next run, and every one after it, ends alike.
"""

from __future__ import annotations

import pytest

from ledger import Lease, Wait
from supervisor.process.heartbeat import Heartbeat, hung_at_ns
from tests.past_incidents.oracle import FLOORS, MINUTE_S, Account, reserved

NS = 10**9
HOURS = 6
RUN_S = 300


class Skips:
    """The past: looks at what it believes, gives up when low, and asks only after a wait that it never begins."""

    def __init__(self, account, believed):
        self._account, self._believed = account, believed

    def run(self, cost):
        missing = FLOORS["upsert"] + cost - self._believed
        if missing / self._account.bucket.plan.rate * MINUTE_S > 60:
            return False
        reading, is_admitted = self._account.call(cost)
        self._believed = reading.tokens_left
        return is_admitted


class Waits:
    """Ours: what is not to be had now comes with the time at which it is, and is slept for."""

    def __init__(self, account):
        self._account, self._ledger = account, account.ledger()

    def run(self, cost):
        lease = reserved(self._ledger, self._account, "upsert", cost)
        lease.commit()
        reading, is_admitted = self._account.call(cost)
        lease.settle(cost, reading)
        return is_admitted


def gets_on(client, account, *, cost=5):
    """A run every five minutes for six hours: each ends with its call."""
    ends_ns = account.clock.now_ns() + HOURS * 3600 * NS
    runs = done = 0
    while account.clock.now_ns() < ends_ns:
        runs += 1
        done += client.run(cost)
        account.wait(RUN_S)
    assert done == runs
    assert account.bucket.spent == done * cost


@pytest.mark.parametrize("balance", [-229, -104, 38, 300])
def test_a_run_that_cannot_go_now_goes_later(balance):
    account = Account(balance=balance)
    gets_on(Waits(account), account)
    assert account.refused == 0


@pytest.mark.parametrize(("balance", "believed"), [(-229, -229), (38, -42), (300, -65), (-104, -229)])
def test_giving_up_by_what_is_believed_fails_there(balance, believed):
    account = Account(balance=balance)
    with pytest.raises(AssertionError):
        gets_on(Skips(account, believed), account)


@pytest.mark.parametrize("balance", [-229, -104, -1, 0, 48])
def test_the_end_of_a_wait_is_told_comes_as_soon_as_the_refill_allows_and_is_kept(balance):
    account = Account(balance=balance)
    ledger = account.ledger()
    with ledger.place("upsert") as place:
        told = place.poll(5)
        account.clock.advance_to_ns(told.until_ns - 1)
        assert isinstance(place.poll(5), Wait)
        account.clock.advance_to_ns(told.until_ns)
        assert isinstance(place.poll(5), Lease)
    assert account.balance >= 5
    ticks = account.bucket.refilled // 5
    assert ticks <= -(-max(0, -balance) // 5) + 2, "a call costs one refill, of which upsert is promised half"


@pytest.mark.parametrize("balance", [-229, 0])
def test_a_wait_of_an_hour_is_no_hang_and_silence_after_it_is_one(balance):
    account = Account(balance=balance)
    wait = account.ledger().place("upsert").poll(100)
    now_ns = account.clock.now_ns()
    assert wait.latest_ns - now_ns > 1200 * NS
    beat = Heartbeat(phase="waiting_tokens", until_ns=wait.latest_ns)
    assert hung_at_ns(beat, now_ns=now_ns, ledger_now_ns=now_ns, hang_s=120) == wait.latest_ns + 120 * NS
