"""A place in a queue is taken, kept, left, lost; what was saved for it goes with the last one."""

from ledger.model import gates, waiters
from ledger.model.journal import Event
from ledger.model.waiters import Request
from ledger.types import Owner

S = 10**9
NOW_NS = 10**12
UPSERT, BACKFILL = 1, 2
OWNER = Owner(host=0, pid=7, started=70)


def join(view, tokens, tier=UPSERT, now_ns=NOW_NS, away_s=0):
    request = Request(tier=tier, cost_mt=tokens * 1000, owner=OWNER, shape=None, away_s=away_s)
    return waiters.join(view, request, now_ns)


def queue(view):
    return [(waiter.ticket, waiter.cost_mt) for waiter in view.waiters[: view.book.waiter_count]]


def saved(view, tier):
    return view.tiers[tier].earmark_nt // 10**6


def test_who_joins_says_what_it_wants_and_since_when(view):
    ticket = join(view, 250)
    waiter = view.waiters[0]
    assert (waiter.ticket, waiter.tier, waiter.cost_mt, waiter.since_ns) == (ticket, UPSERT, 250_000, NOW_NS)
    assert (waiter.owner_pid, waiter.owner_start, waiter.open_ns) == (7, 70, 0)


def test_a_place_that_was_anothers_begins_with_a_gate_that_was_never_open(view):
    ticket = join(view, 250)
    view.waiters[0].open_ns = 5
    waiters.leave(view, ticket, NOW_NS)
    join(view, 250)
    assert view.waiters[0].open_ns == 0


def test_saving_begins_with_the_first_who_waits_and_goes_on_with_the_next(view):
    join(view, 250)
    ninety_s = NOW_NS + 95 * S  # the second tick has been
    join(view, 250, now_ns=ninety_s)
    assert saved(view, UPSERT) == 5_000, "half of two refills"
    join(view, 250, tier=BACKFILL, now_ns=ninety_s)
    assert saved(view, BACKFILL) == 0, "what came before it waited is not its own"
    assert view.tiers[BACKFILL].earmark_tick == view.tiers[UPSERT].earmark_tick == view.book.tick_index + 2


def test_what_came_before_anybody_waited_is_not_saved(view):
    join(view, 250, now_ns=NOW_NS + 95 * S)
    assert view.tiers[UPSERT].earmark_tick == view.book.tick_index + 2


def test_a_second_who_joins_lets_no_tick_count_twice(view):
    join(view, 250)
    view.tiers[UPSERT].earmark_tick = 9
    join(view, 250)
    assert view.tiers[UPSERT].earmark_tick == 9


def test_a_place_is_kept_with_another_cost_and_its_gate_counts_as_shut_again(view):
    first, second = join(view, 250), join(view, 240)
    view.waiters[0].open_ns = view.waiters[1].open_ns = 5
    assert waiters.keep(view, first, 99_000) == first
    assert queue(view) == [(first, 99_000), (second, 240_000)]
    assert [waiter.open_ns for waiter in view.waiters[:2]] == [0, 5]


def test_a_place_that_is_lost_or_was_never_taken_cannot_be_kept(view):
    ticket = join(view, 250)
    assert waiters.keep(view, 0, 99_000) == 0
    assert waiters.keep(view, ticket + 1, 99_000) == 0
    assert queue(view) == [(ticket, 250_000)]


def test_how_long_all_waited_and_the_longest_wait_are_counted(view):
    tickets = [join(view, 250, now_ns=NOW_NS + at * S) for at in (0, 10, 20)]
    for ticket, at in zip(tickets, (30, 15, 90), strict=True):
        waiters.leave(view, ticket, NOW_NS + at * S)
    tier = view.tiers[UPSERT]
    assert (tier.waited_ns, tier.longest_wait_ns) == ((30 + 5 + 70) * S, 70 * S)
    assert queue(view) == []


