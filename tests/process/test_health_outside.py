"""Each part of the world outside is taken away in turn, and given back: what is told of it at all four places.

The four are `status`, `/readyz`, `/metrics` and the status line of a service manager.
"""

from __future__ import annotations

import os
import signal
import time
from datetime import datetime
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest
import requests

from ledger import SystemClock
from ledger.process import this_process
from supervisor.database.probe import READ_ONLY, STANDBY, Probe
from tasks.calls.spool_name import SUFFIX
from tasks.embedded_postgres import cluster, pid_file
from tasks.embedded_postgres.server import EmbeddedPostgres
from tasks.errors import EXIT_DEGRADED, DatabaseTransient
from tasks.secret import Secret
from tasks.simulator.config import SimulatorConfig
from tasks.simulator.server import SimulatorServer
from tests.fakes.machine.notify_socket import Listener
from tests.fakes.program.cli_program import Program, freeze
from tests.fakes.waiting import LIMIT_S, wait_until

KEY = "aKeyThatMustShowNowhere".ljust(64, "0")
NUMBERS = count()
ENDED = "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE application_name LIKE 'sluicegate%'"


@pytest.fixture
def postgres(tmp_path):
    """A server of this test's own, which it may stop."""
    one = EmbeddedPostgres(tmp_path / "pg")
    one.start("outside")
    yield one
    one.stop()


@pytest.fixture
def world(tmp_path, postgres):
    """A run in service, and everything it needs: a database, a server, somebody who listens."""
    listener = Listener(f"@sluicegate-outside-{os.getpid()}-{next(NUMBERS)}")
    program = Program(tmp_path, NOTIFY_SOCKET=listener.address, METRICS_PORT="0", KEEPA_API_KEY=KEY)
    with SimulatorServer(SimulatorConfig(keys=frozenset({KEY}), rate=60, tick_s=0.5, deals=300)) as simulator:
        program.start(
            KEEPA_BASE_URL=simulator.url,
            DATABASE_URL=postgres.url("outside"),
            POLL_INTERVAL_S="2",
            SPOOL_LIMIT_MB="1",
            BACKFILL_WORKERS="2",
        )
        try:
            url = program.until(lambda r: r["supervisor"]["http"], "the port")["supervisor"]["http"]
            program.until_working()
            yield SimpleNamespace(
                program=program, url=url, listener=listener, simulator=simulator, postgres=postgres, folder=tmp_path
            )
            assert program.stop() == 0, program.tail()
        finally:
            program.kill()
            listener.close()


def told(world, kind):
    """What each of the four places says of `kind` now: its words, or nothing."""
    program, found = world.program, {}
    status, code = program.status(DATABASE_URL=world.postgres.url("outside"), KEEPA_API_KEY=KEY)
    (found["status"],) = [one["why"] for one in status["conditions"] if one["kind"] == kind] or [""]
    if found["status"]:
        assert (code, status["healthy"]) == (EXIT_DEGRADED, False)
    reply = requests.get(world.url + "/readyz", timeout=LIMIT_S)
    (found["readyz"],) = [line for line in reply.text.splitlines() if line.startswith(f"{kind}: ")] or [""]
    assert reply.status_code == 503 or not found["readyz"]
    metrics = requests.get(world.url + "/metrics", timeout=LIMIT_S).text.splitlines()
    holds = f'sluicegate_condition{{kind="{kind}"}} 1.0' in metrics
    since = next(
        line for line in metrics if line.startswith(f'sluicegate_condition_since_timestamp_seconds{{kind="{kind}"')
    )
    assert (float(since.split()[-1]) > 0) == holds
    assert holds <= ("sluicegate_degraded 1.0" in metrics)
    found["metrics"] = "1" if holds else ""
    last = world.listener.of("STATUS")[-1]
    found["systemd"] = last if f"{kind}: " in last else ""
    return found


def until_told(world, kind):
    """What is said at the four places when it is said at all of them, and after how long, in seconds."""
    began = time.monotonic()
    found = wait_until(
        lambda: one if all((one := told(world, kind)).values()) else None,
        f"{kind} at four places",
        explain=world.program.tail,
    )
    return found, time.monotonic() - began


def until_over(world, kind):
    """The line that tells its end, when no place says it any longer."""
    began = time.monotonic()
    wait_until(lambda: not any(told(world, kind).values()), f"the end of {kind}", explain=world.program.tail)
    (record,) = [one for one in world.program.records("condition_over") if one["kind"] == kind]
    assert len([one for one in world.program.records("degraded") if one["kind"] == kind]) == 1
    return record, time.monotonic() - began


def until_well(world):
    wait_until(
        lambda: requests.get(world.url + "/readyz", timeout=LIMIT_S).status_code == 200,
        "that all is well",
        explain=lambda: requests.get(world.url + "/readyz", timeout=LIMIT_S).text + world.program.tail(),
    )


def database(world):
    (child,) = world.program.report()["services"]
    return child["state"]


def until_database(world, state):
    """A worker may have told of it before the supervisor has looked for itself."""
    wait_until(lambda: database(world) == state, f"the database to be {state}", explain=world.program.tail)


