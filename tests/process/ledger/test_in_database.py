"""`sluicegate run` with its ledger in the database: one budget for two state directories, as for two hosts."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import requests

from tests.fakes.program.cli_program import ROOT, Program
from tests.fakes.waiting import LIMIT_S, wait_until
from tests.fixtures.lists import asins_of
from tests.fixtures.spoiler import make_many

KEY = "k" * 20
ENOUGH = 6


@pytest.fixture
def make_program(tmp_path, database_url, make_spoiled):
    """Makes programs with one key, one server and one database, each with a state directory of its own."""
    spoiler = make_many(make_spoiled, KEY, rate=20, tick_s=0.5)
    made = []

    def make(name, **more):
        folder = tmp_path / name
        folder.mkdir()
        program = Program(
            folder, KEEPA_API_KEY=KEY, KEEPA_BASE_URL=spoiler.url, TICK_PERIOD_S="0.5", UPSERT_DETAIL="none",
            DATABASE_URL=database_url, HOST_NAME=name, STOP_S="150", **({"LEDGER": "database"} | more),
        )  # fmt: skip
        made.append(program)
        return program

    make.spoiler = spoiler
    yield make
    for program in made:
        program.kill()


def asked(spoiler):
    return [asin for call in spoiler.calls("/product") for asin in call["asins"].split(",")]


def dumped(program):
    done = program.command("ledger", "dump", "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.kill
def test_two_hosts_on_one_key_spend_one_budget_and_buy_nothing_twice(make_program, conn):
    one, other = make_program("one"), make_program("other")
    for program in (one, other):
        program.start().until_working()
    wait_until(lambda: len(make_program.spoiler.calls("/product")) >= ENOUGH, "batches", explain=one.tail)
    assert {name for (name,) in conn.execute("SELECT name FROM hosts WHERE left_at IS NULL")} == {"one", "other"}
    assert [program.stop() for program in (one, other)] == [0, 0]
    books = dumped(one)
    assert books["totals"]["spent"] == make_program.spoiler.simulator.control()["spent"]
    assert (books["bucket"]["drift"], books["totals"]["refused_429"]) == (0, 0)
    assert (books["leases"], books["waiters"]) == ([], [])
    assert conn.execute("SELECT tokens_a_minute > 0 FROM ledgers").fetchone() == (True,)
    assert sorted(asked(make_program.spoiler)) == sorted(set(asked(make_program.spoiler)))
    assert len({entry["host"] for entry in books["journal"] if entry["host"]}) == 2
    assert conn.execute("SELECT count(*) FROM hosts WHERE left_at IS NULL").fetchone() == (0,)


@pytest.mark.kill
def test_two_hosts_read_a_source_once_and_fetch_a_list_once(make_program, conn, tmp_path):
    wanted, listed = tmp_path / "wanted", asins_of(make_program.spoiler.simulator, 80)[-40:]
    wanted.mkdir()
    (wanted / "best.json").write_text('{"source": "bestsellers", "domainId": 1, "categoryId": 283155, "most": 60}')
    (wanted / "cheap.json").write_text('{"source": "category", "domainId": 1, "categoryId": 165793011, "most": 60}')
    (tmp_path / "toys.txt").write_text("".join(f"{asin}\n" for asin in listed))
    settings = {"SELECTIONS": str(wanted), "WATCH": str(tmp_path / "toys.txt")}
    programs = [make_program(name, **settings) for name in ("one", "other")]
    for program in programs:
        program.start().until_working()
    done = (
        "SELECT (SELECT count(*) FROM crawls WHERE state = 'done'), "
        "(SELECT count(*) FROM watched_products WHERE fetched_at IS NOT NULL), "
        "(SELECT count(*) FROM fetch_queue WHERE state <> 'done')"
    )
    wait_until(
        lambda: conn.execute(done).fetchone() == (2, len(listed), 0), "everything read", explain=programs[0].tail
    )
    assert [program.stop() for program in programs] == [0, 0]
    calls = {endpoint: len(make_program.spoiler.calls(endpoint)) for endpoint in ("/bestsellers", "/query")}
    assert calls == {"/bestsellers": 1, "/query": 1}
    fetched = asked(make_program.spoiler)
    assert set(listed) <= set(fetched)
    assert sorted(fetched) == sorted(set(fetched))


def test_a_run_spends_from_the_row_and_its_commands_read_it(make_program):
    program = make_program("one")
    program.start().until_working()
    wait_until(lambda: len(make_program.spoiler.calls("/product")) >= 2, "batches", explain=program.tail)
    assert dumped(program)["synced"]
    assert "balance" in program.command("ledger", "dump").stdout
    plain = subprocess.run(
        [sys.executable, "-m", "ledger", "dump"],
        cwd=ROOT, env=program.environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert plain.returncode == 1
    assert "the ledger is in the database: `sluicegate ledger dump` shows it" in plain.stderr
    assert "sound" in program.command("doctor").stdout
    assert program.stop() == 0, program.tail()
    assert dumped(program)["totals"]["spent"] == make_program.spoiler.simulator.control()["spent"]
    assert not (program.state / "ledger").exists()


def test_a_ledger_in_the_database_needs_a_database_that_others_reach(tmp_path):
    program = Program(tmp_path, LEDGER="database")
    done = program.command("run")
    assert done.returncode == 78
    assert "LEDGER is `database` but DATABASE_URL is not set" in done.stderr


@pytest.mark.kill
def test_a_host_with_another_ledger_is_refused_while_the_first_works_and_let_in_when_it_was_killed(make_program, conn):
    one, other = make_program("one", LEDGER="file"), make_program("other", LEDGER="file")
    one.start().until_working()
    other.start("--join")
    reported = other.until(lambda report: report["conditions"], "a condition")
    (condition,) = reported["conditions"]
    assert (condition["kind"], "the host one (heard " in condition["why"]) == ("hosts", True)
    assert other.ended() == 78
    assert "stop it, or start both with `sluicegate run --join`" in other.tail()
    assert conn.execute("SELECT name FROM hosts").fetchall() == [("one",)]
    one.kill()  # it is silent from now on, and its workers end with it
    third = make_program("third", LEDGER="file").start()  # which waits longer than that counts as alive
    third.until_working()
    assert third.stop() == 0
    assert conn.execute("SELECT name FROM hosts WHERE left_at IS NOT NULL").fetchall() == [("third",)]


@pytest.mark.kill
def test_a_run_that_joins_is_found_by_commands_whose_settings_do_not_say_so(make_program):
    program = make_program("one", LEDGER="")
    program.start("--join").until_working()
    wait_until(lambda: len(make_program.spoiler.calls("/product")) >= 1, "a batch", explain=program.tail)
    assert dumped(program)["synced"]
    assert program.status()[0]["ledger"]["synced"]
    assert program.stop() == 0, program.tail()
    assert not (program.state / "ledger").exists()


def test_nobody_joins_the_embedded_database(tmp_path):
    done = Program(tmp_path).command("run", "--join")
    assert (done.returncode, "a database that all of them reach" in done.stderr) == (78, True)


@pytest.fixture
def two_hosts(make_program):
    """Two joined hosts at work, `one` and `other`."""
    programs = [make_program(name, METRICS_PORT="0") for name in ("one", "other")]
    for program in programs:
        program.start().until_working()
    return programs


def hosts_of(program):
    return {one["name"]: one["state"] for one in program.now()["hosts"]}


@pytest.mark.kill
def test_a_host_that_dies_makes_the_other_degraded_until_it_is_back(two_hosts):
    one, other = two_hosts
    wait_until(lambda: hosts_of(one) == {"one": "alive", "other": "alive"}, "both hosts", explain=one.tail)
    assert "sluicegate_host_up" in requests.get(f"{one.report()['supervisor']['http']}/metrics", timeout=LIMIT_S).text
    other.kill()
    (condition,) = one.until(lambda report: report["conditions"], "a condition")["conditions"]
    assert (condition["kind"], "the host other is silent" in condition["why"]) == ("hosts", True)
    ready = requests.get(f"{one.report()['supervisor']['http']}/readyz", timeout=LIMIT_S)
    assert (ready.status_code, "the host other is silent" in ready.text) == (200, True)
    assert one.command("status").returncode == 3
    other.start().until_working()
    one.until(lambda report: not report["conditions"], "the end of the condition")
    wait_until(lambda: one.records("condition_over"), "the end in the log", explain=one.tail)


@pytest.mark.kill
def test_a_host_is_drained_by_an_order_here_or_from_another_host_and_works_again(two_hosts, make_program, conn):
    one, other = two_hosts
    done = other.command("drain")
    assert (done.returncode, "drained: no call is under way here" in done.stdout) == (0, True), done.stderr
    assert conn.execute("SELECT left_at IS NOT NULL FROM hosts WHERE name = 'other'").fetchall() == [(True,)]
    reported = other.report()
    assert reported["supervisor"]["state"] == "drained"
    assert not any(worker["pid"] for worker in reported["workers"])
    assert other.status()[1] == 3
    wait_until(lambda: hosts_of(one) == {"one": "alive"}, "one host", explain=one.tail)
    assert not one.report()["conditions"]
    assert other.command("restart", "upsert-0").returncode == 1
    assert other.command("resume", "upsert").returncode == 1
    assert other.command("resume", "all").returncode == 0
    other.until_working()
    wait_until(lambda: hosts_of(one) == {"one": "alive", "other": "alive"}, "both hosts", explain=one.tail)

    assert one.command("drain", "other").returncode == 0
    other.until(lambda report: report["supervisor"]["state"] == "drained", "the drain")
    assert [program.stop() for program in (one, other)] == [0, 0]
    books = dumped(one)
    assert books["leases"] == []
    assert sorted(asked(make_program.spoiler)) == sorted(set(asked(make_program.spoiler)))
