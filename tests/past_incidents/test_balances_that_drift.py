"""A balance kept locally drifts away from the account's.

Rows 1, 3, 9, 28, 29, 49, 52, 56, 61: a start at a guessed 300 or 100; the tokens a call consumed taken for those that
are left; a balance of each process's own; a refill rate that was written down once; no time of the last change, so
no refill; an envelope of zeros believed; the one look that would help, held back by its own throttle.
"""

from __future__ import annotations

import pytest

from ledger import DEFAULT_TIERS, NeedsReading, Reading, TokenLedger
from tasks.errors import RequestRefused
from tasks.keepa.reply import RawReply, envelope_of_reply
from tests.past_incidents.oracle import EPOCH_MS, MINUTE_S, Account

ZEROS = (
    b'{"timestamp":1700000000000,"tokensLeft":0,"refillIn":0,"refillRate":0,"tokenFlowReduction":0.0,'
    b'"tokensConsumed":0,"error":{"type":"invalidParameter","message":"no","details":""}}'
)


class Believer:
    """The past: begins with a guess, subtracts what it expected, adds five a minute."""

    def __init__(self, guess, *, takes_consumed_for_left=False):
        self._balance, self._rate, self._takes_consumed = guess, 5, takes_consumed_for_left

    def sent(self, _account, cost, consumed):
        self._balance = consumed if self._takes_consumed else self._balance - cost

    def waited(self, seconds):
        self._balance += self._rate * int(seconds // MINUTE_S)

    def balance(self):
        return self._balance


class Ours:
    """The ledger: the last reply is the truth."""

    def __init__(self, account):
        self._ledger = account.ledger()

    def sent(self, account, cost, consumed):
        lease = self._ledger.try_reserve("interactive", cost)
        lease.commit()
        reading, _ = account.call(consumed)
        lease.settle(consumed, reading)

    def waited(self, _seconds):
        """Its clock tells."""

    def balance(self):
        return self._ledger.snapshot().bucket.balance


def an_afternoon(client, account, *, is_sent_by_client):
    """Calls, another user of the key, a larger plan, a silence of two hours: equal to the account all the way."""
    assert client.balance() == account.balance
    for cost, consumed, pause_s, taken, rate in [
        (10, 7, 1, 0, 5), (10, 12, 5 * MINUTE_S, 0, 5), (5, 5, 1, 40, 5), (5, 5, 3 * MINUTE_S, 0, 25),
        (5, 5, 2 * MINUTE_S, 0, 25), (20, 30, 120 * MINUTE_S, 0, 25), (5, 5, 10, 0, 25),
    ]:  # fmt: skip
        if not is_sent_by_client:
            account.call(consumed)
        client.sent(account, cost, consumed)
        assert client.balance() == account.balance
        account.bucket.take(taken)
        if rate != account.bucket.plan.rate:
            account.bucket.set_rate(rate)
            account.wait(MINUTE_S)
            client.waited(MINUTE_S)
            continue  # a change of plan is heard of with the next reply, as another user's calls are
        account.wait(pause_s + 1.1)
        client.waited(pause_s + 1.1)
        assert taken or client.balance() == account.balance


def test_after_every_reply_and_every_pause_the_books_hold_what_the_account_holds():
    account = Account(balance=120)
    an_afternoon(Ours(account), account, is_sent_by_client=True)


@pytest.mark.parametrize(("guess", "wrong"), [(300, False), (100, False), (120, False), (120, True)])
def test_a_guess_a_counter_and_a_wrong_field_fail_there(guess, wrong):
    believer = Believer(guess, takes_consumed_for_left=wrong)
    with pytest.raises(AssertionError):
        an_afternoon(believer, Account(balance=120), is_sent_by_client=False)


def test_before_the_first_reply_nothing_is_guessed_and_one_is_sent_to_ask():
    account = Account(balance=6)
    ledger = TokenLedger.in_memory(DEFAULT_TIERS, account.clock)
    assert [ledger.headroom(tier.name).now for tier in DEFAULT_TIERS] == [0, 0, 0]
    with pytest.raises(NeedsReading):
        ledger.try_reserve("interactive", 5)
    ledger.observe(account.reading())
    assert ledger.snapshot().bucket.balance == 6


def test_an_envelope_of_zeros_says_nothing_of_the_balance_and_nothing_of_the_plan():
    reply = RawReply(endpoint="/deal", status=400, body=ZEROS, duration_s=0.1)
    with pytest.raises(RequestRefused) as refused:
        envelope_of_reply(reply)
    assert refused.value.reading is None
    account = Account(balance=200)
    ledger = account.ledger()
    lease = ledger.try_reserve("upsert", 50)
    lease.commit()
    lease.settle(0, Reading(tokens_left=0, refill_rate=0, refill_in_ms=0, server_ms=EPOCH_MS))
    ledger.observe(Reading(tokens_left=0, refill_rate=0, refill_in_ms=0, server_ms=EPOCH_MS))
    bucket = ledger.snapshot().bucket
    assert (bucket.balance, bucket.refill_rate) == (200, 5)


@pytest.mark.parametrize("debt", [-79, -104, -229])
def test_a_debt_heals_tick_by_tick_in_the_books_as_in_the_account_though_nobody_calls(debt):
    account = Account(balance=debt)
    ledger = account.ledger()
    account.wait(1.1)  # a tick counts a second after it was announced
    for _ in range(120):
        assert ledger.snapshot().bucket.balance == account.balance
        account.wait(MINUTE_S)
    assert account.balance == 300 == ledger.snapshot().bucket.balance


def test_after_a_call_whose_reply_was_lost_one_look_is_enough_however_soon():
    account = Account(balance=200)
    ledger = account.ledger()
    for consumed in (0, 40, 90):
        lease = ledger.try_reserve("upsert", 20)
        lease.commit()
        account.call(consumed)
        lease.settle(None)
        ledger.observe(account.reading())  # at once, each time: nothing throttles what is the cure
        assert ledger.snapshot().bucket.balance == account.balance
