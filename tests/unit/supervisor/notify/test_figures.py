"""What is told of messages: sums by target, of all places where they wait, and room for the fullest targets."""

import json
from datetime import UTC, datetime, timedelta

from supervisor.notify.figures import MOST_TARGETS, NAMES_BYTES, Figures

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_what_waits_is_the_sum_of_all_places_and_as_old_as_the_oldest():
    figures = Figures(["phone", "log"])
    figures.sent("phone")
    figures.refused("phone")
    figures.refused("phone")
    figures.waits("database", {"phone": (3, NOON)})
    figures.waits("alarms", {"phone": (1, NOON - timedelta(minutes=1)), "gone": (1, NOON)})
    assert figures.record() == {"phone": (1, 2, 4, NOON.timestamp() - 60), "log": (0, 0, 0, 0.0)}
    figures.waits("database", {})
    figures.waits("alarms", {})
    assert figures.record() == {"phone": (1, 2, 0, 0.0), "log": (0, 0, 0, 0.0)}


def test_of_many_targets_those_are_told_for_which_most_waits():
    figures = Figures(f"target {number}" for number in range(50))
    figures.waits("database", {"target 49": (2, NOON), "target 48": (1, NOON)})
    assert list(figures.record())[:2] == ["target 49", "target 48"]
    assert len(figures.record()) == MOST_TARGETS


def test_long_names_are_left_out_and_never_cut_so_that_two_become_one():
    names = ["ß" * 60 + str(number) for number in range(20)]
    figures = Figures(names)
    figures.waits("database", {names[7]: (2, NOON)})
    record = figures.record()
    assert next(iter(record)) == names[7]
    assert set(record) < set(names)
    assert len(json.dumps(list(record))) <= NAMES_BYTES + 2 * len(record)
