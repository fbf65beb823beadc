"""After how many ticks a gate opens: the count by bisection is that of a look at each tick."""

from hypothesis import given
from hypothesis import strategies as st

from ledger.model import leases, tiers
from ledger.model.book import Book
from ledger.model.bucket import ticks_due
from ledger.model.gates import has_common, has_earmark, is_waiting
from ledger.model.tick_waits import expected_ticks, latest_ticks
from ledger.model.view import View
from ledger.model.waiters import Request, join
from ledger.types import Owner, Reading

NOW_NS = 10**12
TICK_NS = 60 * 10**9
UPSERT, BACKFILL = 1, 2
OWNER = Owner(host=0, pid=7, started=70)
TOKENS = st.integers(1, 300)
TIERS = st.sampled_from((0, UPSERT, BACKFILL))


@st.composite
def views(draw):
    """A book of a plan of 5, with any balance, savings, open calls and waiters, and ticks that are not yet booked."""
    view = View(Book(next_id=1))
    tiers.install(view, tiers.DEFAULT_TIERS, TICK_NS, NOW_NS)
    leases.observe(view, Reading(draw(st.integers(-60, 300)), 5, 30_000, 1_700_000_000_000), NOW_NS)
    for index in (UPSERT, BACKFILL):
        view.tiers[index].earmark_nt = draw(st.integers(0, 150_000)) * 10**6
    view.book.in_flight_mt = draw(st.integers(0, 80)) * 1000
    view.book.kept = draw(st.integers(0, 1))
    for tier in draw(st.lists(TIERS, max_size=3)):
        join(view, Request(tier=tier, cost_mt=draw(TOKENS) * 1000, owner=OWNER, shape=None), NOW_NS)
    return view, ticks_due(view.book, NOW_NS + draw(st.integers(0, 5)) * TICK_NS)


def open_at(view, index, need_mt, due, ticks):
    saves = view.tiers[index].share_ppm and is_waiting(view, index)
    return has_common(view, index, need_mt, ticks, ticks - due) or (
        saves and has_earmark(view, index, need_mt, ticks, ticks - due)
    )


@given(views(), TIERS, TOKENS)
def test_the_expected_tick_is_the_first_at_which_the_gate_is_open(book, index, tokens):
    view, due = book
    found = expected_ticks(view, index, tokens * 1000, due)
    looked_at = range(due, due + 400)  # 300 tokens and a debt of 60, at 2.5 tokens a tick and less
    assert found == next((at for at in looked_at if open_at(view, index, tokens * 1000, due, at)), None)


@given(views(), st.sampled_from((UPSERT, BACKFILL)), TOKENS, st.integers(0, 5))
def test_the_latest_tick_comes_after_the_share_was_saved_and_never_sooner_for_more(book, index, tokens, waiting):
    view, due = book
    latest = latest_ticks(view, index, tokens * 1000, due, waiting)
    assert latest > due
    saved_nt = view.tiers[index].earmark_nt + (latest - due) * view.book.rate_mt * view.tiers[index].share_ppm
    assert saved_nt >= tokens * 1000 * 10**6
    assert latest_ticks(view, index, (tokens + 1) * 1000, due, waiting) >= latest
    assert latest_ticks(view, index, tokens * 1000, due, waiting + 1) >= latest + 1


@given(views(), st.sampled_from((UPSERT, BACKFILL)), TOKENS)
def test_all_that_wait_in_the_tier_count_unless_one_says_how_many(book, index, tokens):
    view, due = book
    count = sum(one.tier == index for one in view.waiters[: view.book.waiter_count])
    assert latest_ticks(view, index, tokens * 1000, due) == latest_ticks(view, index, tokens * 1000, due, count)
