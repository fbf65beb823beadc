"""A book that was packed is the same when it is unpacked; what was cut, changed or written by others is refused."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import Damaged, OtherFormat
from ledger.model.book import BOOK_BYTES, Book
from ledger.model.view import View
from ledger.storage import packed


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
    with pytest.raises(OtherFormat, match="this build reads format 2"):
        unpacked(bytes(data))


def test_a_fresh_book_knows_nothing():
    book = Book.from_buffer(unpacked(packed.fresh()))
    assert (book.sequence, book.next_id, book.synced, book.lease_count) == (1, 1, 0, 0)
