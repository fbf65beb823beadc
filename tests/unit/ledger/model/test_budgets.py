"""A tier keeps to its budget of a day and to its hours, by the server's clock, and holds up nobody while it may not."""

import dataclasses

import pytest

from ledger import Hours
from ledger.model import budgets, gates, leases, tiers, waiters, waits
from ledger.model.waiters import Request
from ledger.types import Owner, Reading, Wait

MIDNIGHT_MS = 1_700_006_400_000  # 2023-11-15T00:00:00Z
NOON_MS = MIDNIGHT_MS + 12 * 3_600_000
NOW_NS = 10**12
HOUR_NS = 3_600 * 10**9
TICK_NS = 60 * 10**9
INTERACTIVE, UPSERT, BACKFILL = range(3)
ME = Owner(0, 1, 1)


def at_noon(fresh, **rules):
    """The book at noon with a full bucket of 5 a minute; `rules` are of upsert."""
    upsert = dataclasses.replace(tiers.DEFAULT_TIERS[UPSERT], **rules)
    tiers.install(fresh, (tiers.DEFAULT_TIERS[0], upsert, tiers.DEFAULT_TIERS[2]), TICK_NS, NOW_NS)
    leases.observe(fresh, Reading(300, 5, 30_000, NOON_MS), NOW_NS)
    return fresh


def ask(view, cost, now_ns=NOW_NS, tier=UPSERT):
    """A lease or a wait, in the queue in the latter case."""
    request = Request(tier, cost * 1000, ME, None)
    outcome = leases.grant(view, request, now_ns, 0)
    if isinstance(outcome, Wait):
        ticket = waiters.join(view, request, now_ns)
        return leases.grant(view, request, now_ns, ticket)
    return outcome


def spend(view, cost, now_ns=NOW_NS, *, consumed=None, charged_ms=NOON_MS):
    lease = ask(view, cost, now_ns)
    leases.commit(view, lease, now_ns)
    consumed = cost if consumed is None else consumed
    left = view.book.balance_mt // 1000 - consumed
    leases.settle(view, lease, consumed, Reading(left, 5, 30_000, charged_ms), now_ns)


def test_a_tier_spends_its_budget_and_then_waits_until_midnight(fresh):
    view = at_noon(fresh, tokens_per_day=100)
    spend(view, 60)
    assert gates.headroom(view, UPSERT, NOW_NS).now == 40
    spend(view, 40)
    told = ask(view, 1)
    assert (told.reason, told.until_ns) == ("budget", NOW_NS + 12 * HOUR_NS)
    assert told.latest_ns > told.until_ns


def test_an_open_lease_is_reserved_and_a_settled_one_gives_back_the_rest(fresh):
    view = at_noon(fresh, tokens_per_day=100)
    lease = ask(view, 100)
    assert ask(view, 10).reason == "budget"
    leases.settle(view, lease, 30, None, NOW_NS)
    gates.advance(view, NOW_NS)
    assert not view.tiers[UPSERT].barred
    assert budgets.left_mt(view, UPSERT) == 70_000


def test_a_lost_call_counts_in_full(fresh):
    view = at_noon(fresh, tokens_per_day=100)
    leases.commit(view, ask(view, 70), NOW_NS)
    leases.resolve_dead(view, NOW_NS, lambda _owner: False)
    assert budgets.left_mt(view, UPSERT) == 30_000


@pytest.mark.parametrize(
    ("charged_ms", "left"),
    [(MIDNIGHT_MS + 86_400_000 - 1, 100), (MIDNIGHT_MS + 86_400_000, 40)],
    ids=["before", "after"],
)
def test_a_call_over_midnight_counts_for_the_day_on_which_it_was_charged(fresh, charged_ms, left):
    view = at_noon(fresh, tokens_per_day=100)
    sent_ns = NOW_NS + 12 * HOUR_NS - 10**9
    lease = ask(view, 60, sent_ns)
    leases.commit(view, lease, sent_ns)
    came_ns = sent_ns + 2 * 10**9
    gates.advance(view, came_ns)
    assert budgets.left_mt(view, UPSERT) == 40_000  # it may yet be charged today
    leases.settle(view, lease, 60, Reading(240, 5, 1_000, charged_ms), came_ns)
    assert budgets.left_mt(view, UPSERT) == left * 1000


def test_a_clock_that_steps_back_over_midnight_gives_no_second_budget(fresh):
    view = at_noon(fresh, tokens_per_day=100)
    midnight_ns = NOW_NS + 12 * HOUR_NS
    spend(view, 90, midnight_ns, charged_ms=MIDNIGHT_MS + 86_400_000)
    leases.observe(view, Reading(210, 5, 30_000, MIDNIGHT_MS + 86_400_000 - 50), midnight_ns)
    gates.advance(view, midnight_ns)
    gates.advance(view, midnight_ns + 10**9)
    assert budgets.left_mt(view, UPSERT) == 10_000


@pytest.mark.parametrize(("hours", "opens_h"), [("22-06", 10), ("13-14", 1), ("06-11", 18), ("12:30-12", 0.5)])
def test_a_closed_window_says_when_it_opens(fresh, hours, opens_h):
    view = at_noon(fresh, hours=Hours.parse(hours))
    told = ask(view, 1)
    assert (told.reason, told.until_ns) == ("hours", NOW_NS + round(opens_h * HOUR_NS))
    assert gates.headroom(view, UPSERT, NOW_NS).now == 0
    assert isinstance(leases.grant(view, Request(UPSERT, 1000, ME, None), told.until_ns, 1), (int, Wait))


