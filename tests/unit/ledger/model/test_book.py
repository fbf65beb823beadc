"""The layout of a book: what it holds, and the numbers that stand in a file."""

from ledger.model import book

PARTS = ("tiers", "shapes", "leases", "waiters", "clients")


def test_a_book_holds_what_is_documented():
    assert (book.MAX_TIERS, book.MAX_SHAPES, book.MAX_LEASES, book.MAX_WAITERS) == (16, 24, 512, 512)
    assert [len(getattr(book.Book(), part)) for part in PARTS] == [16, 24, 512, 512, 256]


def test_tokens_and_parts_are_whole_numbers_of_a_thousandth_and_a_millionth():
    assert (book.MT, book.PPM) == (1_000, 1_000_000)
