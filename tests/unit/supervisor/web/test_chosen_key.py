"""Which key a page shows: the one of the address, else the first, and a name that there is not is refused."""

from __future__ import annotations

import pytest

from supervisor.status.keys import KeyView
from supervisor.web.chosen_key import address, chosen, named
from supervisor.web.page import NotHere

KEYS = tuple(KeyView(name, "", None, None) for name in ("a", "b"))


def test_the_address_names_the_key_and_without_one_it_is_the_first():
    assert named({"key": " b "}, KEYS) is chosen({"key": "b"}, KEYS) is KEYS[1]
    assert named({}, KEYS) is None
    assert chosen({"key": ""}, KEYS) is KEYS[0]
    assert chosen({}, ()) is None
    assert address("/", "a&b") == "/?key=a%26b"


@pytest.mark.parametrize(("keys", "words"), [(KEYS, "there are a, b"), ((), "one key, without a name")])
def test_a_key_that_there_is_not_is_refused(keys, words):
    with pytest.raises(NotHere, match=words):
        chosen({"key": "c"}, keys)
