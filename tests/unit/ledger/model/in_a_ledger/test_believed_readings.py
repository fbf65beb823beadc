"""What a reply says of the tokens is believed when it can be and something explains it, or when another agrees."""

import pytest

from ledger import DEFAULT_TIERS, Lease, ManualClock, NeedsReading, Reading, Shape, TokenLedger
from tests.past_incidents.oracle import EPOCH_MS, MINUTE_S, Account

DIGITS_400 = 10**399


DEAL = Shape(name="deal", items=1, prior=5)


def a_reading(account, **changed):
    true = account.reading()
    fields = {
        "tokens_left": true.tokens_left,
        "refill_rate": true.refill_rate,
        "refill_in_ms": true.refill_in_ms,
        "server_ms": true.server_ms,
    }
    return Reading(**fields | changed)


def spend(ledger, account, cost=5, *, tier="upsert", **changed):
    """One call; its reply is changed as given."""
    lease = ledger.try_reserve(tier, cost, shape=DEAL)
    assert isinstance(lease, Lease), lease
    lease.commit()
    account.call(cost)
    lease.settle(cost, a_reading(account, **changed))


def says(ledger):
    return ledger.snapshot().bucket


IMPOSSIBLE = [
    {"tokens_left": DIGITS_400},
    {"tokens_left": -DIGITS_400},
    {"tokens_left": -1_000_000_000},
    {"tokens_left": 2**63},
    {"refill_rate": DIGITS_400},
    {"refill_rate": -5},
    {"refill_rate": 2**31},
    {"refill_in_ms": -1},
    {"refill_in_ms": DIGITS_400},
    {"refill_in_ms": 10**9},
    {"server_ms": DIGITS_400},
    {"server_ms": -DIGITS_400},
]


IMPROBABLE = [
    {"tokens_left": -100_000},
    {"tokens_left": 290},
    {"tokens_left": 100_000},
    {"refill_in_ms": 3_600_000},
    {"server_ms": 4_102_444_800_000},
    {"server_ms": 0},
    {"server_ms": EPOCH_MS},
    {"refill_rate": 5_000, "tokens_left": 200_000},
]


@pytest.mark.parametrize("changed", IMPOSSIBLE + IMPROBABLE, ids=lambda changed: str(changed)[:40])
def test_a_lone_outlier_is_set_aside_and_its_charge_is_booked_all_the_same(changed):
    account = Account(balance=120)
    ledger = account.ledger()
    account.wait(3 * MINUTE_S + 1.1)
    spend(ledger, account, **changed)
    bucket = says(ledger)
    assert (bucket.balance, bucket.refill_rate, bucket.drift) == (account.balance, 5, 0)
    assert (bucket.aside_in_a_row, ledger.snapshot().totals.set_aside) == (1, 1)
    assert "aside" in [entry.event for entry in ledger.snapshot().journal]
    account.wait(2 * MINUTE_S + 1.1)
    spend(ledger, account)
    bucket = says(ledger)
    assert (bucket.balance, bucket.drift, bucket.aside_in_a_row) == (account.balance, 0, 0)


@pytest.mark.parametrize("changed", IMPOSSIBLE, ids=lambda changed: str(changed)[:40])
def test_what_cannot_be_is_never_believed_however_often_it_comes(changed):
    account = Account(balance=120)
    ledger = account.ledger()
    for _ in range(20):
        account.wait(MINUTE_S)
        account.wait(1.1)
        spend(ledger, account, **changed)
        assert says(ledger).balance == account.balance
    assert says(ledger).aside_in_a_row == 20


@pytest.mark.parametrize("changed", IMPOSSIBLE, ids=lambda changed: str(changed)[:40])
def test_what_cannot_be_opens_no_ledger(changed):
    account = Account(balance=120)
    ledger = TokenLedger.in_memory(DEFAULT_TIERS, account.clock)
    for _ in range(10):
        assert not ledger.observe(a_reading(account, **changed))
        account.wait(MINUTE_S)
    assert not ledger.snapshot().synced
    assert ledger.observe(a_reading(account))
    assert says(ledger).balance == account.balance


def test_several_that_agree_are_believed_tokens_were_bought():
    account = Account(balance=20)
    ledger = account.ledger()
    account.bucket.take(-200)
    account.wait(1)
    spend(ledger, account, tier="interactive")
    assert says(ledger).balance == 15
    spend(ledger, account, tier="interactive")
    assert says(ledger).balance == account.balance == 210


def test_a_clock_that_was_set_for_good_is_believed_when_several_replies_say_so():
    account = Account(balance=200)
    ledger = account.ledger()
    for step_ms in (86_400_000, -3_600_000):
        for _ in range(3):
            account.wait(MINUTE_S)
            spend(ledger, account, server_ms=account.reading().server_ms + step_ms)
        bucket = says(ledger)
        assert (bucket.balance, bucket.drift, bucket.aside_in_a_row) == (account.balance, 0, 0)


