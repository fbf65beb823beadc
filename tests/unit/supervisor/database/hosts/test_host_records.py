"""Which hosts are shown, which are missed, and what is told of them."""

from datetime import UTC, datetime, timedelta

import pytest

from supervisor.database.hosts import host_records
from supervisor.status import formatting
from tasks.store.ledger_row.hosts import Host

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def host(number, state_dir=None, **more):
    given = {"name": f"h{number}", "version": "1", "joined_at": NOW, "beat_at": NOW, "left_at": None, "silent_s": 1.0}
    return Host(**{**given, "number": number, "id": f"{state_dir or number} boot 1", "workers": ({},), **more})


@pytest.mark.parametrize(
    ("more", "state"),
    [
        ({}, "alive"),
        ({"silent_s": 3_600.0}, "alive"),  # the clock of the database was set forward
        ({"is_dead": True}, "silent"),
        ({"drain_at": NOW}, "draining"),
        ({"drain_at": NOW, "is_dead": True}, "silent"),
        ({"drain_at": NOW, "left_at": NOW}, "left"),
    ],
)
def test_the_state_of_a_host_follows_from_what_it_said_last(more, state):
    one = host(2, **more)
    (_, *others) = host_records.records([host(1), one], 1, {"h2": 7}, 2.0)
    assert one.state == state
    assert [(other.state, other.tokens_day, other.silent_s) for other in others] == (
        [] if state == "left" else [(state, 7, one.silent_s + 2)]
    )
    assert [lost.number for lost in host_records.missed([host(1), one], 1)] == ([2] if state == "silent" else [])


def test_a_host_in_whose_place_another_one_runs_is_neither_shown_nor_missed():
    before = host(1, state_dir="a", silent_s=99.0)
    after = host(2, state_dir="a", joined_at=NOW + timedelta(minutes=1))
    assert [one.number for one in host_records.records([before, after], 2, {}, 0.0)] == [2]
    assert host_records.missed([before, after], 3) == []


def test_this_host_is_shown_though_it_has_left_and_is_never_missed():
    own = host(1, left_at=NOW, drain_at=NOW, silent_s=99.0)
    (shown,) = host_records.records([own], 1, {}, 0.0)
    assert (shown.is_own, formatting.host_facts(shown, ())[0]) == (True, "drained")
    assert host_records.missed([host(1, silent_s=99.0)], 1) == []


def test_the_words_name_every_missed_host_and_say_what_to_do():
    lost = [host(1), host(2)]
    words = host_records.describe_missed(lost, [*lost, host(3)])
    assert words.startswith("the hosts h1, h2 are silent; ")
    assert "`sluicegate drain h1`" in words


def test_no_word_makes_a_living_host_drain_that_is_called_as_the_missed_one():
    lost, here = host(1, silent_s=99.0), host(2, name="h1")
    assert "`sluicegate drain 1`" in host_records.describe_missed([lost], [lost, here])
    left = host(2, name="h1", left_at=NOW)
    assert "`sluicegate drain h1`" in host_records.describe_missed([lost], [lost, left])
