"""The report of a run, and what others make of it: `status`, and `debug` beside it."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import msgspec
import psycopg
import pytest

from ledger import DEFAULT_TIERS, Reading, TokenLedger
from supervisor import report
from supervisor.cli import surroundings
from supervisor.cli.status import terminal_text
from supervisor.config import run_plan
from supervisor.config.settings import load_settings
from supervisor.console.monitor import Monitor
from supervisor.count_record import CountRecord
from supervisor.database.counts import RowReader
from supervisor.eventloop.loop import Loop, MonotonicClock
from supervisor.logs.log import Log, as_json
from supervisor.process.restart_policy import Cause, ExitReason
from supervisor.process.slot import Death
from supervisor.process.spec import Spec
from supervisor.process.states import State
from supervisor.status.status import gather
from supervisor.tree.reporting import report_of
from supervisor.tree.supervisor import Supervisor
from tasks.errors import ConfigError, DatabaseTransient
from tasks.redaction import Redactor
from tasks.secret import Secret
from tests.fakes.database.tcp_proxy import Line
from tests.fakes.program.cli_program import ROOT
from tests.fakes.waiting import LIMIT_S, wait_until

URL = "postgresql://u:s3cret-of-theirs@127.0.0.1:1/deals"
ROWS = {"deals": 7, "products": 5, "price_series": 3, "quarantine": 0}
QUEUE = {"pending": 2, "leased": 1, "done": 4}
HOLD_LEASES = (
    "import sys; from ledger import TokenLedger\n"
    "ledger = TokenLedger.attach(sys.argv[1])\n"
    "ledger.try_reserve('upsert', 20)\n"
    "ledger.try_reserve('upsert', 30).commit()\n"
)


@pytest.fixture
def make_run(tmp_path):
    """Makes runs that have not begun."""
    loops = []

    def make(**environ):
        loops.append(Loop(MonotonicClock()))
        plan = run_plan.make_run_plan(
            load_settings({"STATE_DIR": str(tmp_path / "state"), **environ}, dotenv=None), synthetic_into_database=True
        )
        plan.state.make()
        log = Log(lambda _line: None, render=as_json, redactor=Redactor())
        return Supervisor(plan, loops[-1], log), loops[-1]

    yield make
    for loop in loops:
        loop.close()


def reported(run, loop, **changes):
    """Write the report of `run` as that of a supervisor in service."""
    run.base_url = "http://127.0.0.1:9"
    one = report_of(run, loop.now_ns())
    one = msgspec.structs.replace(one, supervisor=report.SupervisorRecord(pid=os.getpid(), state="running"), **changes)
    report.write(one, run.plan.state.status)
    return run.plan.state.status


def counted(age_s):
    at = (datetime.now(UTC) - timedelta(seconds=age_s)).isoformat(timespec="milliseconds")
    return CountRecord(at=at, rows=ROWS, queue=QUEUE)


def step_until(loop, condition):
    guard = loop.after(LIMIT_S, lambda: None)
    while not condition():
        loop.step()
        assert loop.now_ns() < guard.at_ns, "did not come about"


def test_the_report_has_the_rows_that_the_maintenance_deleted(make_run):
    run, loop = make_run()
    run.maintenance.pruned.update(deals=3)
    run.maintenance.pruned.update(deals=1, calls=2)
    assert report.read(reported(run, loop)).rows_pruned == {"deals": 4, "calls": 2}


def test_the_report_is_for_its_owner_alone_and_knows_no_password(make_run):
    run, loop = make_run(DATABASE_URL=URL)
    run.database_up(Secret(URL))
    umask = os.umask(0)
    try:
        path = reported(run, loop)
        path.with_name("status.json.new").write_text("left by a killed one")
        path = reported(run, loop)
    finally:
        os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "s3cret" not in path.read_text()
    told = report.read(path).run
    assert (told.database, told.database_url) == (None, None)
    assert told.spool.startswith("url-")
    assert "127.0.0.1:1/deals" in told.rows_into


@pytest.mark.parametrize("role", ["upsert", "backfill"])
def test_what_a_dead_worker_had_reserved_is_settled_at_its_death(make_run, role):
    run, loop = make_run()
    run.ledgers = {"default": TokenLedger.create(run.plan.state.ledger, DEFAULT_TIERS)}
    run.ledgers["default"].observe(
        Reading(tokens_left=300, refill_rate=5, refill_in_ms=60_000, server_ms=1_757_873_538_842)
    )
    subprocess.run([sys.executable, "-c", HOLD_LEASES, str(run.plan.state.ledger)], cwd=ROOT, check=True)
    assert len(run.ledgers["default"].snapshot().leases) == 2
    run.child_died(SimpleNamespace(spec=SimpleNamespace(role=role)))
    step_until(loop, lambda: not run.ledgers["default"].snapshot().leases)
    run.close()


def test_rows_are_counted_when_the_database_is_up_and_told_in_the_report(make_run, database_url):
    run, loop = make_run(DATABASE_URL=database_url)
    monitor = Monitor(run, loop, Log(print, render=as_json, redactor=Redactor()), None)
    run.database_url = Secret(database_url)
    monitor.begin()
    step_until(loop, lambda: run.plan.state.status.exists() and report.read(run.plan.state.status).counted is not None)
    told = report.read(run.plan.state.status).counted
    assert (told.rows["deals"], told.queue["pending"]) == (0, 0)
    monitor.close()
    run.close()


def test_a_locked_table_is_waited_for_a_moment_only(database_url):
    with psycopg.connect(database_url) as conn:
        conn.execute("LOCK TABLE products")
        reader = RowReader(Secret(database_url), patience_s=0.1)
        with pytest.raises(DatabaseTransient, match=r"did not answer within 0\.1 s"):
            reader.read()
        with psycopg.connect(database_url, autocommit=True) as looks:
            asks = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'sluicegate supervisor'"
            wait_until(lambda: looks.execute(asks).fetchone() == (0,), "that nothing of it is left at the server")
        conn.rollback()
        assert wait_until(lambda: rows_of(reader), "the rows")["products"] == 0
        reader.close()


def test_a_database_that_has_frozen_in_mid_statement_is_waited_for_a_moment_only(database_url):
    line = Line(database_url)
    with closing(line), closing(RowReader(Secret(line.url))) as reader:
        assert reader.read().rows["products"] == 0
        line.hold()
        told = []

        def read():
            with pytest.raises(DatabaseTransient) as caught:
                reader.read()
            told.append(str(caught.value))

        threading.Thread(target=read, daemon=True).start()
        wait_until(lambda: told, "that it gives up")
        assert told == ["the database did not answer within 2 s"]
        line.pass_on()
        assert wait_until(lambda: rows_of(reader), "the rows")["products"] == 0


def rows_of(reader):
    try:
        return reader.read().rows
    except DatabaseTransient:  # two seconds are little where many want the processor
        return None


def status(run):
    """What `status` says, and whether it loaded the database's client library for it."""
    code = "import sys; from supervisor.cli import main as cli\n"
    code += "cli.main(['status', '--json'])\nprint('psycopg' in sys.modules)\n"
    environ = {"PATH": os.environ["PATH"], "STATE_DIR": str(run.plan.state.root), "DATABASE_URL": URL}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environ, capture_output=True, text=True, check=True
    )
    told, has_loaded = done.stdout.splitlines()
    return json.loads(told), has_loaded == "True"


