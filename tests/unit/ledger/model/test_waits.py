"""What a wait says: why, when the gate opens if nobody else acts, and when it must at the latest."""

import pytest

from ledger.model import gates, waits
from ledger.model.waiters import Request, join
from ledger.types import Owner, Wait

S = 10**9
NOW_NS = 10**12
TICK_NS = 60 * S
INTERACTIVE, UPSERT, BACKFILL = 0, 1, 2
OWNER = Owner(host=0, pid=7, started=70)


def wait_for(view, tokens, tier=UPSERT, now_ns=NOW_NS, **others):
    return waits.wait_for(view, tier, tokens * 1000, now_ns, **others)


def waiting(view, tokens, tier=UPSERT):
    join(view, Request(tier=tier, cost_mt=tokens * 1000, owner=OWNER, shape=None), NOW_NS)


def lend(view, tokens, tier=INTERACTIVE):
    lease = view.add_lease()
    lease.cost_mt, lease.tier = tokens * 1000, tier
    view.book.in_flight_mt += tokens * 1000


def ticks_from_now(view, at_ns):
    """Which tick after the book's state that is."""
    assert isinstance(at_ns, int)
    ticks, rest = divmod(at_ns - view.book.next_tick_ns, view.book.period_ns)
    assert rest == 0
    return ticks + 1


def test_before_the_first_reading_only_that_can_tell(fresh):
    assert wait_for(fresh, 5) == Wait(until_ns=None, latest_ns=None, reason="unsynced")
    assert waits.one_at_a_time() == Wait(until_ns=None, latest_ns=None, reason="in flight")


def test_what_is_to_be_had_now_opens_now(view):
    assert wait_for(view, 150).until_ns == NOW_NS
    assert wait_for(view, 150, now_ns=NOW_NS + 7).until_ns == NOW_NS + 7


@pytest.mark.parametrize(("tokens", "ticks"), [(151, 1), (155, 1), (156, 2), (249, 20), (250, 20)])
def test_without_a_share_saved_a_gate_opens_at_the_tick_that_brings_the_last_token_above_the_floor(view, tokens, ticks):
    assert ticks_from_now(view, wait_for(view, tokens).until_ns) == ticks
    assert wait_for(view, tokens).reason == "floor"


def test_ticks_that_have_been_are_reckoned_with(view):
    now_ns = view.book.next_tick_ns + TICK_NS
    assert wait_for(view, 160, now_ns=now_ns).until_ns == now_ns
    assert ticks_from_now(view, wait_for(view, 161, now_ns=now_ns).until_ns) == 3


def test_what_the_common_pool_can_never_hold_opens_when_somebody_else_acts(view):
    assert wait_for(view, 251) == Wait(until_ns=None, latest_ns=wait_for(view, 251).latest_ns, reason="queue")
    lend(view, 1)
    assert wait_for(view, 251).reason == "in flight"


def test_what_is_lent_is_not_there_until_it_is_settled(view):
    lend(view, 60)
    assert ticks_from_now(view, wait_for(view, 100).until_ns) == 2
    assert wait_for(view, 200).until_ns is None
    assert wait_for(view, 200).reason == "in flight"


def test_older_requests_of_the_tier_come_first_and_that_is_the_reason(view):
    behind = wait_for(view, 5, ahead=[150_000])
    assert (ticks_from_now(view, behind.until_ns), behind.reason) == (1, "queue")
    assert behind.until_ns == wait_for(view, 155).until_ns


def test_a_tier_with_a_share_opens_when_it_has_saved_enough_though_the_floor_is_far(view):
    view.book.balance_mt = 10_000
    waiting(view, 25)
    gates.advance(view, NOW_NS)
    assert ticks_from_now(view, wait_for(view, 25).until_ns) == 10, "2.5 of 5 tokens a tick"
    view.tiers[UPSERT].earmark_nt = 20_000 * 10**6
    assert ticks_from_now(view, wait_for(view, 25).until_ns) == 3, "two ticks save it, three bring the tokens"


def test_a_share_is_saved_from_the_ticks_that_have_been_on(view):
    view.book.balance_mt = 10_000
    waiting(view, 25)
    now_ns = view.book.next_tick_ns + TICK_NS
    gates.advance(view, now_ns)
    assert ticks_from_now(view, wait_for(view, 25, now_ns=now_ns).until_ns) == 10


def test_a_share_is_saved_beyond_the_tick_at_which_the_bucket_is_full(view):
    view.book.balance_mt = 300_000
    lend(view, 150)
    waiting(view, 140)
    assert ticks_from_now(view, wait_for(view, 140).until_ns) == 56, "2.5 of 140 tokens a tick"


@pytest.mark.parametrize(("tokens", "ticks"), [(25, 11), (26, 12), (30, 13)])
def test_at_the_latest_the_share_has_been_saved_and_a_tick_has_passed(view, tokens, ticks):
    assert ticks_from_now(view, wait_for(view, tokens).latest_ns) == ticks


def test_each_request_before_it_adds_a_tick_to_the_latest_time(view):
    for _ in range(3):
        waiting(view, 5)
    waiting(view, 5, tier=BACKFILL)
    assert ticks_from_now(view, wait_for(view, 25).latest_ns) == 14


def test_what_was_saved_brings_the_latest_time_nearer_and_a_debt_puts_it_off(view):
    view.tiers[UPSERT].earmark_nt = 20_000 * 10**6
    assert ticks_from_now(view, wait_for(view, 25).latest_ns) == 3
    view.book.balance_mt = -35_000  # 55 short of what is saved, at 4 a tick: the refill less the share of backfill
    assert ticks_from_now(view, wait_for(view, 25).latest_ns) == 2 + 14 + 1
    lend(view, 5)
    assert ticks_from_now(view, wait_for(view, 25).latest_ns) == 2 + 15 + 1


def test_who_has_saved_enough_waits_a_tick_at_the_latest(view):
    view.tiers[UPSERT].earmark_nt = 25_000 * 10**6
    assert ticks_from_now(view, wait_for(view, 25).latest_ns) == 1


def test_earmarks_that_together_outgrow_the_bucket_put_the_latest_time_off(view):
    view.tiers[BACKFILL].earmark_nt = 200_000 * 10**6
    # 100 tokens take 40 ticks to save, and by then 200 + 140 are saved: 40 more than the bucket holds.
    assert ticks_from_now(view, wait_for(view, 100).latest_ns) == 40 + 10 + 1


def test_a_tier_without_a_share_has_no_latest_time(view):
    assert wait_for(view, 25, tier=INTERACTIVE).latest_ns is None


def test_a_full_bucket_gives_what_is_lent_to_nobody_and_what_others_kept_at_the_next_tick(view):
    view.book.balance_mt = 300_000
    view.tiers[UPSERT].earmark_nt, view.book.kept = 50_000 * 10**6, 1
    assert ticks_from_now(view, wait_for(view, 120, tier=BACKFILL).until_ns) == 1
    assert wait_for(view, 100, tier=BACKFILL).until_ns == NOW_NS
