"""Orders on the page that touch the database too."""

from __future__ import annotations

import pytest

from supervisor.control.protocol import Answer, Note, Resume
from supervisor.report import ChildRecord, Report, RunRecord, SupervisorRecord, write
from tasks.errors import EXIT_NOT_RUNNING, EXIT_OK
from tasks.store import brakes
from tasks.store.brakes import CallOutcome

BUILD = "this build"
KIND = "product/history"


@pytest.fixture
def given():
    """The orders that went to the supervisor."""
    return []


@pytest.fixture
def answer():
    """What the supervisor answers to each order."""
    return Answer(code=EXIT_OK, words="done")


@pytest.fixture
def site(visit, database_url, given, answer):
    """A visitor of a page whose supervisor has reported two workers."""

    def deliver(order):
        given.append(order)
        return answer

    made = visit(database_url, deliver=deliver)
    workers = tuple(
        ChildRecord(
            role=role, slot=0, pid=7, state="running", phase=None, detail="", up_s=3.0, again_in_s=None, restarts=0,
            deaths_in_period=0, deaths_allowed=5, rows={}, job={},
        )
        for role in ("upsert", "backfill")
    )  # fmt: skip
    report = Report(
        written_at="2026-11-30T00:00:00Z",
        supervisor=SupervisorRecord(pid=1, state="running"),
        run=RunRecord(
            server="simulator", synthetic=True, base_url=None, database=None, database_url=None, spool="s",
            rows_into="a database", words="",
        ),
        workers=workers,
        services=(),
        rows_written={},
        deaths=(),
    )  # fmt: skip
    write(report, made.state.status)
    return made


def braked(conn):
    for number in range(brakes.MIN_CALLS):
        outcome = CallOutcome(before=(0, 0), tokens=10, lost=10, items=[str(number)], why="none could be used")
        brakes.count_outcome(conn, KIND, BUILD, outcome)
    conn.commit()
    return [one.kind for one in brakes.active_brakes(conn, BUILD)] == [KIND]


def test_resume_releases_the_brakes_as_the_command_does_and_events_say_which(conn, site, given):
    assert braked(conn)
    form = site.page("/orders/resume?role=all")
    assert "brake" in form.text
    assert site.post("/orders/resume", form.fields).status_code == 303
    assert brakes.active_brakes(conn, BUILD) == []
    resumed, note = given
    assert (type(resumed), resumed.roles) == (Resume, ("upsert", "backfill"))
    assert (type(note), note.outcome) == (Note, f"calls go on: {KIND}")


@pytest.mark.parametrize("answer", [Answer(code=EXIT_NOT_RUNNING, words="nobody runs")])
def test_a_resume_that_nobody_carries_out_releases_no_brake(conn, site, given):
    assert braked(conn)
    form = site.page("/orders/resume?role=backfill")
    assert site.post("/orders/resume", form.fields).status_code == 409
    assert [one.kind for one in brakes.active_brakes(conn, BUILD)] == [KIND]
    assert [type(one) for one in given] == [Resume], "and nothing is noted"


def test_all_workers_are_paused_by_one_order_which_says_how_many_they_are(site, given):
    form = site.page("/orders/pause?role=all")
    assert "Stops 2 workers" in form.text
    assert site.post("/orders/pause", form.fields).status_code == 303
    assert given[0].roles == ("upsert", "backfill")
