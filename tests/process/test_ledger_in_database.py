"""`sluicegate run` with its ledger in the database: one budget for two state directories, as for two hosts."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.fakes.cli_program import ROOT, Program
from tests.fakes.waiting import wait_until

KEY = "k" * 20
ENOUGH = 6


@pytest.fixture
def make_program(tmp_path, database_url, make_spoiled):
    """Makes programs with one key, one server and one database, each with a state directory of its own."""
    spoiler = make_spoiled(keys=frozenset({KEY}), rate=20, tick_s=0.5, deals=20_000, market_minute=8_300_000)
    made = []

    def make(name):
        folder = tmp_path / name
        folder.mkdir()
        program = Program(
            folder, KEEPA_API_KEY=KEY, KEEPA_BASE_URL=spoiler.url, TICK_PERIOD_S="0.5", UPSERT_DETAIL="none",
            DATABASE_URL=database_url, LEDGER="database", HOST_NAME=name,
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
    assert sorted(asked(make_program.spoiler)) == sorted(set(asked(make_program.spoiler)))
    assert len({entry["host"] for entry in books["journal"] if entry["host"]}) == 2
    assert conn.execute("SELECT count(*) FROM hosts WHERE left_at IS NULL").fetchone() == (0,)


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
