"""The budget of one worker where the balance cannot be learned by asking, or where a reply lied about a cost."""

import io
import itertools
import threading

import pytest

from ledger import DEFAULT_TIERS, NS_PER_S, Reading, Shape, TokenLedger
from tasks.calls.budget import Budget, Reservation
from tasks.errors import NotFromApi, Transient
from tasks.runtime.heartbeat_writer import HeartbeatWriter
from tasks.runtime.job import Idle, JobContext
from tasks.runtime.log import stream_logger
from tests.fixtures.settings import worker_settings
from tests.past_incidents.oracle import MINUTE_S, Account

SMALL = Shape(name="small", items=1, prior=5)
DEEP = Shape(name="deep", items=10, prior=2)
TICK_NS = 60.2 * NS_PER_S  # as it is supposed before a reply has told
NO_READING = Reading(tokens_left=10**399, refill_rate=5, refill_in_ms=1, server_ms=1)


def foreign():
    raise NotFromApi("/token: a page of HTML")


def throttled():
    raise Transient("/token: 429", status=429)


SILENCES = {
    "a balance that cannot be": lambda: NO_READING,
    "no refill": lambda: Reading(0, 0, 0, 0),
    "a foreign page": foreign,
    "a refusal that tells nothing": throttled,
}


class Caller:
    """Workers of one account with an own ledger in memory; `/token` answers as told."""

    def __init__(self, *, balance, ask=None):
        self.account = Account(balance=balance)
        self.clock = self.account.clock
        self.ledger = TokenLedger.in_memory(DEFAULT_TIERS, self.clock)
        self.ask = ask or self.account.reading
        self.beats, self.budgets = [], {}

    def reserve(self, tier="interactive", shape=SMALL):
        budget = self.budgets.get(tier) or self.budgets.setdefault(tier, self.budget(tier))
        return budget.reserve(tier, lambda: shape, self.ask, may_wait=True)

    def budget(self, worker):
        beat = HeartbeatWriter(self.beats.append, self.clock)
        context = JobContext(
            role="backfill", settings=worker_settings(), ledger=self.ledger, clock=self.clock, stop=threading.Event(),
            log=stream_logger(io.StringIO()), beat=beat, blocking=False, worker=worker,
        )  # fmt: skip
        return Budget(context)

    def pay(self, reservation, cost=5, **told):
        """One call; its reply is as the server gives it, or says something else of the cost or the bucket."""
        reservation.commit()
        self.answer(reservation, cost, **told)

    def answer(self, reservation, cost=5, **told):
        """The reply to a call that was sent."""
        reading, is_admitted = self.account.call(cost)
        consumed = told.get("consumed", cost if is_admitted else 0)
        with reservation:
            reservation.lease.settle(consumed, told.get("reading", reading), refused=not is_admitted)

    def conditions(self):
        return [one["why"] for one in self.beats[-1]["conditions"] if one["kind"] == "balance"] if self.beats else []

    @property
    def balance(self):
        bucket = self.ledger.snapshot().bucket
        return bucket.balance if self.ledger.snapshot().synced else None


@pytest.mark.parametrize("ask", SILENCES.values(), ids=SILENCES)
def test_the_balance_is_learned_from_one_small_paid_call_when_asking_for_it_brings_nothing(ask):
    caller = Caller(balance=100, ask=ask)
    reservation = caller.reserve()
    assert isinstance(reservation, Reservation)
    assert "blind" in [entry.event for entry in caller.ledger.snapshot().journal]
    assert caller.balance is None
    caller.pay(reservation)
    assert caller.balance == caller.account.balance == 95


def test_no_second_blind_call_is_made_while_one_is_open_however_long_it_takes():
    caller = Caller(balance=100, ask=foreign)
    first = caller.reserve()
    first.commit()
    for _ in range(600):
        caller.clock.advance_s(1)
        for tier in ("interactive", "upsert", "backfill"):
            assert isinstance(caller.reserve(tier), Idle)
    caller.answer(first)
    assert caller.balance == caller.account.balance