def test_a_clock_that_went_back_makes_no_wait_shorter_than_none(view):
    waiters.leave(view, join(view, 250), NOW_NS - S)
    assert (view.tiers[UPSERT].waited_ns, view.tiers[UPSERT].longest_wait_ns) == (0, 0)


def test_leaving_twice_changes_nothing(view):
    first, second = join(view, 250), join(view, 240)
    waiters.leave(view, first, NOW_NS + S)
    waiters.leave(view, first, NOW_NS + 5 * S)
    assert queue(view) == [(second, 240_000)]
    assert view.tiers[UPSERT].waited_ns == S


def test_what_a_tier_saved_is_anybodys_when_its_last_waiter_leaves_and_not_before(view):
    first, second = join(view, 250), join(view, 240)
    view.tiers[UPSERT].earmark_nt = 7_000 * 10**6
    waiters.leave(view, first, NOW_NS)
    assert saved(view, UPSERT) == 7_000
    waiters.leave(view, second, NOW_NS)
    assert (view.tiers[UPSERT].earmark_nt, view.book.kept) == (0, 0)


def test_what_one_that_was_served_leaves_over_is_kept(view):
    ticket = join(view, 250)
    view.tiers[UPSERT].earmark_nt = 7_000 * 10**6
    waiters.leave(view, ticket, NOW_NS, is_served=True)
    assert (saved(view, UPSERT), view.book.kept) == (7_000, 1)
    waiters.leave(view, join(view, 250, tier=BACKFILL), NOW_NS, is_served=True)
    assert saved(view, BACKFILL) == 0


def test_nothing_is_kept_where_nothing_was_left_over(view):
    waiters.leave(view, join(view, 250), NOW_NS, is_served=True)
    assert view.book.kept == 0


def test_older_requests_of_the_same_tier_are_ahead_and_for_a_newcomer_all_of_them(view):
    first, second = join(view, 250), join(view, 240)
    join(view, 50, tier=BACKFILL)
    assert waiters.ahead(view, UPSERT, first) == []
    assert waiters.ahead(view, UPSERT, second) == [250_000]
    assert waiters.ahead(view, UPSERT, 0) == [250_000, 240_000]
    assert waiters.ahead(view, 0, 0) == []


def test_who_does_not_go_in_for_five_seconds_after_its_gate_was_seen_open_loses_its_place(view):
    idle, next_one = join(view, 20), join(view, 250)
    waiters.drop_idle_waiter(view, NOW_NS + S, next_one)
    assert view.waiters[0].open_ns == NOW_NS + S
    waiters.drop_idle_waiter(view, NOW_NS + 6 * S - 1, next_one)
    assert [ticket for ticket, _ in queue(view)] == [idle, next_one]
    waiters.drop_idle_waiter(view, NOW_NS + 6 * S, next_one)
    assert [ticket for ticket, _ in queue(view)] == [next_one]
    assert view.events == [(Event.LAPSED, UPSERT, 20_000, OWNER)]


def test_who_asks_itself_is_not_idle(view):
    mine = join(view, 20)
    for second in (1, 9):
        waiters.drop_idle_waiter(view, NOW_NS + second * S, mine)
    assert [ticket for ticket, _ in queue(view)] == [mine]


def test_a_tier_whose_oldest_asks_keeps_no_other_tier_from_losing_its_own(view):
    mine, idle = join(view, 20), join(view, 20, tier=BACKFILL)
    for second in (1, 7):
        waiters.drop_idle_waiter(view, NOW_NS + second * S, mine)
    assert [ticket for ticket, _ in queue(view)] == [mine]
    assert view.events == [(Event.LAPSED, BACKFILL, 20_000, OWNER)]
    assert idle != mine


def test_a_gate_that_shuts_between_makes_the_five_seconds_begin_anew(view):
    join(view, 20)
    waiters.drop_idle_waiter(view, NOW_NS + S, 0)
    view.book.in_flight_mt = 190_000
    waiters.drop_idle_waiter(view, NOW_NS + 2 * S, 0)
    assert view.waiters[0].open_ns == 0
    view.book.in_flight_mt = 0
    waiters.drop_idle_waiter(view, NOW_NS + 9 * S, 0)
    assert (view.book.waiter_count, view.waiters[0].open_ns) == (1, NOW_NS + 9 * S)


