"""A page that a cache gives in the place of another is found out at once, and no page of an honest list is."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tasks.keepa.deal import Deal
from tasks.keepa.decode.body_types import DealPage
from tasks.keepa.decode.envelope import Head, envelope_of
from tasks.keepa.decode.item import ItemFault
from tasks.keepa.fingerprint import fingerprint

ENVELOPE = envelope_of(Head())
NUMBERS = st.integers(-(10**400), 10**400)
LISTS = st.lists(st.integers(-2, 9), min_size=2, max_size=2)
CHANGED = ("asin", "creation_date", "last_update", "current", "current_since")


@st.composite
def deals(draw, asin):
    return Deal(
        asin=asin, creation_date=draw(NUMBERS), last_update=draw(NUMBERS), current=draw(LISTS),
        current_since=draw(LISTS), delta=[], delta_percent=[], delta_last=[], avg=[],
    )  # fmt: skip


@st.composite
def lists(draw):
    """The pages of a list in which each product stands once, as in every list of the API's."""
    sizes = draw(st.lists(st.integers(1, 4), min_size=1, max_size=6))
    numbers = iter(range(sum(sizes)))
    return [[draw(deals(f"B{next(numbers):09d}")) for _ in range(size)] for size in sizes]


def page(found, faults=()):
    return DealPage(envelope=ENVELOPE, server_minute=None, deals=list(found), faults=list(faults))


def first_repeat(pages):
    """The number of the first page that a walk through `pages` takes for one that it has read; None without one."""
    read = []
    for number, one in enumerate(pages):
        known_by = fingerprint(one)
        if known_by in read:
            return number
        read.append(known_by)
    return None


@given(lists())
def test_no_page_of_an_honest_list_is_one_that_was_read_before(pages):
    assert first_repeat(map(page, pages)) is None


@given(lists(), st.data())
def test_the_first_page_that_a_cache_gives_for_another_is_found_out_in_whatever_order_its_deals_come(pages, data):
    given_for = [data.draw(st.integers(0, number)) for number in range(len(pages))]
    told = [page(data.draw(st.permutations(pages[number]))) for number in given_for]
    expected = next((number for number, other in enumerate(given_for) if other in given_for[:number]), None)
    assert first_repeat(told) == expected


@given(lists(), st.sampled_from(CHANGED), st.data())
def test_one_other_value_of_one_deal_makes_another_page(pages, name, data):
    found = pages[0]
    at = data.draw(st.integers(0, len(found) - 1))
    value = getattr(found[at], name)
    other = {"asin": "B999999999"}.get(name) or data.draw(
        (LISTS if isinstance(value, list) else NUMBERS).filter(lambda one: one != value)
    )
    changed = [*found[:at], msgspec.structs.replace(found[at], **{name: other}), *found[at + 1 :]]
    assert fingerprint(page(changed)) != fingerprint(page(found))


@given(lists(), st.binary(), st.binary())
def test_what_could_not_be_read_counts_by_its_bytes(pages, one, other):
    told = [page(pages[0], [ItemFault(asin=None, reason="why", raw=raw)]) for raw in (one, other)]
    assert (fingerprint(told[0]) == fingerprint(told[1])) == (one == other)
    assert fingerprint(page([], told[0].faults)) is None
