"""What is paid for and cannot be used stops, for everybody, until a person or another build goes on."""

from __future__ import annotations

import pytest

from tasks.ingest import reader_version
from tasks.store import brakes

UNREADABLE = {"do": "replace", "endpoint": "/product", "find": '"asin":"', "with": '"asin":5,"was":"'}


@pytest.fixture
def here(town):
    return town(rate=100, start_balance=3_000, deals=4_000)


@pytest.fixture
def spoiler(here, spoil):
    return spoil(here.simulator.url)


def worker(here, spoiler, name):
    return here.job("backfill", worker=name, base_url=spoiler.url)


def stopped(here):
    return here.rows("select kind, since is not null from brakes order by kind")


@pytest.mark.kill
def test_calls_of_a_kind_stop_for_every_worker_and_over_restarts_once_most_of_it_is_unusable(here, spoiler):
    spoiler.set(UNREADABLE)
    first = worker(here, spoiler, "first")
    here.run(first, 60)
    calls = len(spoiler.calls("/product"))
    assert brakes.MIN_CALLS <= calls <= 2 * brakes.MIN_CALLS
    assert stopped(here) == [("product:history", True)]
    (told,) = here.beats[-1]["conditions"]
    assert told["kind"] == "replies"
    assert "calls for product:history are stopped" in told["why"]
    pages = len(spoiler.calls("/deal"))
    here.run(worker(here, spoiler, "second"), 60)
    assert len(spoiler.calls("/product")) == calls, "another worker, or the same one started anew, pays no more for it"
    assert len(spoiler.calls("/deal")) >= pages, "what can be used goes on"
    spoiler.set()
    here.run(first, 60)
    assert len(spoiler.calls("/product")) == calls
    with here.connected() as conn:
        assert brakes.release_brakes(conn) == ["product:history"]
    here.run(first, 60)
    assert len(spoiler.calls("/product")) > calls
    assert here.beats[-1]["conditions"] == []


@pytest.mark.kill
def test_a_brake_that_is_lifted_is_noticed_by_a_worker_who_wants_nothing_of_its_kind_any_more(here, spoiler):
    spoiler.set(UNREADABLE)
    first = worker(here, spoiler, "first")
    here.run(first, 60)
    assert [one["kind"] for one in here.beats[-1]["conditions"]] == ["replies"]
    calls = len(spoiler.calls())
    first._components.streams = ()
    with here.connected() as conn:
        conn.execute("delete from fetch_queue")
    here.run(first, 30)
    assert [one["kind"] for one in here.beats[-1]["conditions"]] == ["replies"]
    with here.connected() as conn:
        assert brakes.release_brakes(conn) == ["product:history"]
    here.run(first, 30)
    assert len(spoiler.calls()) == calls, "nothing was wanted"
    assert here.beats[-1]["conditions"] == []


@pytest.mark.kill
def test_another_build_goes_on_by_itself_and_is_judged_anew(here, spoiler, mocker):
    spoiler.set(UNREADABLE)
    here.run(worker(here, spoiler, "old"), 60)
    calls = len(spoiler.calls("/product"))
    assert stopped(here) == [("product:history", True)]
    mocker.patch.object(reader_version, "reader_version", return_value="another build")
    new = worker(here, spoiler, "new")
    for _ in range(20):
        here.run(new, 60)
        if stopped(here) == [("product:history", True)]:
            break
    assert calls < len(spoiler.calls("/product")) <= calls + 2 * brakes.MIN_CALLS
    assert stopped(here) == [("product:history", True)], "which cannot read it either"


@pytest.mark.kill
def test_one_bad_product_in_a_hundred_stops_nothing(here, spoiler):
    spoiler.set({**UNREADABLE, "most": 1})
    here.run(worker(here, spoiler, "w"), 30)
    assert len(spoiler.calls("/product")) > brakes.MIN_CALLS
    assert stopped(here) == [("product:history", False)]
    assert here.rows("select count(*) from quarantine where kind = 'product'") > [(2,)]


def test_the_same_thing_unusable_again_and_again_says_nothing_about_the_rest(here):
    with here.connected() as conn:
        for things in (["A", "B"], ["A"], ["A"], ["A"], ["A"]):
            lost = brakes.CallOutcome(before=(0, 0), tokens=len(things), lost=len(things), items=things, why="odd")
            assert not brakes.count_outcome(conn, "product:stats", "b", lost)
        for thing in ("C", "D"):
            lost = brakes.CallOutcome(before=(0, 0), tokens=1, lost=1, items=[thing], why="odd")
            stops = brakes.count_outcome(conn, "product:stats", "b", lost)
        assert stops
        assert [one.kind for one in brakes.active_brakes(conn, "b")] == ["product:stats"]
        assert brakes.active_brakes(conn, "c") == []


def test_what_was_good_before_is_weighed_but_not_for_ever(here):
    with here.connected() as conn:
        for number in range(100):
            before = (10_000, 1_000_000) if number == 0 else (0, 0)
            lost = brakes.CallOutcome(before=before, tokens=100, lost=100, items=[str(number)], why="odd")
            if brakes.count_outcome(conn, "deal", "b", lost):
                break
        assert 5 <= number <= 20


def test_the_name_of_a_build_is_that_of_what_reads_replies():
    assert reader_version.reader_version() == reader_version.reader_version()
    assert len(reader_version.reader_version()) == 16
