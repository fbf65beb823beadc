"""Each process that changes the book over a line knows by its number whether its last change was kept."""

from ledger.model import clients
from ledger.types import Owner

S = 1_000_000_000
ME, OTHER = Owner(host=1, pid=7, started=70), Owner(host=2, pid=7, started=70)


def test_the_last_number_of_each_is_its_own_and_none_before_the_first(fresh):
    assert clients.last_request(fresh, ME, 1) == 0
    clients.note(fresh, ME, 1, 1, S)
    clients.note(fresh, OTHER, 1, 5, S)
    clients.note(fresh, ME, 1, 2, 2 * S)
    assert (clients.last_request(fresh, ME, 1), clients.last_request(fresh, OTHER, 1)) == (2, 5)
    assert fresh.book.client_count == 2


def test_a_dead_client_is_forgotten_and_the_others_keep_their_numbers(fresh):
    for number in range(1, 6):
        clients.note(fresh, Owner(host=1, pid=number, started=1), 1, number, S)
    clients.drop_dead(fresh, lambda owner: owner.pid != 2)
    assert [clients.last_request(fresh, Owner(1, number, 1), 1) for number in range(1, 6)] == [1, 0, 3, 4, 5]


def test_in_a_full_table_the_client_that_was_silent_longest_gives_way(fresh):
    for number in range(1, 257):
        clients.note(fresh, Owner(host=1, pid=number, started=1), 1, 9, number * S)
    clients.note(fresh, Owner(host=1, pid=1, started=1), 1, 10, 300 * S)
    clients.note(fresh, ME._replace(host=3), 1, 1, 301 * S)
    assert clients.last_request(fresh, Owner(1, 2, 1), 1) == 0
    assert (clients.last_request(fresh, Owner(1, 1, 1), 1), clients.last_request(fresh, ME._replace(host=3), 1)) == (
        10,
        1,
    )
    assert fresh.book.client_count == 256


def test_two_lines_of_one_process_have_numbers_of_their_own(fresh):
    clients.note(fresh, ME, 1, 7, S)
    clients.note(fresh, ME, 2, 3, S)
    assert [clients.last_request(fresh, ME, line) for line in (1, 2, 3)] == [7, 3, 0]
