"""Tiers are checked, entered into the book, and changed without a gift to anybody."""

import pytest

from ledger.model import tiers
from ledger.model.book import Book
from ledger.model.journal import NO_TIER, Event
from ledger.model.tiers import DEFAULT_TIERS, Tier
from ledger.model.view import View
from ledger.model.waiters import Request, join
from ledger.types import NOBODY, Owner

S = 10**9
NOW_NS = 10**12
UPSERT, BACKFILL = 1, 2


def tier(name="mine", *, floor=0, floor_part=0.0, share=0.0, floor_ticks=0.0):
    return Tier(name=name, floor=floor, floor_part=floor_part, share=share, floor_ticks=floor_ticks)


@pytest.mark.parametrize(
    ("rate", "floors"), [(1, [0, 10, 30]), (5, [0, 50, 150]), (50, [0, 50, 150]), (60, [0, 60, 180])]
)
def test_the_floors_of_a_plan_are_those_documented(rate, floors):
    found = [one.floor_on(rate) for one in DEFAULT_TIERS]
    assert (found, {type(floor) for floor in found}) == (floors, {int})
    assert [one.share for one in DEFAULT_TIERS] == [0, 0.5, 0.2]


@pytest.mark.parametrize(
    "good",
    [
        tier(),
        tier("n" * 31),
        tier(share=0.99),
        tier(floor_part=0.99),
        tier(floor=9_999, floor_ticks=99.5),
    ],
)
def test_a_tier_within_its_limits_is_taken(good):
    tiers.check([good])


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (tier(""), "1 to 31 ASCII"),
        (tier("n" * 32), "1 to 31 ASCII"),
        (tier("märz"), "1 to 31 ASCII"),
        (tier(floor=-1), "floors of 0 or more"),
        (tier(floor_ticks=-0.5), "floors of 0 or more"),
        (tier(share=-0.1), "floors of 0 or more"),
        (tier(floor_part=-0.1), "floors of 0 or more"),
        (tier(floor_part=1.0), "floors of 0 or more"),
        (tier(share=1.0), "the shares come to 1: less than 1"),
    ],
)
def test_a_tier_beyond_its_limits_is_refused(bad, message):
    with pytest.raises(ValueError, match=message):
        tiers.check([tier("first"), bad])


def test_the_layout_holds_sixteen_tiers_of_different_names():
    tiers.check([tier(f"t{number}") for number in range(16)])
    with pytest.raises(ValueError, match="17 tiers, the layout holds 16"):
        tiers.check([tier(f"t{number}") for number in range(17)])
    with pytest.raises(ValueError, match="different names"):
        tiers.check([tier("a"), tier("b"), tier("a")])
    with pytest.raises(ValueError, match=r"the shares come to 1\.1"):
        tiers.check([tier("a", share=0.6), tier("b", share=0.5)])


def test_the_rules_stand_in_the_book_in_whole_numbers(fresh):
    tiers.install(fresh, (tier(floor=7, floor_part=0.25, share=0.125, floor_ticks=1.5),), 60 * S, NOW_NS)
    state = fresh.tiers[0]
    assert (state.name, state.floor_mt, state.floor_ticks_ppm) == (b"mine", 7_000, 1_500_000)
    assert (state.floor_ppm, state.share_ppm) == (250_000, 125_000)
    assert (fresh.book.tier_count, fresh.book.nominal_period_ns, fresh.book.period_ns) == (1, 60 * S, 60 * S)
    assert fresh.events == [(Event.TIERS, NO_TIER, 0, NOBODY)]
    tiers.install(fresh, (tier(floor=8),), 60 * S, NOW_NS)
    assert len(fresh.events) == 1, "other rules of the same tiers are not other tiers"


def test_another_nominal_period_is_where_learning_starts_anew(view):
    tiers.install(view, DEFAULT_TIERS, 30 * S, NOW_NS)
    assert (view.book.nominal_period_ns, view.book.period_ns) == (30 * S, 30 * S)


def test_what_was_saved_stays_within_what_the_new_share_may_save_and_goes_where_there_is_none(view):
    for index in (UPSERT, BACKFILL):
        join(view, Request(tier=index, cost_mt=10_000, owner=Owner(host=0, pid=7, started=70), shape=None), NOW_NS)
        view.tiers[index].earmark_nt = 40_000 * 10**6
        view.tiers[index].earmark_tick = 99
    lease = view.add_lease()
    lease.tier, lease.earmark_nt = BACKFILL, 5
    other = view.add_lease()
    other.tier, other.earmark_nt = UPSERT, 6
    smaller = (DEFAULT_TIERS[0], tier("upsert", share=0.1), tier("backfill"))
    tiers.install(view, smaller, 60 * S, NOW_NS)
    assert [state.earmark_nt // 10**6 for state in view.tiers[:3]] == [0, 30_000, 0], "a tenth of 300 tokens"
    assert [lease.earmark_nt, other.earmark_nt] == [0, 6]
    assert view.tiers[UPSERT].earmark_tick == 99


def test_ticks_from_before_a_share_do_not_count_for_it(view):
    join(view, Request(tier=0, cost_mt=290_000, owner=Owner(host=0, pid=7, started=70), shape=None), NOW_NS)
    with_share = (tier("interactive", share=0.1), *DEFAULT_TIERS[1:])
    tiers.install(view, with_share, 60 * S, NOW_NS + 95 * S)
    assert view.tiers[0].earmark_nt == 0
    assert view.tiers[0].earmark_tick == view.book.tick_index + 2


def test_names_do_not_change_while_calls_are_open(view):
    view.add_lease()
    with pytest.raises(ValueError, match="open"):
        tiers.install(view, (tier("another"),), 60 * S, NOW_NS)
    assert view.book.tier_count == 3


def test_a_book_without_tiers_takes_any():
    view = View(Book())
    tiers.install(view, (tier("a"), tier("b")), 60 * S, NOW_NS)
    assert [state.name for state in view.tiers[:2]] == [b"a", b"b"]