def test_status_takes_the_counts_of_a_running_supervisor_without_loading_the_client_library(make_run):
    run, loop = make_run(DATABASE_URL=URL)
    with run.plan.state.lock.held():
        reported(run, loop, counted=counted(3))
        told, has_loaded = status(run)
    assert (told["rows"], told["queue"], has_loaded) == (ROWS, QUEUE, False)
    assert told["counts_age_s"] >= 3
    assert not any("not counted" in note for note in told["notes"])


@pytest.mark.parametrize(("age_s", "is_running"), [(60, True), (-60, True), (3, False)])
def test_status_does_not_take_counts_that_are_old_or_of_a_supervisor_that_is_gone(make_run, age_s, is_running):
    run, loop = make_run(DATABASE_URL=URL)
    if is_running:
        with run.plan.state.lock.held():
            reported(run, loop, counted=counted(age_s))
            told, _ = status(run)
    else:
        reported(run, loop, counted=counted(age_s))
        told, _ = status(run)
    assert (told["rows"], told["queue"], told["counts_age_s"]) == (None, None, None)
    assert any("rows are not counted: no connection to the database: " in note for note in told["notes"])


@pytest.mark.parametrize(("age_s", "is_stale"), [(5, False), (50, False), (75, True), (-75, True)])
def test_a_report_that_is_not_renewed_is_said_to_be_stale(make_run, age_s, is_stale):
    run, loop = make_run(DATABASE_URL=URL)
    at = (datetime.now(UTC) - timedelta(seconds=age_s)).isoformat(timespec="milliseconds")
    with run.plan.state.lock.held():
        reported(run, loop, written_at=at, counted=counted(3), services=())
        seen = gather(run.plan.settings)
    assert (seen.is_stale, seen.is_gone) == (is_stale, False)
    assert (seen.exit_code, seen.state) == ((3, "not answering") if is_stale else (0, "running"))
    assert ("suspended or stuck" in terminal_text(seen)) == is_stale


