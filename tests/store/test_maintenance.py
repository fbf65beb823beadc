"""Duties in the background: their pauses, one supervisor at a time, and what stands in their way."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from ledger import ManualClock
from ledger.process import this_process
from supervisor.config.settings import load_settings
from supervisor.config.state_dir.state_dir import StateDir
from supervisor.database.maintenance import FIRST_S, HELD_S, Maintenance
from supervisor.eventloop.loop import Loop
from supervisor.logs.log import Log, as_json
from tasks.calls.spool_name import SUFFIX
from tasks.maintenance import runner
from tasks.maintenance.duties import duties
from tasks.maintenance.runner import MaintenanceRunner
from tasks.redaction import Redactor
from tasks.secret import Secret
from tasks.store import turns
from tasks.store.connection import connect
from tasks.store.duties import gone, state
from tasks.store.duties.duty import Duty, Step
from tasks.store.queue.counts import queue_counts
from tasks.store.retention.keep import Keep
from tests.fakes.waiting import wait_until

CATEGORIES = "SELECT id FROM categories ORDER BY id"
DELETE_FIRST = "DELETE FROM categories WHERE id = (SELECT min(id) FROM categories)"


@pytest.fixture
def clock():
    return ManualClock(10**12)


@pytest.fixture
def work(database_url, clock):
    """Does steps in this test's database."""
    found = MaintenanceRunner(Secret(database_url), clock)
    yield found
    found.close()


def deleting(clock, *, took_s=0.0, name="deletes", **changes):
    """A duty that deletes the first category with each step."""

    def step(conn):
        clock.advance_s(took_s)
        count = conn.execute(DELETE_FIRST).rowcount
        return Step(has_more=conn.execute(CATEGORIES).rowcount > 0, gone={"categories": count})

    return Duty(name=name, step=step, **changes)


def fill(conn, count=3):
    conn.execute("INSERT INTO categories SELECT 1, n, 'a name' FROM generate_series(1, %s) AS n", (count,))


def left(conn):
    return [row[0] for row in conn.execute(CATEGORIES)]


def test_a_duty_pauses_so_that_it_takes_its_share_of_the_time_and_rests_when_nothing_is_left(work, conn, clock):
    fill(conn, 2)
    duties = [deleting(clock, took_s=0.05, share=0.01, rest_s=600.0)]
    assert work.step(duties).pause_s == pytest.approx(0.05 * 99)
    assert work.step(duties).pause_s == pytest.approx(0.05 * 99), "it is not due"
    assert left(conn) == [2]
    clock.advance_s(0.05 * 99)
    assert work.step(duties).pause_s == 600.0
    assert left(conn) == []


def test_the_duty_that_was_due_first_goes_first(work, clock):
    asked = []

    def duty(name, share):
        return Duty(name, lambda _conn: (clock.advance_s(0.1), asked.append(name)) and Step(has_more=True), share=share)

    duties = [duty("slow", 0.01), duty("quick", 0.5)]
    for _ in range(6):
        clock.advance_s(work.step(duties).pause_s)
    assert asked == ["slow", "quick", "quick", "quick", "quick", "quick"]


def test_another_supervisors_turn_is_left_to_it_until_it_is_over(work, conn, clock):
    fill(conn, 1)
    assert turns.try_take_turn(conn, runner.TURN, "somewhere else")
    assert work.step([deleting(clock)]) == runner.Done(runner.ANOTHERS_S)
    assert left(conn) == [1]
    conn.execute("UPDATE turns SET until = now() - interval '1 second'")
    assert work.step([deleting(clock)]).duty == "deletes"
    assert left(conn) == []


def test_a_locked_row_ends_the_step_and_holds_up_no_other_duty(work, conn, clock, database_url):
    fill(conn, 2)
    other = Duty("other", lambda _conn: Step(has_more=False))
    with connect(database_url, application_name="test") as holder, holder.transaction():
        holder.execute("SELECT FROM categories FOR UPDATE")
        blocked = work.step([deleting(clock), other])
        assert (blocked.duty, "another one holds a lock" in str(blocked.error)) == ("deletes", True)
        assert work.step([deleting(clock), other]).duty == "other"
    clock.advance_s(runner.BUSY_S)
    assert work.step([deleting(clock), other]).error is None
    assert left(conn) == [2]


def test_what_the_database_refuses_is_tried_again_after_an_hour(work, conn, clock):
    fill(conn, 1)
    conn.execute(
        "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'never'; END $$;"
        "CREATE TRIGGER no BEFORE DELETE ON categories FOR EACH ROW EXECUTE FUNCTION no()"
    )
    refused = work.step([deleting(clock)])
    assert "never" in str(refused.error)
    assert refused.pause_s == runner.REFUSED_S
    conn.execute("DROP TRIGGER no ON categories")
    clock.advance_s(runner.REFUSED_S)
    assert work.step([deleting(clock)]).error is None


def test_a_step_that_is_cut_changes_nothing(work, conn):
    fill(conn, 1)

    def stuck(connection):
        connection.execute(DELETE_FIRST)
        work.cut()
        connection.execute("SELECT pg_sleep(60)")

    assert "asked to stop" in str(work.step([Duty("stuck", stuck)]).error)
    assert left(conn) == [1]


