"""Nothing is sent for a lease that the ledger does not have any more, wherever its book is kept."""

import copy

import pytest

from ledger import DEFAULT_TIERS, LeaseEnded, LeaseGone, ManualClock, Reading
from ledger.model import leases
from ledger.storage.transaction import change
from tests.fixtures.ledger.ledgers import new_ledger

pytestmark = pytest.mark.usefixtures("ledger_home")


@pytest.fixture
def ledger(ledger_home):  # noqa: ARG001 - it says where the book is
    made = new_ledger(DEFAULT_TIERS, ManualClock(10**12))
    made.observe(Reading(300, 5, 60_000, 1_700_000_000_000))
    return made


def resolved_as_dead(ledger):
    change(ledger._home, lambda view: leases.resolve_dead(view, ledger._now_ns(), lambda _owner: False))


def test_a_commit_that_finds_its_lease_resolved_is_refused_and_the_tokens_are_back(ledger):
    lease = ledger.try_reserve("upsert", 10)
    resolved_as_dead(ledger)
    with pytest.raises(LeaseGone, match=r"lease \d+ of upsert is not in the ledger any more.*reserve again"):
        lease.commit()
    seen = ledger.snapshot()
    assert (seen.bucket.balance, seen.leases, lease.is_open) == (300, (), False)
    with pytest.raises(LeaseEnded):
        lease.cancel()


def test_a_reply_to_a_call_that_was_resolved_meanwhile_tells_the_balance_all_the_same(ledger):
    lease = ledger.try_reserve("upsert", 10)
    lease.commit()
    resolved_as_dead(ledger)
    assert ledger.snapshot().bucket.balance == 290
    lease.settle(7, Reading(293, 5, 59_000, 1_700_000_001_000))
    seen = ledger.snapshot()
    assert (seen.bucket.balance, seen.bucket.drift, seen.totals.spent) == (293, 0, 7)


def test_of_two_copies_of_a_process_that_hold_one_lease_the_first_alone_may_send(ledger):
    """A machine was copied while it ran, between reservation and commit."""
    lease = ledger.try_reserve("upsert", 10)
    twin = copy.copy(lease)
    lease.commit()
    with pytest.raises(LeaseGone):
        twin.commit()
    lease.settle(7)
    assert ledger.snapshot().totals.spent == 7
