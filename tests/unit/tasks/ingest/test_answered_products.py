"""Which products a reply answers: by name, by the bytes of what could not be read, by likeness; never by guessing."""

import pytest

from tasks.ingest.answered_products import answered_products
from tasks.keepa.decode.item import ItemFault

ASKED = ("B00000AAA1", "B00000BBB2", "B00000CCC3")
A, B, C = ASKED


def fault(asin, raw="", **changes):
    raw = raw or f'{{"asin":"{asin}","csv":' if asin else raw
    return ItemFault(asin=asin, reason="cannot be read", raw=raw.encode(), **changes)


def test_what_could_be_read_is_answered_and_what_is_not_there_is_not():
    answers = answered_products(ASKED, [A, C], [])
    assert (answers.asins, answers.faults, answers.unasked) == ({A, C}, [], [])


def test_a_fault_answers_the_asin_it_names():
    answers = answered_products(ASKED, [A], [fault(B)])
    assert answers.asins == {A, B}


def test_a_fault_answers_the_missing_asin_that_stands_in_its_bytes():
    answers = answered_products(ASKED, [A, C], [fault(None, f'"asin":{B}, "variations":[{{"asin":"{A}"}}]')])
    assert answers.asins == set(ASKED)
    assert answers.faults[0].asin == B


def test_a_stretch_answers_all_that_stand_in_its_bytes():
    answers = answered_products(ASKED, [A], [fault(B, f'{{"asin":"{B}"}}x{{"asin":"{C}"}}', is_stretch=True)])
    assert answers.asins == set(ASKED)


@pytest.mark.parametrize("garbled", ["B00000BBx2", "B00000\\BB2", "X00000BBBX"])
def test_an_asin_that_was_hit_itself_is_the_missing_one_it_is_like(garbled):
    answers = answered_products(ASKED, [A], [fault(None, f'{{"asin":"{garbled}"}}')])
    assert answers.asins == {A, B}
    assert answers.faults[0].asin == B
    read = answered_products(ASKED, [A], [], [fault(garbled)])
    assert (read.asins, read.unasked) == ({A, B}, [])


def test_what_is_like_several_answers_none():
    answers = answered_products(("B000000001", "B000000002", "B000000003"), [], [], [fault("B000000009")])
    assert (answers.asins, answers.unasked) == (set(), ["B000000009"])


def test_what_was_not_asked_for_answers_nothing():
    answers = answered_products(ASKED, ASKED, [], [fault("B00000AAA9")])
    assert (answers.faults, answers.unasked) == ([], ["B00000AAA9"])
    others = answered_products(ASKED, [], [], [fault(f"Z{at:09d}") for at in range(100_000)])
    assert (others.asins, len(others.unasked)) == (set(), 100_000)


def test_bytes_without_any_name_answer_what_is_left_if_there_are_enough_of_them():
    assert answered_products(ASKED, [A, C], [fault(None, "{}")]).asins == set(ASKED)
    assert answered_products(ASKED, [A], [fault(None, "{}")]).asins == {A}
    assert answered_products(ASKED, [A], [fault(None, "{}"), fault(None, "x")]).asins == set(ASKED)