def test_no_gate_is_open_while_the_balance_is_unknown(view):
    join(view, 20)
    view.waiters[0].open_ns = NOW_NS
    view.book.synced = 0
    waiters.drop_idle_waiter(view, NOW_NS + 60 * S, 0)
    assert (view.book.waiter_count, view.waiters[0].open_ns) == (1, 0)


def look(view, *seconds, mine=0):
    """Somebody asks so many seconds after now; the tickets that are left."""
    for second in seconds:
        waiters.drop_idle_waiter(view, NOW_NS + second * S, mine)
    return [ticket for ticket, _ in queue(view)]


def test_one_whose_process_may_be_elsewhere_is_passed_over_and_keeps_its_place_and_what_is_saved(view):
    away, next_one = join(view, 20, away_s=60), join(view, 30)
    view.tiers[UPSERT].earmark_nt = 7_000 * 10**6
    look(view, 1, 5)
    assert waiters.ahead(view, UPSERT, next_one) == [20_000]
    assert look(view, 6) == [away, next_one]
    assert waiters.ahead(view, UPSERT, next_one) == []
    assert waiters.ahead(view, UPSERT, 0) == [30_000]
    waiters.leave(view, next_one, NOW_NS + 6 * S)
    assert saved(view, UPSERT) == 7_000
    assert view.events == []


def test_one_that_asks_again_has_its_turn_again(view):
    away, next_one = join(view, 20, away_s=60), join(view, 30)
    look(view, 1, 6)
    assert waiters.keep(view, away, 25_000) == away
    assert waiters.ahead(view, UPSERT, next_one) == [25_000]


def test_one_that_is_passed_over_stays_so_when_its_gate_shuts_and_the_next_gets_its_own_five_seconds(view):
    away, next_one = join(view, 20, away_s=60), join(view, 30)
    look(view, 1, 6)
    view.book.in_flight_mt = 190_000
    look(view, 7)
    assert waiters.ahead(view, UPSERT, next_one) == []
    view.book.in_flight_mt = 0
    assert look(view, 8, 12) == [away, next_one]
    assert look(view, 13) == [away]


def test_one_that_does_not_come_back_loses_its_place(view):
    away, mine = join(view, 20, away_s=60), join(view, 30)
    look(view, 1, 6, 60, mine=mine)
    assert [ticket for ticket, _ in queue(view)] == [away, mine]
    assert look(view, 61, mine=mine) == [mine]
    assert view.events == [(Event.LAPSED, UPSERT, 20_000, OWNER)]


def test_one_may_not_be_away_for_less_than_five_seconds(view):
    join(view, 20, away_s=1)
    look(view, 1, 5)
    assert not view.waiters[0].is_passed_over
    assert look(view, 6) == []


def test_one_that_asks_after_it_was_passed_over_is_not_removed_by_its_own_question(view):
    away = join(view, 20, away_s=60)
    assert look(view, 1, 6) == [away]
    assert look(view, 99, mine=away) == [away]


def test_only_when_all_of_a_tier_are_passed_over_the_oldest_of_them_counts_as_its_oldest(view):
    first, second = join(view, 20, away_s=60), join(view, 30, away_s=60)
    look(view, 1, 6)
    assert gates.oldest_waiter(view, UPSERT) == view.waiter(second)
    look(view, 7, 12)
    assert gates.oldest_waiter(view, UPSERT) == view.waiter(first)
    assert gates.is_waiting(view, UPSERT)


def test_a_time_elsewhere_that_the_layout_does_not_hold_is_cut(view):
    join(view, 20, away_s=1 << 40)
    assert view.waiters[0].away_s == (1 << 31) - 1
    waiters.leave(view, view.waiters[0].ticket, NOW_NS)
    join(view, 20)
    assert view.waiters[0].away_s == 0
