"""A waiter that looks before it asks misses nothing, and does not ask when it would be told the same."""

import pytest

from ledger.model import bucket, leases, peek, waiters
from ledger.model.waiters import Request
from ledger.types import Owner, Reading

S = 1_000_000_000
NOW_NS = 10**12
SERVER_MS = 1_700_000_000_000
ME, OTHER = Owner(host=1, pid=7, started=70), Owner(host=2, pid=8, started=80)
UPSERT, BACKFILL = 1, 2


def waits(view, tokens, tier=BACKFILL, owner=ME):
    return waiters.join(view, Request(tier=tier, cost_mt=tokens * 1000, owner=owner, shape=None), NOW_NS)


def is_worth_asking(view, ticket, *, until_ns=NOW_NS + 30 * S, now_ns=NOW_NS, owner=ME):
    return peek.is_worth_asking(view, ticket, owner, until_ns, now_ns, lambda _owner: True)


def test_who_waits_for_a_gate_that_is_shut_until_then_need_not_ask(view):
    view.book.asked_ns = NOW_NS
    mine = waits(view, 100)
    until_ns = leases.grant(view, Request(BACKFILL, 100_000, ME, None), NOW_NS, mine).until_ns
    assert not is_worth_asking(view, mine, until_ns=until_ns)
    assert is_worth_asking(view, mine, until_ns=until_ns + 1), "it opens sooner than this one expects"
    assert is_worth_asking(view, mine, until_ns=until_ns, now_ns=until_ns)


def test_a_head_that_knows_no_time_asks_when_there_is_one_and_those_behind_it_never_do(view):
    view.book.asked_ns = NOW_NS
    mine, behind = waits(view, 100), waits(view, 10)
    assert is_worth_asking(view, mine, until_ns=None)
    assert not is_worth_asking(view, behind, until_ns=None)


def test_an_open_gate_is_worth_asking_at_and_a_place_that_is_gone_has_to_be_taken_anew(view):
    mine = waits(view, 20)
    assert is_worth_asking(view, mine)
    waiters.leave(view, mine, NOW_NS)
    assert is_worth_asking(view, mine)


def test_what_the_plan_can_never_pay_for_is_told_to_who_asks(view):
    view.book.asked_ns = NOW_NS
    assert is_worth_asking(view, waits(view, 160))
    assert not is_worth_asking(view, waits(view, 150), until_ns=None), "it can be paid for, after the other"


def test_a_reading_that_is_needed_is_asked_for_by_one_alone(view):
    mine, other = waits(view, 100), waits(view, 100, owner=OTHER)
    view.book.needs_reading = 1
    view.book.asked_ns = NOW_NS
    view.book.reader_host, view.book.reader_pid, view.book.reader_start = ME
    view.book.reader_since_ns = NOW_NS
    assert is_worth_asking(view, mine)
    assert not is_worth_asking(view, other, owner=OTHER)


def test_before_the_first_reading_those_who_do_not_ask_for_it_sleep(fresh):
    ticket = waits(fresh, 10)
    assert is_worth_asking(fresh, ticket)
    fresh.book.reader_host, fresh.book.reader_pid, fresh.book.reader_start = OTHER
    fresh.book.reader_since_ns = NOW_NS
    assert not is_worth_asking(fresh, ticket)


def test_in_probation_nobody_asks_while_a_call_is_open(view):
    view.book.probation = 1
    leases.grant(view, Request(UPSERT, 10_000, OTHER, None), NOW_NS, 0)
    assert not is_worth_asking(view, waits(view, 10))


@pytest.mark.parametrize(("open_s", "is_due"), [(None, True), (1, False), (5, True)])
def test_anothers_turn_that_is_not_used_is_noted_once_and_ended_after_its_time(view, open_s, is_due):
    waits(view, 20, owner=OTHER)
    mine = waits(view, 20)
    if open_s is not None:
        view.waiters[0].open_ns = NOW_NS
    assert peek.is_idle_waiter_due(view, mine, NOW_NS + (open_s or 0) * S) is is_due


@pytest.mark.parametrize(("open_s", "is_due"), [(6, False), (59, False), (60, True)])
def test_one_that_was_passed_over_is_removed_when_its_process_stays_away(view, open_s, is_due):
    request = Request(tier=UPSERT, cost_mt=20_000, owner=OTHER, shape=None, away_s=60)
    waiters.join(view, request, NOW_NS)
    mine = waits(view, 20)
    view.waiters[0].open_ns, view.waiters[1].open_ns = -NOW_NS, NOW_NS + open_s * S
    assert peek.is_idle_waiter_due(view, mine, NOW_NS + open_s * S) is is_due
    assert not peek.is_idle_waiter_due(view, view.waiters[0].ticket, NOW_NS + open_s * S)


def test_nobodys_turn_is_ended_at_a_gate_that_is_shut_or_before_the_first_reading(view, fresh):
    bucket.charge_unread(view.book, 200_000, NOW_NS, is_certain=True)
    waits(view, 20, owner=OTHER)
    assert not peek.is_idle_waiter_due(view, waits(view, 20), NOW_NS + 6 * S)
    fresh.book.synced = 0
    assert not peek.is_idle_waiter_due(fresh, 0, NOW_NS + 6 * S)


def test_a_long_wait_is_worth_a_look_at_the_balance(view):
    leases.observe(view, Reading(1, 5, 29_000, SERVER_MS + 1_000), NOW_NS + S)
    mine = waits(view, 100)
    assert is_worth_asking(view, mine, until_ns=0, now_ns=NOW_NS + S)
    view.book.asked_ns = NOW_NS
    assert not is_worth_asking(view, mine, until_ns=0, now_ns=NOW_NS + S)
