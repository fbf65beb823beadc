"""Another configuration while it runs (checklist line 36): a bad one changes nothing, a changed worker is replaced."""

from __future__ import annotations

import json
import signal

import pytest

from tests.fakes.program.cli_program import Program, pids
from tests.fakes.waiting import wait_until

KEY = "aSecretOfTheirs".ljust(64, "0")


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """One supervisor, started in a folder that has an `.env` of its own."""
    folder = tmp_path_factory.mktemp("reload")
    one = Program(folder, BACKFILL_WORKERS="2", LOG_LEVEL="", METRICS_PORT="0")
    one.cwd = folder
    one.write = lambda *lines: (folder / ".env").write_text("\n".join(("LOG_LEVEL=debug", *lines)) + "\n")
    one.write()
    one.start().until_working()
    yield one
    assert one.stop() == 0, one.tail()
    one.kill()


@pytest.fixture
def program(running):
    """That supervisor, with nothing set and nothing ordered, whichever tests ran before."""
    running.write()
    assert running.command("reload").returncode == 0
    for name in running.now()["overrides"]:
        assert running.command("set", f"{name}=").returncode == 0
    return running


def hang_up(program):
    """The answer to SIGHUP, as the log has it."""
    before = len(program.records("answer"))
    program.signal(signal.SIGHUP)
    wait_until(lambda: len(program.records("answer")) > before, "an answer", explain=program.tail)
    return program.records("answer")[-1]


def test_line_36_a_bad_configuration_changes_nothing_and_one_message_names_every_fault(program):
    before = pids(program.now())
    program.write("BACKFILL_FLOOR=200", "UPSERT_WORKERS=many", "MAX_ATTEMPTS=0")
    told = hang_up(program)
    assert told["level"] == "warning"
    assert "2 faults" in told["message"]
    assert "UPSERT_WORKERS" in told["message"]
    assert "MAX_ATTEMPTS" in told["message"]
    assert program.command("reload").returncode == 78
    assert pids(program.now()) == before
    assert program.now()["overrides"] == {}
    program.write()
    dump = json.loads(program.command("ledger", "dump", "--json").stdout)
    assert [tier["floor"] for tier in dump["tiers"]] == [0, 50, 150]


def test_line_36_changed_workers_are_replaced_one_at_a_time_ready_first(program):
    deaths = program.now()["deaths"]
    before = pids(program.now())
    program.write("BACKFILL_DETAIL=stats")
    assert program.command("reload").stdout == "BACKFILL_DETAIL history -> stats\n"
    after = pids(program.now())
    assert after["upsert-0"] == before["upsert-0"]
    assert not {after["backfill-0"], after["backfill-1"]} & set(before.values())
    pairs = {*before.values(), *after.values()}

    def told():
        story = [one for one in program.records("in_service") + program.records("died") if one["pid"] in pairs]
        story.sort(key=lambda one: one["ts"])
        return [one for one in story if one["role"] == "backfill"][2:]  # after the first two starts

    wait_until(lambda: len(told()) >= 4, "four lines", explain=program.tail)
    story = told()
    assert [one["event"] for one in story] == ["in_service", "died", "in_service", "died"]
    assert [one["slot"] for one in story] == [0, 0, 1, 1]
    assert {one["cause"] for one in story if one["event"] == "died"} == {"stopped"}
    assert program.now()["deaths"] == deaths


def test_line_36_one_that_never_gets_ready_replaces_nobody(program):
    before = pids(program.now())
    ledger, aside = program.state / "ledger", program.state / "ledger.aside"
    ledger.rename(aside)
    ledger.write_bytes(b"no ledger" * 1_000)  # a worker that finds this ends with 78
    program.write("UPSERT_DETAIL=none")
    program.signal(signal.SIGHUP)
    wait_until(lambda: program.records("not_replaced"), "the end of the attempt", explain=program.tail)
    aside.replace(ledger)
    assert "upsert-0 stays as it is" in program.records("not_replaced")[0]["message"]
    assert pids(program.now()) == before
    program.write()
    assert "UPSERT_DETAIL none -> stats" in hang_up(program)["message"]


def test_line_36_what_needs_a_new_start_is_named_and_what_the_configuration_changes_wins_over_an_order(program):
    assert program.command("set", "BACKFILL_FLOOR=300").returncode == 0
    program.write("SIMULATOR_SEED=7", f"KEEPA_API_KEY={KEY}")
    told = hang_up(program)["message"]
    assert "KEEPA_API_KEY, SIMULATOR_SEED need a new start" in told
    assert program.now()["overrides"] == {"BACKFILL_FLOOR": "300"}
    program.write("BACKFILL_FLOOR=250")
    assert "BACKFILL_FLOOR 300 -> 250" in hang_up(program)["message"]
    assert program.now()["overrides"] == {}
    assert KEY not in program.log()
