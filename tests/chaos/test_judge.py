"""What the judge of the chaos calls bought again."""

from __future__ import annotations

import pytest

from tests.fakes.chaos_verdict import bought_again

FIVE = "A,B,C,D,E"


def call(at, asins, *spoiled, history="1", consumed=None):
    each = asins.count(",") + 1 if consumed is None else consumed
    return {"at": at, "asins": asins, "spoiled": list(spoiled), "query": {"history": history}, "consumed": each}


@pytest.mark.parametrize(
    ("second", "again"),
    [
        pytest.param(call(9, FIVE), {"read": 5}, id="the same"),
        pytest.param(call(9, "E,F"), {"read": 1}, id="one of them, with another"),
        pytest.param(call(9, "A,B", consumed=12), {"read": 12}, id="two of them, dearer"),
        pytest.param(call(11, FIVE), {}, id="when it was old"),
        pytest.param(call(9, "F,G"), {}, id="others"),
        pytest.param(call(9, FIVE, history="0"), {}, id="figures alone"),
    ],
)
def test_a_history_that_was_read_and_is_paid_for_again_while_it_is_young_is_bought_again(second, again):
    assert dict(bought_again([call(0, FIVE), second], 10)[0]) == again


@pytest.mark.parametrize("kind", ["cut", "cut_body", "drip", "reset", "silence"])
def test_what_nothing_could_read_is_told_apart_from_what_was_read(kind):
    calls = [call(0, FIVE, kind), call(1, FIVE), call(2, FIVE)]
    assert dict(bought_again(calls, 10)[0]) == {"unread": 5, "read": 5}


@pytest.mark.parametrize("kind", ["set", "mutate", "charset", "coding", "nest", "replace"])
def test_a_reply_that_is_odd_and_complete_counts_as_read(kind):
    assert dict(bought_again([call(0, FIVE, kind), call(1, FIVE)], 10)[0]) == {"read": 5}


@pytest.mark.parametrize(("asins", "again"), [(FIVE, {"read": 5}), ("A,B", {})])
def test_figures_alone_are_the_same_work_only_as_the_same_many_in_one_request(asins, again):
    assert dict(bought_again([call(0, asins, history="0"), call(1, asins, history="0")], 10)[0]) == again