def test_a_queue_that_was_changed_by_hand_is_counted_without_any_worker(work, conn):
    conn.execute(
        "INSERT INTO fetch_queue (domain, asin, detail, priority, place) SELECT 1, 'B' || n, 'history', 0, n"
        " FROM generate_series(1, 5000) AS n"
    )
    conn.execute("UPDATE fetch_queue_check SET next_at = now()")
    (duty,) = (one for one in duties(Keep()) if one.name == "queue check")
    assert work.step([duty]).error is None
    assert queue_counts(conn).pending == 5000
    assert work.step([duty]).pause_s == 60


def test_a_duty_may_have_one_snapshot(work, conn):
    seen = []

    def step(connection):
        seen.append(connection.execute(CATEGORIES).rowcount)
        fill(conn)
        seen.append(connection.execute(CATEGORIES).rowcount)
        return Step(has_more=False)

    for name, has_one_snapshot in (("one", True), ("several", False)):
        assert work.step([Duty(name, step, has_one_snapshot=has_one_snapshot)]).error is None
        conn.execute("DELETE FROM categories")
    assert seen == [0, 0, 0, 3]


def test_what_goes_is_summed_over_restarts_and_reported_once_a_day(work, conn, clock):
    fill(conn, 3)
    duties = [deleting(clock), gone.REPORT]
    for _ in range(4):
        clock.advance_s(work.step(duties).pause_s)
    now = datetime.now(UTC)
    assert gone.report(conn, now=now + timedelta(hours=23)).told == {}
    assert gone.report(conn, now=now + timedelta(hours=25)).told == {"categories": 3}
    assert gone.report(conn, now=now + timedelta(hours=25)).told == {}


def test_the_state_of_a_duty_is_kept_and_a_broken_one_begins_anew(conn):
    assert state.load(conn, "moves") == {}
    state.save(conn, "moves", {"from": [1, "B000000001"]})
    state.save(conn, "moves", {"from": [1, "B000000002"]})
    assert state.load(conn, "moves") == {"from": [1, "B000000002"]}
    conn.execute("UPDATE background_duties SET state = '7'")
    assert state.load(conn, "moves") == {}


class Run:
    """The maintenance of a run, on a clock that is set by hand."""

    def __init__(self, loop, clock, spool, url, duty):
        self.lines, self.may_run, self.clock, self.loop = [], True, clock, loop
        settings = load_settings({}, dotenv=None)
        self.plan = SimpleNamespace(state=StateDir(spool.parent.parent), settings=settings)
        self.database_identity = SimpleNamespace(spool="db")
        log = Log(self.lines.append, render=as_json, redactor=Redactor())
        self.maintenance = Maintenance(loop, log, self, clock=clock)
        self.maintenance.duties = lambda _keep: [duty]
        self.maintenance.begin(Secret(url))

    def is_undisturbed(self):
        return self.may_run

    def turn(self, seconds):
        self.clock.advance_s(seconds)
        self.loop.wake()
        self.loop.step()

    def events(self):
        return [json.loads(line)["event"] for line in self.lines]


@pytest.fixture
def make_run(clock, tmp_path, database_url):
    with Loop(clock) as loop:
        runs = []

        def make(duty):
            runs.append(Run(loop, clock, tmp_path / "spool" / "db", database_url, duty))
            return runs[-1]

        yield make
        for run in runs:
            run.maintenance.close()


def test_a_run_begins_after_a_minute_and_waits_while_anything_is_in_the_way(make_run, tmp_path):
    steps = []
    step = Step(has_more=False, gone={"calls": 2}, told={"calls": 1})
    run = make_run(Duty("one", lambda _conn: steps.append(1) or step, rest_s=1.0))
    run.may_run = False
    run.turn(FIRST_S - 1)
    run.turn(1)
    run.turn(HELD_S)
    leftover = tmp_path / "spool" / "db" / f"{this_process()}.000001.1{SUFFIX}"
    leftover.parent.mkdir(parents=True)
    leftover.touch()
    run.may_run = True
    run.turn(HELD_S)
    wait_until(lambda: run.loop.step() or run.loop._timers, "a look at the spool")
    assert steps == []
    leftover.unlink()
    run.turn(HELD_S)
    wait_until(lambda: run.loop.wake() or run.loop.step() or run.events(), "a step")
    assert (steps, run.events(), run.maintenance.pruned) == ([1], ["pruned"], {"calls": 2})


def test_a_duty_that_is_refused_is_logged_once(make_run):
    calls = []

    def step(connection):
        calls.append(1)
        connection.execute("SELECT 1 / 0")

    run = make_run(Duty("one", step))
    run.turn(FIRST_S)
    for _ in range(2):
        wait_until(lambda: run.loop.wake() or run.loop.step() or run.loop._timers, "the end of a step")
        run.turn(runner.REFUSED_S)
    assert len(calls) == 2
    assert run.events() == ["duty_refused"]