def test_the_supervisor_renews_its_report_though_nothing_happens(make_run):
    run, loop = make_run(DATABASE_URL=URL)
    monitor = Monitor(run, loop, Log(print, render=as_json, redactor=Redactor()), None, check_s=0.01)
    monitor.begin()
    seen = set()
    step_until(loop, lambda: seen.add(written_at(run.plan.state.status)) or len(seen) > 3)
    monitor.close()
    run.close()


def written_at(path):
    last = report.read(path)
    return None if last is None else last.written_at


def test_off_a_terminal_watch_is_a_line_and_ends_with_the_code_of_the_status(make_run):
    run, loop = make_run(DATABASE_URL=URL)
    environ = {"PATH": os.environ["PATH"], "STATE_DIR": str(run.plan.state.root), "DATABASE_URL": URL}
    command = [sys.executable, "-m", "supervisor", "status", "--watch"]
    with run.plan.state.lock.held():
        reported(run, loop, counted=counted(1))
        with subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True) as watch:
            line = watch.stdout.readline()
            watch.send_signal(signal.SIGINT)
            rest = watch.stdout.read()
    assert "running, 4 of 7 products" in line
    assert (rest, watch.returncode) == ("", 3)


def test_line_49_the_last_hundred_deaths_are_kept(make_run):
    run, loop = make_run()
    slot = SimpleNamespace(
        spec=Spec(role="upsert", slot=0), state=State.BACKOFF, pid=None, history=SimpleNamespace(counted_ns=())
    )
    ending = ExitReason(cause=Cause.SIGNAL, signal=9)
    for number in range(250):
        death = Death(
            pid=number, exit_reason=ending, lived_s=1.0, peak_rss_kb=2048, doing="calling: /deal", next=State.BACKOFF,
            again_in_s=1.0, counted=1, last_beat=None,
        )  # fmt: skip
        run.tree.on_death(slot, death)
    deaths = report.read(reported(run, loop)).deaths
    assert [death.pid for death in deaths] == list(range(150, 250))
    assert {(death.words.partition(",")[0], death.cause) for death in deaths} == {("killed by SIGKILL", "signal")}
    run.close()


def test_debug_beside_a_run_is_refused_another_database_or_spool(make_run):
    settings = {"KEEPA_API_KEY": "a-key-0123456789", "KEEPA_BASE_URL": "http://127.0.0.1:9"}
    own, own_loop = make_run(**settings)
    own.database_url = Secret("postgresql:///sluicegate?host=/tmp")
    given, given_loop = make_run(**settings, DATABASE_URL=URL)
    other, _ = make_run(**settings, DATABASE_URL=URL.replace("deals", "others"))
    same, _ = make_run(**settings, DATABASE_URL=URL.replace("u:s3cret-of-theirs", "another-user"))
    for run, loop, refused in ((own, own_loop, [given]), (given, given_loop, [own, other])):
        reported(run, loop)
        for one in refused:
            with pytest.raises(ConfigError, match="writes into another database") as caught:
                surroundings._settings_of_running(one.plan, os.getpid())
            words = str(caught.value)
            assert all(part in words for place in (run.database_identity, one.database_identity) for part in place)
            assert "s3cret" not in words
        told = surroundings._settings_of_running(run.plan, os.getpid())
        assert told.spool_dir == str(run.plan.state.spool(run.database_identity.spool))
    assert surroundings._settings_of_running(same.plan, os.getpid()).database_url == same.plan.settings.database_url
