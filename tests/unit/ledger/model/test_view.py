"""The parts of a book stay packed and in order, whatever is added and dropped."""

import pytest

from ledger.errors import Full
from ledger.model.book import Book
from ledger.model.view import View


def lease_ids(view):
    return [lease.id for lease in view.leases[: view.book.lease_count]]


def tickets(view):
    return [waiter.ticket for waiter in view.waiters[: view.book.waiter_count]]


def test_a_tier_is_found_by_its_name_and_an_unknown_one_is_refused_with_those_there_are(fresh):
    assert [fresh.tier_index(name) for name in ("interactive", "upsert", "backfill")] == [0, 1, 2]
    with pytest.raises(KeyError, match="no tier is called 'nobody'; there are: interactive, upsert, backfill"):
        fresh.tier_index("nobody")


def test_each_lease_and_each_place_has_a_number_of_its_own(fresh):
    fresh.book.next_id = 7
    numbers = [fresh.add_lease().id, fresh.add_waiter().ticket, fresh.add_lease().id, fresh.add_waiter().ticket]
    assert numbers == [7, 8, 9, 10]
    assert (lease_ids(fresh), tickets(fresh)) == ([7, 9], [8, 10])


def test_a_lease_is_dropped_from_anywhere_with_its_tokens_and_the_others_keep_their_order(fresh):
    for cost_mt in (1, 10, 100, 1_000):
        fresh.add_lease().cost_mt = cost_mt
    fresh.book.in_flight_mt = 1_111
    fresh.drop_lease(1)
    assert [lease.cost_mt for lease in fresh.leases[: fresh.book.lease_count]] == [1, 100, 1_000]
    fresh.drop_lease(2)
    fresh.drop_lease(0)
    assert [lease.cost_mt for lease in fresh.leases[: fresh.book.lease_count]] == [100]
    assert fresh.book.in_flight_mt == 100


def test_a_place_is_dropped_from_anywhere_and_the_others_keep_their_order(fresh):
    first, second, third, fourth = (fresh.add_waiter().ticket for _ in range(4))
    fresh.drop_waiter(1)
    assert tickets(fresh) == [first, third, fourth]
    fresh.drop_waiter(2)
    fresh.drop_waiter(0)
    assert tickets(fresh) == [third]
    assert second not in tickets(fresh)


def test_what_is_open_is_found_by_its_number_and_what_is_not_is_nowhere(fresh):
    leases = [fresh.add_lease().id for _ in range(3)]
    waiting = [fresh.add_waiter().ticket for _ in range(3)]
    assert [fresh.lease(number) for number in leases] == [0, 1, 2]
    assert [fresh.waiter(number) for number in waiting] == [0, 1, 2]
    fresh.drop_lease(2)
    fresh.drop_waiter(2)
    assert (fresh.lease(leases[2]), fresh.waiter(waiting[2])) == (-1, -1)


def test_the_layout_holds_512_leases_and_512_places_and_says_so(fresh):
    for _ in range(512):
        fresh.add_lease()
        fresh.add_waiter()
    with pytest.raises(Full, match="512 leases are open"):
        fresh.add_lease()
    with pytest.raises(Full, match="512 requests wait already"):
        fresh.add_waiter()
    assert (fresh.book.lease_count, fresh.book.waiter_count, fresh.book.next_id) == (512, 512, 1025)
    fresh.drop_lease(0)
    fresh.drop_waiter(0)
    assert (fresh.book.lease_count, fresh.book.waiter_count) == (511, 511)


def test_a_reader_sees_the_entries_in_use_alone_and_a_writer_every_place(fresh):
    fresh.add_lease()
    seen = View(fresh.book, is_whole=False)
    assert [len(part) for part in (seen.tiers, seen.shapes, seen.leases, seen.waiters)] == [3, 0, 1, 0]
    assert [len(part) for part in (fresh.tiers, fresh.shapes, fresh.leases, fresh.waiters)] == [16, 24, 512, 512]
    assert View(Book()).events == []
