"""What the judge of the chaos calls bought again."""

from __future__ import annotations

import pytest

from tests.fakes.chaos_verdict import bought_again, ticks_behind

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


def sides(ours, theirs, late_s=0.0, next_in_s=0.3):
    """What ledger and server say 0.2 s after a tick of 0.5 s that the ledger counts `late_s` later."""
    now_ms, since_s = 1_700_000_000_000, 0.5 - next_in_s
    later_s = (next_in_s + late_s) % 0.5 if late_s > since_s else next_in_s + late_s
    return (
        {"bucket": {"balance": ours, "next_tick_in_s": later_s}, "server_ms": now_ms - 1000 * late_s},
        {
            "bucket": {"balance": theirs, "rate": 20, "next_tick_in_s": next_in_s, "tick_period_s": 0.5},
            "now_ms": now_ms,
        },
    )


@pytest.mark.parametrize(("late_s", "ours"), [(0.0, 100), (0.1, 100), (0.3, 80), (1.5, 40), (1.8, 20)])
def test_ticks_that_the_ledger_counts_late_are_no_difference(late_s, ours):
    assert ticks_behind(*sides(ours, 100, late_s)) == 0


@pytest.mark.parametrize(
    ("late_s", "ours", "behind"),
    [(0.0, 80, 1), (0.0, 120, -1), (1.5, 20, 1), (1.5, 100, -3), (0.0, 99, 0.05), (0.0, 101, -0.05)],
)
def test_tokens_that_no_lateness_explains_are_a_difference(late_s, ours, behind):
    assert ticks_behind(*sides(ours, 100, late_s)) == pytest.approx(behind)