def test_one_sane_reading_undoes_a_lie_that_was_believed():
    account = Account(balance=250)
    ledger = account.ledger()
    account.wait(MINUTE_S)
    ledger.observe(a_reading(account, tokens_left=-400))
    assert says(ledger).balance == -400  # another program may have spent it
    account.wait(MINUTE_S)
    ledger.observe(a_reading(account))
    assert says(ledger).balance == account.balance == 260


def test_three_unexplained_replies_in_a_row_are_believed_though_no_two_agree():
    account = Account(balance=100)
    ledger = account.ledger()
    for left in (-5_000, -20_000, 90_000):
        ledger.observe(a_reading(account, tokens_left=left))
    assert says(ledger).balance == 90_000


def test_outliers_in_turn_with_sane_replies_change_nothing():
    account = Account(balance=150)
    ledger = account.ledger()
    for turn in range(40):
        account.wait(MINUTE_S)
        account.wait(0.7)
        spend(ledger, account, **(IMPROBABLE[turn // 2 % len(IMPROBABLE)] if turn % 2 else {}))
        account.wait(0.4)
        assert says(ledger).balance == account.balance
    assert says(ledger).drift == 0


def test_the_local_clock_orders_what_was_sent_after_the_last_reading_had_come():
    account = Account(balance=200)
    ledger = account.ledger()
    account.wait(30)
    ledger.observe(a_reading(account, server_ms=account.reading().server_ms + 20_000))  # its clock ran ahead once
    account.wait(1)
    spend(ledger, account, 40)
    assert says(ledger).balance == 160
    assert says(ledger).drift == 0


@pytest.mark.parametrize(
    "consumed", [100_000, 2_147_483_653, 10**18, DIGITS_400, -1, -DIGITS_400], ids=lambda cost: str(cost)[:20]
)
def test_a_cost_that_no_such_call_can_have_is_taken_for_unknown(consumed):
    account = Account(balance=200)
    ledger = account.ledger()
    for shape in (DEAL, None):
        before = ledger.estimate(DEAL)
        lease = ledger.try_reserve("upsert", 5, shape=shape)
        lease.commit()
        account.call(5)
        lease.settle(consumed)
        assert says(ledger).balance == account.balance
        assert ledger.estimate(DEAL) == before
        ledger.observe(account.reading())
        lease = ledger.try_reserve("upsert", 5, shape=shape)
        lease.commit()
        account.call(5)
        lease.settle(consumed, account.reading())
        bucket = says(ledger)
        assert (bucket.balance, bucket.drift) == (account.balance, 0)


def test_a_much_larger_plan_is_spent_by_one_at_a_time_until_a_second_reply_says_it_too():
    account = Account(balance=100)
    ledger = account.ledger()
    ledger.observe(a_reading(account, refill_rate=5_000))
    account.wait(MINUTE_S + 90)
    first = ledger.try_reserve("interactive", 50)
    assert isinstance(first, Lease)
    wait = ledger.try_reserve("interactive", 50)
    assert wait.reason == "in flight"
    first.commit()
    account.call(50)
    first.settle(50, a_reading(account))
    assert (says(ledger).refill_rate, says(ledger).balance) == (5, account.balance)


def test_a_free_reading_that_contradicts_is_put_to_the_test_at_once():
    account = Account(balance=50)
    ledger = account.ledger()
    account.bucket.take(-200)
    assert not ledger.observe(a_reading(account))
    with pytest.raises(NeedsReading):
        ledger.try_reserve("upsert", 5)
    assert ledger.observe(a_reading(account))
    assert says(ledger).balance == 250


def test_questions_that_bring_nothing_usable_are_asked_ever_more_rarely():
    clock = ManualClock(10**12)
    ledger = TokenLedger.in_memory(DEFAULT_TIERS, clock)
    asked = 0
    for _ in range(6 * 3600):
        clock.advance_s(1)
        try:
            ledger.try_reserve("upsert", 5)
        except NeedsReading:
            asked += 1
            ledger.observe(Reading(DIGITS_400, 5, 1, 1))
    assert 6 * 4 <= asked <= 6 * 4 + 5


def test_the_first_answer_that_can_be_true_is_put_to_the_test_at_once_after_many_that_could_not():
    account = Account(balance=50)
    ledger = account.ledger()
    lease = ledger.try_reserve("interactive", 5)
    lease.commit()
    lease.settle(None)  # nobody knows what it cost, so the server is asked
    for _ in range(4):
        ledger.observe(Reading(DIGITS_400, 5, 1, 1))
    account.clock.advance_s(3600)
    account.bucket.advance(account.clock.now_ns())
    account.bucket.take(-200)
    assert not ledger.observe(a_reading(account))
    with pytest.raises(NeedsReading):
        ledger.try_reserve("interactive", 5)


def test_no_tick_is_awaited_longer_than_ticks_are_believed_to_last_though_another_plan_comes_with_the_wait():
    account = Account(balance=50)
    ledger = account.ledger()
    account.wait(1)
    spend(ledger, account, tier="interactive", refill_rate=20, refill_in_ms=590_000)
    bucket = says(ledger)
    assert bucket.refill_rate == 20
    assert bucket.next_tick_in_s <= bucket.tick_period_s * 1.05 + 1.1
