"""A book that was packed is the same when it is unpacked; what was cut, changed or written by others is refused."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import Damaged, OtherFormat
from ledger.model.book import BOOK_BYTES, LAYOUT, Book
from ledger.model.entries import COMMITTED, RESERVED
from ledger.model.view import View
from ledger.storage import packed
from tests.fixtures.ledger import book_formats


def made(leases, waiters, clients, number):
    raw = bytearray(BOOK_BYTES)
    view = View(Book.from_buffer(raw))
    view.book.next_id, view.book.balance_mt, view.book.tier_count = 1, number, 3
    for _ in range(leases):
        view.add_lease().cost_mt = number
    for _ in range(waiters):
        view.add_waiter().cost_mt = number
    for index in range(clients):
        view.clients[index].request = number
    view.book.client_count = clients
    return packed.pack(memoryview(raw), view.book)


def unpacked(data):
    raw = memoryview(bytearray(BOOK_BYTES))
    packed.unpack(data, raw)
    return raw


@given(st.integers(0, 512), st.integers(0, 512), st.integers(0, 256), st.integers(-(2**62), 2**62))
def test_a_book_is_the_same_afterwards(leases, waiters, clients, number):
    data = made(leases, waiters, clients, number)
    raw = unpacked(data)
    book = Book.from_buffer(raw)
    assert (book.lease_count, book.waiter_count, book.client_count, book.balance_mt) == (
        leases,
        waiters,
        clients,
        number,
    )
    assert packed.pack(raw, book) == data


@given(st.data())
def test_a_book_that_was_cut_or_changed_anywhere_is_refused(data):
    good = made(3, 2, 1, 77)
    at = data.draw(st.integers(8, len(good) - 1))
    cut = good[: data.draw(st.integers(0, len(good) - 1))]
    flipped = bytearray(good)
    flipped[at] ^= data.draw(st.integers(1, 255))
    for bad in (cut, bytes(flipped), good + b"\0"):
        with pytest.raises((Damaged, OtherFormat)):
            unpacked(bad)


@pytest.mark.parametrize("place", [0, 4])
def test_the_bytes_of_another_build_are_told_by_their_head(place):
    data = bytearray(made(1, 1, 1, 5))
    struct.pack_into("<I", data, place, 99)
    with pytest.raises(OtherFormat, match=f"this build reads format 1, .*format {packed.FORMAT}, "):
        unpacked(bytes(data))


def test_a_fresh_book_knows_nothing():
    book = Book.from_buffer(unpacked(packed.fresh()))
    assert (book.sequence, book.next_id, book.synced, book.lease_count) == (1, 1, 0, 0)


def test_a_book_of_another_layout_has_another_format():
    """Books of people have format 3 with this layout. Another layout is format 4, and `FORMATS` keeps a reader of 3."""
    assert (packed.FORMAT, hex(LAYOUT)) == (3, "0x3979c0a1")


@pytest.mark.parametrize("number", [1, 2])
def test_a_book_of_a_format_without_budgets_is_carried_over_whole(number):
    data = book_formats.of_format(number)
    raw = memoryview(bytearray(BOOK_BYTES))
    assert packed.unpack(data, raw) == number
    view = View(Book.from_buffer(raw), is_whole=False)
    assert (view.book.balance_mt, view.book.rate_mt, view.book.spent_mt) == (296_000, 5_000, 4_000)
    assert [(lease.id, lease.cost_mt, lease.state) for lease in view.leases] == [
        (1, 30_000, COMMITTED),
        (2, 40_000, RESERVED),
    ]
    assert [(waiter.ticket, waiter.cost_mt) for waiter in view.waiters] == [(3, 150_000)]
    assert packed.pack(raw, view.book, packed.FORMATS[number]) == data
    again = memoryview(bytearray(BOOK_BYTES))
    assert packed.unpack(packed.pack(raw, view.book), again) == packed.FORMAT
    assert again == raw


@given(st.integers(0, 512), st.integers(0, 512), st.integers(0, 256), st.integers(-(2**62), 2**62))
def test_a_build_to_come_reads_what_this_one_wrote_and_writes_what_this_one_reads(leases, waiters, clients, number):
    data, formats = made(leases, waiters, clients, number), book_formats.NEXT_BUILD
    raw, theirs = (memoryview(bytearray(BOOK_BYTES)) for _ in range(2))
    assert packed.unpack(data, raw, formats) == packed.FORMAT
    newer = packed.pack(raw, Book.from_buffer(raw), formats[book_formats.NEXT])
    assert packed.unpack(newer, theirs, formats) == book_formats.NEXT
    assert packed.pack(theirs, Book.from_buffer(theirs), formats[packed.FORMAT]) == data
    with pytest.raises(OtherFormat, match=f"the book has format {book_formats.NEXT}"):
        unpacked(newer)


@given(st.integers(0, 512), st.integers(0, 16), st.integers(1, 2**40))
def test_a_format_without_budgets_leaves_out_what_is_of_budgets_and_nothing_else(leases, tiers, number):
    raw, again = (memoryview(bytearray(BOOK_BYTES)) for _ in range(2))
    packed.unpack(made(leases, 3, 3, number), raw)
    book = Book.from_buffer(raw)
    book.tier_count = tiers
    for tier in View(book).tiers[:tiers]:
        tier.spent_mt = number
    known = packed.pack(raw, book)
    book.has_rules, book.advanced_ns = 1, number
    for tier in View(book).tiers[:tiers]:
        tier.budget_mt, tier.day, tier.day_spent_mt, tier.opens_min, tier.closes_min, tier.barred = [number % 1000] * 6
    again[:] = raw  # as in a home that has read a newer book before
    packed.unpack(packed.pack(raw, book, packed.FORMATS[2]), again)
    assert packed.pack(again, Book.from_buffer(again)) == known
