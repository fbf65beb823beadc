"""Which category may be meant by one that is known nowhere."""

from __future__ import annotations

import pytest

from supervisor.queries.deal_conditions import _meant

NAMES = ["Books", "Home & Kitchen", "Toys & Games"]


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("Toyz", "; did you mean Toys & Games?"),
        ("toys and games", "; did you mean Toys & Games?"),
        ("kitchn", "; did you mean Home & Kitchen?"),
        ("0zzz", "; there are Books, Home & Kitchen, Toys & Games"),
    ],
)
def test_a_category_is_known_by_its_name_or_a_word_of_it(word, meant):
    assert _meant(word, NAMES) == meant
    assert _meant(word, []) == ": none has been listed yet"
