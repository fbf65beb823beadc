"""The balance to come: refills alone, until the last gate that somebody waits at opens, as the ledger says."""

from hypothesis import given
from hypothesis import strategies as st

from ledger import DEFAULT_TIERS, Lease, ManualClock, Reading, TokenLedger
from supervisor.web.forecast import forecast


def test_nothing_is_foretold_before_the_first_reading():
    assert forecast(TokenLedger.in_memory(DEFAULT_TIERS, ManualClock(10**15)).snapshot()) == ((), ())


@given(balance=st.integers(-100, 1200), rate=st.integers(1, 20), cost=st.integers(1, 30))
def test_it_ends_when_the_gate_opens_and_the_ledger_opens_it_then(balance, rate, cost):
    clock = ManualClock(10**15)
    ledger = TokenLedger.in_memory(DEFAULT_TIERS, clock)
    ledger.observe(
        Reading(tokens_left=min(balance, 60 * rate), refill_rate=rate, refill_in_ms=30_000, server_ms=10**12)
    )
    with ledger.place("backfill") as place:
        if isinstance(place.poll(min(cost, 5 * rate)), Lease):
            return
        snapshot = ledger.snapshot()
        found = forecast(snapshot)
        assert found.steps[0] == (0.0, snapshot.bucket.balance)
        balances = [after for _, after in found.steps]
        assert balances == sorted(balances), "refills alone never take"
        assert balances[-1] <= snapshot.bucket.capacity
        (opening,) = found.openings
        assert opening.balance in balances
        assert opening.in_s <= found.steps[-1][0] + 0.01
        clock.advance_s(opening.in_s + 0.01)
        assert isinstance(place.poll(min(cost, 5 * rate)), Lease), "at that moment it is granted"


def test_without_anybody_who_waits_the_next_two_refills_are_foretold():
    ledger = TokenLedger.in_memory(DEFAULT_TIERS, ManualClock(10**15))
    ledger.observe(Reading(tokens_left=100, refill_rate=5, refill_in_ms=30_000, server_ms=10**12))
    found = forecast(ledger.snapshot())
    assert [round(balance) for _, balance in found.steps] == [100, 105, 110]
    assert found.openings == ()
