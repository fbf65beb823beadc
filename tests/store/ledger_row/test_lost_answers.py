"""Lines break before a change, before its commit, or before its answer: the books are as if nothing had been lost."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger import DEFAULT_TIERS, Lease, ManualClock, Reading, TokenLedger
from tasks.errors import DatabaseTransient
from tasks.store.ledger_row import statements
from tasks.store.ledger_row.line import Line
from tasks.store.ledger_row.row import RowHome
from tests.crash.kills import Again

SERVER_MS = 1_700_000_000_000
ACCOUNTS = itertools.count(2**61 + 1)
FATES = ("well", "before it begins", "before the commit", "before the answer")
STEPS = st.lists(
    st.tuples(st.sampled_from(["reserve", "commit", "settle", "cancel"]), st.integers(1, 40), st.sampled_from(FATES)),
    min_size=1,
    max_size=12,
)


class Breaking(Line):
    """A line that breaks once, at the moment that `fate` names."""

    fate = "well"

    def ask(self, message):
        if self._is_now(b"FOR UPDATE" in message, "before it begins") or self._is_now(
            message.endswith(b"COMMIT"), "before the commit"
        ):
            return self._break()
        result = super().ask(message)
        if self._is_now(message.endswith(b"COMMIT"), "before the answer"):
            return self._break()
        return result

    def _is_now(self, is_there, fate):
        return is_there and Breaking.fate == fate

    def _break(self):
        Breaking.fate = "well"
        self.close()
        raise DatabaseTransient("the line broke")


def does(ledger, held, what, number):
    """One step; the same for each ledger that has come so far."""
    if what == "reserve":
        outcome = ledger.try_reserve("upsert", number)
        if isinstance(outcome, Lease):
            held.append(outcome)
        return
    if not held:
        return
    lease = held[number % len(held)]
    {"commit": lease.commit, "settle": lambda: lease.settle(lease.cost // 2), "cancel": lease.cancel}[what]()
    if what != "commit":
        held.remove(lease)


def books(ledger):
    seen = ledger.snapshot()
    assert seen.totals.credited + seen.bucket.drift == seen.bucket.balance + seen.totals.spent + seen.totals.expired
    assert sum(tier.in_flight for tier in seen.tiers) == sum(lease.cost for lease in seen.leases)
    granted = [tier.granted for tier in seen.tiers]
    return seen.bucket, seen.totals, granted, [(lease.id, lease.cost, lease.state) for lease in seen.leases]


@pytest.mark.kill
@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
def test_whatever_is_lost_on_the_way_each_change_is_made_once(database_url, steps):
    clock, account = ManualClock(10**12), next(ACCOUNTS)
    home = RowHome(database_url, account, 1, clock=clock)
    home.patience = Again()
    home._connection.shared.connect = lambda channels: Breaking(database_url, "tests", channels, statements.PREPARE)
    Breaking.fate = "well"
    home.create(str(account))
    ledgers = [TokenLedger(home), TokenLedger.in_memory(DEFAULT_TIERS, clock)]
    ledgers[0].configure(DEFAULT_TIERS, 60.2)
    for ledger in ledgers:
        ledger.observe(Reading(300, 5, 60_000, SERVER_MS))
    held = [[], []]
    try:
        for what, number, fate in steps:
            Breaking.fate = fate
            does(ledgers[0], held[0], what, number)
            Breaking.fate = "well"
            does(ledgers[1], held[1], what, number)
            assert books(ledgers[0]) == books(ledgers[1])
    finally:
        Breaking.fate = "well"
        home.close()
