"""Parts of sentences: a cause stands where it is wanted, a number has its noun, and no field is guessed."""

from __future__ import annotations

import pytest

from supervisor.logs import field_phrases


@pytest.mark.parametrize(
    ("fields", "end", "begin"),
    [
        ({"error": "no answer"}, "a call failed: no answer", "no answer; a call failed"),
        ({"reason": "two\nlines"}, "a call failed: two lines", "two lines; a call failed"),
        ({"error": "", "reason": None, "message": "told"}, "a call failed: told", "told; a call failed"),
        ({}, "a call failed", "a call failed"),
    ],
)
def test_a_cause_stands_at_the_end_or_at_the_beginning_and_leaves_nothing_where_there_is_none(fields, end, begin):
    assert field_phrases.ends_with_cause("a call failed")(fields) == end
    assert field_phrases.begins_with_cause("a call failed")(fields) == begin


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"retry_in_s": 2.3}, "; next attempt in 2 s"),
        ({"retry_in_s": 2.3, "again_in_s": 65}, "; next attempt in 1 min 5 s"),
        ({"again_in_s": 0.4}, "; next attempt in less than 1 s"),
        ({"again_in_s": "soon"}, ""),
        ({}, ""),
    ],
)
def test_the_next_attempt_is_told_when_it_is_known(fields, said):
    assert field_phrases.next_attempt(fields) == said
    assert field_phrases.begins_with_cause("waits", field_phrases.next_attempt)(fields) == f"waits{said}"


@pytest.mark.parametrize(
    ("value", "said"), [(0, "0 items"), (1, "1 item"), (12_000, "12,000 items"), (0.5, "0.5 items")]
)
def test_what_is_counted_is_in_the_plural_unless_it_is_one(value, said):
    assert field_phrases.count_in({"count": value}, "count", "item") == said


@pytest.mark.parametrize(
    ("fields", "error"), [({}, KeyError), ({"count": "7"}, TypeError), ({"count": None}, TypeError)]
)
def test_what_is_no_number_is_not_told_as_one(fields, error):
    with pytest.raises(error):
        field_phrases.number_in(fields, "count")


def test_of_many_names_the_first_and_the_last_are_told():
    assert field_phrases.list_names(["a", "b"]) == "a, b"
    assert field_phrases.list_names(list("abcdef")) == "6 from a to f"
    assert field_phrases.list_names("all") == "all"