def test_a_window_that_is_open_closes(fresh):
    view = at_noon(fresh, hours=Hours.parse("11-13"))
    assert isinstance(ask(view, 1), int)
    assert not gates.is_open(view, UPSERT, 1000, NOW_NS + HOUR_NS)


def test_a_barred_tier_is_kept_nothing_for(fresh):
    view = at_noon(fresh, hours=Hours.parse("22-06"))
    assert ask(view, 200).reason == "hours"
    assert isinstance(ask(view, 150, tier=BACKFILL), int)  # all that its floor leaves
    gates.advance(view, NOW_NS + 9 * HOUR_NS)
    assert view.tiers[UPSERT].earmark_nt == 0
    gates.advance(view, NOW_NS + 10 * HOUR_NS + 10 * TICK_NS)
    assert gates.earmark_mt(view, UPSERT) == pytest.approx(25_000, abs=2_500)  # it has saved since the window opened


def test_requests_of_a_barred_tier_keep_their_order(fresh):
    view = at_noon(fresh, tokens_per_day=100)
    spend(view, 90)
    assert ask(view, 50).reason == "budget"
    assert ask(view, 5).reason == "queue"
    night_ns = NOW_NS + 12 * HOUR_NS
    first, second = (waiter.ticket for waiter in view.waiters[:2])
    assert isinstance(leases.grant(view, Request(UPSERT, 5_000, ME, None), night_ns, second), Wait)
    assert isinstance(leases.grant(view, Request(UPSERT, 50_000, ME, None), night_ns, first), int)
    assert isinstance(leases.grant(view, Request(UPSERT, 5_000, ME, None), night_ns, second), int)


def test_a_request_above_the_budget_or_what_the_window_brings_can_never_be_granted(fresh):
    assert gates.max_grant_mt(at_noon(fresh, tokens_per_day=100), UPSERT) == 100_000
    view = at_noon(fresh, hours=Hours.parse("12-13"))
    assert gates.max_grant_mt(view, UPSERT) == 58 * 2_500  # half of each refill of an hour, less two for rounding


def test_a_budget_that_is_set_at_noon_counts_what_was_spent_since_midnight(fresh):
    view = at_noon(fresh)
    spend(view, 80)
    at_noon(view, tokens_per_day=100)
    assert budgets.left_mt(view, UPSERT) == 20_000
    at_noon(view)
    assert budgets.left_mt(view, UPSERT) is None
    assert not view.book.has_rules


def test_a_wait_of_another_tier_ends_when_the_window_of_one_above_it_closes(fresh):
    view = at_noon(fresh, hours=Hours.parse("11-13"))
    view.book.balance_mt = 150_000
    assert ask(view, 240).reason == "floor"
    told = ask(view, 140, tier=BACKFILL)
    assert told.until_ns >= NOW_NS + HOUR_NS


def test_nobody_knows_the_hour_before_the_first_reading(fresh):
    upsert = dataclasses.replace(tiers.DEFAULT_TIERS[UPSERT], hours=Hours(0, 1), tokens_per_day=10)
    tiers.install(fresh, (tiers.DEFAULT_TIERS[0], upsert, tiers.DEFAULT_TIERS[2]), TICK_NS, NOW_NS)
    assert budgets.bar(fresh, UPSERT, 10_000, NOW_NS) == budgets.OPEN
    assert budgets.bar(fresh, UPSERT, 11_000, NOW_NS) == budgets.BUDGET
    assert waits.wait_for(fresh, UPSERT, 1_000, NOW_NS).reason == "unsynced"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("22-06", (1320, 360)),
        ("7-9:30", (420, 570)),
        ("0-24", None),
        ("5-5", None),
        ("18-24", (1080, 0)),
        ("24:10-3", None),
    ],
)
def test_hours_are_written_as_people_write_them(text, found):
    if found is None:
        with pytest.raises(ValueError, match=r"hours|begin and end"):
            Hours.parse(text)
        return
    assert Hours.parse(text) == found
    assert Hours.parse(str(Hours(*found))) == found


def test_it_is_known_when_the_day_ends_and_when_hours_open_or_close(fresh):
    view = at_noon(fresh, tokens_per_day=100, hours=Hours.parse("22-06"))
    assert budgets.day_ends_ns(view.book, NOW_NS + HOUR_NS) == NOW_NS + 12 * HOUR_NS
    changes = [budgets.hours_change_ns(view, UPSERT, NOW_NS + hours * HOUR_NS) for hours in (0, 10, 11, 18)]
    assert changes == [NOW_NS + hours * HOUR_NS for hours in (10, 18, 18, 34)]
    assert budgets.hours_change_ns(view, BACKFILL, NOW_NS) is None


def test_before_a_reading_nobody_knows_when_a_rule_changes(fresh):
    upsert = dataclasses.replace(tiers.DEFAULT_TIERS[UPSERT], tokens_per_day=100, hours=Hours.parse("22-06"))
    tiers.install(fresh, (tiers.DEFAULT_TIERS[0], upsert, tiers.DEFAULT_TIERS[2]), TICK_NS, NOW_NS)
    assert (budgets.day_ends_ns(fresh.book, NOW_NS), budgets.hours_change_ns(fresh, UPSERT, NOW_NS)) == (None, None)
