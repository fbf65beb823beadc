"""What must hold of a ledger at any moment, and after its users were killed."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from ledger.errors import NeedsReading
from ledger.lease import Lease
from ledger.types import Reading

if TYPE_CHECKING:
    from collections.abc import Container

    from ledger.ledger import TokenLedger
    from ledger.snapshot_records import Snapshot
    from ledger.types import Wait

_SERVER_MS: Final = 1_700_000_000_000
_DIGITS: Final = 6  # tokens are thousandths; binary fractions are not


class Broken(Exception):
    """The ledger broke a promise; the message says which, and what was found."""


def books_balance(seen: Snapshot) -> None:
    """Refuse a ledger that has lost or made up a token.

    Raises:
        Broken: the sums differ, or a lease is there twice.
    """
    totals, bucket = seen.totals, seen.bucket
    there, accounted = totals.credited + bucket.drift, bucket.balance + totals.spent + totals.expired
    if round(there, _DIGITS) != round(accounted, _DIGITS):
        raise Broken(f"credited + drift is {there}, balance + spent + expired is {accounted}")
    in_flight, leased = sum(tier.in_flight for tier in seen.tiers), sum(lease.cost for lease in seen.leases)
    if round(in_flight, _DIGITS) != round(leased, _DIGITS):
        raise Broken(f"{in_flight} tokens are in flight, the open leases come to {leased}")
    twice = [number for number, times in Counter(lease.id for lease in seen.leases).items() if times > 1]
    if twice:
        raise Broken(f"lease {twice} is there twice")


def next_operation_s(ledger: TokenLedger, dead: Container[int], *, is_alone: bool) -> float:
    """Seconds until the dead are resolved and a request for a token was answered; a token is given back.

    Raises:
        Broken: a dead owner still holds something, or a survivor that is alone is told to wait.
    """
    began = time.monotonic()
    ledger.resolve_dead()
    outcome = _one_token(ledger)
    took_s = time.monotonic() - began
    if isinstance(outcome, Lease):
        outcome.cancel()
    seen = ledger.snapshot()
    if is_alone and not isinstance(outcome, Lease):
        raise Broken(f"no token is to be had of {seen.bucket.balance}: {outcome}")
    books_balance(seen)
    held = [lease.id for lease in seen.leases if lease.owner_pid in dead]
    if held:
        raise Broken(f"leases {held} of a dead process are open still")
    return took_s


def server_ms(ledger: TokenLedger) -> int:
    """What a server would put under a reply now; a reading with another time would not be believed."""
    return ledger.standing().server_ms or _SERVER_MS


def _one_token(ledger: TokenLedger) -> Lease | Wait | None:
    """The answer to a request for one token, after a reading if one is asked for or the balance is spent.

    None: a second reading is asked for, since another user lost a call in between.
    """
    outcome = _ask(ledger)
    if isinstance(outcome, Lease) or (outcome is not None and ledger.snapshot().bucket.balance > 0):
        return outcome
    bucket = ledger.snapshot().bucket
    ledger.observe(Reading(max(1, round(bucket.balance)), round(bucket.refill_rate), 60_000, server_ms(ledger)))
    return _ask(ledger)


def _ask(ledger: TokenLedger) -> Lease | Wait | None:
    try:
        return ledger.try_reserve("interactive", 1)
    except NeedsReading:
        return None


def comparable(seen: Snapshot, owner: int) -> dict[str, Any]:
    """A ledger as JSON in which `owner` is called 0 and nothing of the wall clock is left."""
    record = seen.to_json()
    del record["generated_at"]
    for entry in record["journal"]:
        del entry["at"]
    for part, name in (("leases", "owner_pid"), ("waiters", "owner_pid"), ("journal", "pid")):
        for entry in record[part]:
            entry[name] = 0 if entry[name] == owner else -1
    return record