def test_at_most_one_blind_call_a_tick_is_made_as_long_as_its_replies_teach_nothing():
    caller = Caller(balance=250, ask=foreign)
    made = []
    for _ in range(20 * 60):
        for tier in ("backfill", "upsert", "interactive"):
            outcome = caller.reserve(tier)
            if isinstance(outcome, Reservation):
                made.append(caller.clock.now_ns())
                caller.pay(outcome, reading=NO_READING)
        caller.clock.advance_s(1)
    gaps = [later - earlier for earlier, later in itertools.pairwise(made)]
    assert min(gaps) >= TICK_NS
    assert len(made) >= 18
    assert caller.balance is None


def test_a_blind_call_that_was_never_sent_need_not_wait_a_tick_for_the_next():
    caller = Caller(balance=100, ask=foreign)
    with caller.reserve():
        pass
    assert isinstance(caller.reserve(), Reservation)


def test_a_blind_call_that_is_refused_teaches_the_balance_and_costs_nothing():
    caller = Caller(balance=-20, ask=foreign)
    caller.pay(caller.reserve())
    assert caller.account.refused == 1
    assert caller.balance == caller.account.balance == -20
    outcome = caller.reserve()
    assert isinstance(outcome, Idle)
    assert outcome.until_ns > caller.clock.now_ns() + 4 * TICK_NS  # until it is above 0 by five tokens


def test_a_hidden_balance_is_told_from_the_first_bad_answer_until_a_reply_has_taught_it():
    caller = Caller(balance=100, ask=foreign)
    assert caller.conditions() == []
    reservation = caller.reserve()
    assert caller.conditions() == ["the balance is unknown: the API gives no usable answer to the question for it"]
    caller.pay(reservation)
    assert caller.conditions() == []


def test_what_is_told_of_the_balance_ends_when_another_has_learned_it_though_nothing_is_wanted_here():
    caller = Caller(balance=100)
    idle, busy = caller.budget("idle"), caller.budget("busy")
    reservation = [idle.reserve("interactive", lambda: SMALL, caller.ask, may_wait=True) for _ in range(3)]
    for one in reservation:
        caller.pay(one, reading=NO_READING)
    assert len(caller.conditions()) == 1
    caller.pay(busy.reserve("interactive", lambda: SMALL, caller.ask, may_wait=True))
    idle.update_conditions()
    assert caller.conditions() == []


def test_readings_that_cannot_be_are_told_from_the_third_in_a_row_until_a_sane_one():
    caller = Caller(balance=100)
    for _ in range(3):
        assert caller.conditions() == []
        caller.pay(caller.reserve(), reading=NO_READING)
    assert len(caller.conditions()) == 1
    assert "3 readings" in caller.conditions()[0]
    caller.pay(caller.reserve())
    assert caller.conditions() == []


@pytest.mark.kill
def test_a_request_whose_cost_was_told_far_too_high_is_tried_once_a_tick_at_its_first_guess_until_it_is_known():
    caller = Caller(balance=300)
    caller.pay(caller.reserve("backfill", DEEP), cost=20, consumed=1_000)
    caller.ledger.observe(caller.account.reading())
    most = caller.ledger.headroom("backfill").ever
    assert caller.ledger.estimate(DEEP) > most
    tried = []
    for _ in range(12 * 3600):
        outcome = caller.reserve("backfill", DEEP)
        is_trial = caller.ledger.estimate(DEEP) > most
        if isinstance(outcome, Reservation):
            if is_trial:
                assert outcome.lease.cost == 20
                tried.append(caller.clock.now_ns())
            caller.pay(outcome, cost=20)
        else:
            assert outcome.until_ns > caller.clock.now_ns()
        if not is_trial:
            break
        caller.clock.advance_s(1)
    assert caller.ledger.estimate(DEEP) <= most
    assert len(tried) > 1
    assert all(later - earlier >= MINUTE_S * NS_PER_S * 0.99 for earlier, later in itertools.pairwise(tried))