def test_a_database_that_is_stopped_is_told_at_all_four_places_and_so_is_its_return(world):
    assert database(world) == "running"
    world.postgres.stop()
    found, _ = until_told(world, "database")
    assert "connection" in found["status"]
    until_database(world, "away")
    text = world.program.command("status", DATABASE_URL=world.postgres.url("outside"), KEEPA_API_KEY=KEY).stdout
    assert "database since " in text
    assert "database-0     running" not in text
    world.postgres.start("outside")
    end, _ = until_over(world, "database")
    assert end["message"].startswith("database: in service after ")
    assert end["lasted_s"] > 0
    assert database(world) == "running"
    until_well(world)
    faults = world.program.report()["faults"]
    assert all(one["until"] for one in faults if one["event"] == "database_unavailable"), "what is over fades"


@pytest.mark.kill
def test_a_database_that_has_frozen_is_told_though_it_refuses_nobody(world):
    pid = pid_file.read_pid_file(world.folder / "pg" / cluster.DATA).pid
    family = [pid, *children_of(pid)]
    for one in family:
        freeze(one)
    try:
        found, _ = until_told(world, "database")
        (begin,) = world.program.records("degraded")
    finally:
        for one in family:
            os.kill(one, signal.SIGCONT)
    assert found["status"]
    end, _ = until_over(world, "database")
    since, told = (datetime.fromisoformat(begin[name]) for name in ("since", "ts"))
    unseen_s = (told - since).total_seconds()
    assert unseen_s > 5, "it is told since it was asked in vain, and not since it was known"
    assert begin["late_s"] > 5, "the same by the clock that its length is counted by"
    assert end["lasted_s"] >= begin["late_s"]
    until_well(world)


@pytest.mark.kill
def test_calls_that_fail_are_told_at_all_four_places_and_so_is_their_end(world):
    world.simulator.control(faults={"500": 1.0})
    found, _ = until_told(world, "calls")
    assert "500" in found["readyz"]
    world.simulator.control(faults={"500": 0.0})
    end, _ = until_over(world, "calls")
    assert end["message"].startswith("calls: back after ")
    until_well(world)


@pytest.mark.kill
def test_a_spool_that_takes_no_reply_is_told_at_all_four_places(world):
    (folder,) = (world.program.state / "spool").iterdir()
    waits = folder / f"{this_process()}.000001.0{SUFFIX}"  # nobody else's to read, and as much as may wait
    waits.write_bytes(bytes(3_000_000))
    found, _ = until_told(world, "spool")
    assert "bytes of replies wait" in found["status"]
    waits.unlink()
    end, _ = until_over(world, "spool")
    assert end["message"].startswith("spool: over after ")
    until_well(world)


@pytest.mark.kill
def test_a_state_directory_that_takes_no_file_is_told_at_all_four_places(world):
    in_the_way = world.program.state / "status.json.new"
    wait_until(lambda: made(in_the_way), "a moment without a new report")
    found, _ = until_told(world, "state")
    assert f"no new file can be written in {world.program.state}: " in found["status"]
    in_the_way.rmdir()
    end, _ = until_over(world, "state")
    assert end["message"].startswith("state: over after ")
    until_well(world)


def made(folder):
    try:
        folder.mkdir()
    except FileExistsError:
        return False
    return True


def children_of(pid):
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.parametrize("where", [pytest.param("SYSTEM", marks=pytest.mark.kill), "DATABASE outside"])
def test_a_database_that_is_read_only_is_told_at_all_four_places(world, where):
    alter(world, f"ALTER {where} SET default_transaction_read_only = on")
    if where != "SYSTEM":  # those that are open go on as before
        alter(world, ENDED)
    found, _ = until_told(world, "database")
    assert "read only" in found["readyz"] or "read-only" in found["readyz"]
    until_database(world, "read only")
    alter(world, f"ALTER {where} RESET default_transaction_read_only")
    end, _ = until_over(world, "database")
    assert end["message"].startswith("database: in service after ")
    until_well(world)


def alter(world, statement):
    with psycopg.connect(
        world.postgres.url("outside"), autocommit=True, options="-c default_transaction_read_only=off"
    ) as conn:
        conn.execute(statement)
        conn.execute("SELECT pg_reload_conf()")


def test_a_standby_is_told_from_a_server_that_takes_rows_and_from_one_that_is_away(tmp_path):
    server, data = EmbeddedPostgres(tmp_path / "pg"), tmp_path / "pg" / cluster.DATA
    probe = Probe(Secret(server.start("outside")), SystemClock())
    try:
        assert probe.ask() is None
        server.stop()
        with pytest.raises(DatabaseTransient):
            probe.ask()
        (data / "standby.signal").touch()
        server.start("outside")
        assert probe.ask() == STANDBY
        server.stop()
        (data / "standby.signal").unlink()
        server.start("outside")
        assert probe.ask() is None, "over a connection that is made anew"
        with psycopg.connect(server.url("outside"), autocommit=True) as conn:
            conn.execute("ALTER SYSTEM SET default_transaction_read_only = on")
            conn.execute("SELECT pg_reload_conf()")
        wait_until(lambda: probe.ask() == READ_ONLY, "that it is read only")
    finally:
        probe.close()
        server.stop()
