"""The table of the growth benchmark: what is judged, by which size, and what is missed."""

from __future__ import annotations

import pytest

from benchmarks.growth.measure import Aim, Row, interleaved, table

VALUES = {"S": 10.0, "L": 14.0}


@pytest.mark.parametrize(
    ("aim", "missed"),
    [
        (None, 0),
        (Aim("L", 14), 0),
        (Aim("L", 13.9), 1),
        (Aim("L/S", 1.4), 0),
        (Aim("L/S", 1.3), 1),
        (Aim("all", 14), 0),
        (Aim("all", 13), 1),
        (Aim("all", 10, at_least=True), 0),
        (Aim("all", 11, at_least=True), 1),
        (Aim("Q", 1), 0),
        (Aim("L/Q", 1), 0),
    ],
)
def test_a_row_misses_what_the_sizes_it_is_about_do_not_reach(aim, missed):
    text, found = table([Row("a query", VALUES, aim=aim)], ["S", "L"])
    assert found == missed
    assert text.count("MISSED") == missed


def test_each_way_is_measured_as_often_as_the_others_in_turns():
    called = []
    ways = {name: lambda name=name: called.append(name) for name in "SL"}
    took = interleaved(ways, dict.fromkeys(ways, lambda: 0.0), rounds=2)
    assert called == list("SLSLSL")
    assert took.cpu_ms.keys() == took.wall_ms.keys() == set("SL")
