"""Orders to a running supervisor: restart, pause, scale, floors and shares, and what signals change."""

from __future__ import annotations

import json
import signal
import socket

import pytest

from supervisor.control.protocol import Pause, line_of
from supervisor.control.server import address
from tests.fakes.program.cli_program import Program, pids
from tests.fakes.waiting import wait_until


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """One supervisor for all that can be asked of it while it runs."""
    one = Program(tmp_path_factory.mktemp("control"), METRICS_PORT="0")
    one.start().until_working()
    yield one
    assert one.stop() == 0, one.tail()
    assert [path for path in one.state.iterdir() if path.is_socket()] == []
    one.kill()


def worker(report, name):
    return next(child for child in report["workers"] if f"{child['role']}-{child['slot']}" == name)


def said(done, code=0):
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout if code == 0 else done.stderr


def test_line_58_restart_gives_a_fresh_process_at_once_and_counts_nothing(program):
    report = program.now()
    before, restarts, deaths = pids(report), worker(report, "backfill-0")["restarts"], report["deaths"]
    words = said(program.command("restart", "backfill-0"))
    after = program.now()
    assert pids(after)["backfill-0"] != before["backfill-0"]
    assert words == f"backfill-0: restarted, pid {before['backfill-0']} is now {pids(after)['backfill-0']}\n"
    assert (worker(after, "backfill-0")["restarts"], after["deaths"]) == (restarts, deaths)
    wait_until(lambda: [death["cause"] for death in program.records("died")][-1:] == ["restarted"], "the line of it")
    assert pids(after)["upsert-0"] == before["upsert-0"]


@pytest.mark.kill
def test_line_58_what_is_paused_stays_so_over_deaths_reloads_and_new_starts(program):
    said(program.command("pause", "backfill"))
    assert worker(program.now(), "backfill-0")["state"] == "paused"
    said(program.command("reload"))
    assert "paused" in said(program.command("restart", "backfill-0"), 1)
    assert "paused" in said(program.command("retry", "backfill-0"), 1)
    status = program.command("status", "--json")
    assert (status.returncode, json.loads(status.stdout)["paused"]) == (3, ["backfill"])
    assert "resume" in program.command("status").stdout
    program.kill()
    program.start()
    report = program.until(lambda r: r["workers"] and worker(r, "upsert-0")["state"] == "running", "upsert")
    assert worker(report, "backfill-0")["state"] == "paused"
    wait_until(lambda: program.records("paused"), "the line of it")
    assert len(program.records("paused")) == 1
    assert not any(fault["event"] == "paused" for fault in program.now()["faults"]), "it is what somebody wanted"
    assert said(program.command("resume", "all")) == "backfill: resumed\n"
    assert worker(program.now(), "backfill-0")["state"] == "running"


def test_an_order_that_was_taken_is_carried_out_though_whoever_gave_it_is_gone(program):
    with socket.socket(socket.AF_UNIX) as client, address(program.state / "control.sock") as path:
        client.connect(path)
        client.sendall(line_of(Pause(roles=("backfill",))))
    wait_until(lambda: worker(program.now(), "backfill-0")["state"] == "paused", "the pause", explain=program.tail)
    assert said(program.command("resume", "all")) == "backfill: resumed\n"
    told = " ".join(program.command("pause", "--help").stdout.split())
    assert "an order that was accepted is still carried out" in told


def test_line_58_all_may_be_paused_and_nobody_gives_up(program):
    deaths = program.now()["deaths"]
    said(program.command("pause", "all"))
    assert {child["state"] for child in program.now()["workers"]} == {"paused"}
    said(program.command("resume", "all"))
    report = program.now()
    assert {child["state"] for child in report["workers"]} == {"running"}
    assert report["deaths"] == deaths


def test_line_58_the_number_of_workers_changes_and_the_highest_go_first(program):
    deaths = program.now()["deaths"]
    first = pids(program.now())["backfill-0"]
    assert "BACKFILL_WORKERS 1 -> 3" in said(program.command("scale", "backfill", "3"))
    assert {"backfill-0", "backfill-1", "backfill-2"} <= set(pids(program.now()))
    said(program.command("scale", "backfill", "0"))
    assert {child["role"] for child in program.now()["workers"]} == {"upsert"}
    said(program.command("scale", "backfill", "1"))
    report = program.now()
    assert pids(report)["backfill-0"] != first
    assert report["deaths"] == deaths
    assert "from 0 to 16" in said(program.command("scale", "backfill", "17"), 78)


def test_line_37_signals_change_the_number_by_one_never_below_zero_and_a_reload_keeps_it(program):
    def count(number):
        found = wait_until(
            lambda: sum(child["role"] == "backfill" for child in program.now()["workers"]) == number,
            f"{number} backfill workers",
        )
        assert found

    program.signal(signal.SIGTTIN)
    count(2)
    program.signal(signal.SIGHUP)
    said(program.command("reload"))
    count(2)
    for left in (1, 0, 0):
        program.signal(signal.SIGTTOU)
        count(left)
    said(program.command("reload"))  # done after what was asked for before
    count(0)
    said(program.command("scale", "backfill", "1"))


def test_line_37_usr1_writes_a_line_of_status(program):
    before = len(program.records("progress"))
    program.signal(signal.SIGUSR1)
    wait_until(lambda: len(program.records("progress")) > before, "a line of status")
    assert "upsert" in program.records("progress")[-1]["gates"]


def test_line_58_floors_and_shares_are_the_ledgers_at_once_and_what_is_wrong_changes_nothing(program):
    before = program.now()["overrides"]
    words = said(program.command("set", "BACKFILL_FLOOR=200", "UPSERT_SHARE=0.4"))
    assert (
        words
        == "BACKFILL_FLOOR 150 -> 200, UPSERT_SHARE 0.5 -> 0.4, until the supervisor ends (what .env sets stays)\n"
    )
    tiers = {tier["name"]: tier for tier in json.loads(program.command("ledger", "dump", "--json").stdout)["tiers"]}
    assert (tiers["backfill"]["floor"], tiers["upsert"]["share"]) == (200, 0.4)
    assert "lower them to less than 1" in said(program.command("set", "BACKFILL_SHARE=0.9"), 78)
    assert "no setting is called" in said(program.command("set", "BACKFILL_FLOR=1"), 2)
    assert "NAME=VALUE" in said(program.command("set", "BACKFILL_FLOOR"), 2)
    assert "start again" in said(program.command("set", "STATE_DIR=/elsewhere"), 2)
    assert json.loads(program.command("status", "--json").stdout)["overrides"]["BACKFILL_FLOOR"] == "200"
    words = said(program.command("set", "BACKFILL_FLOOR=", "UPSERT_SHARE=0.3"))
    assert words.endswith(", until the supervisor ends (what .env sets stays); as configured: BACKFILL_FLOOR\n")
    words = said(program.command("set", "BACKFILL_FLOOR=", "UPSERT_SHARE="))
    assert words == "UPSERT_SHARE 0.3 -> 0.5, as configured\n"
    assert program.now()["overrides"] == before


def test_an_order_that_cannot_be_is_answered_and_is_no_fault_of_the_run(program):
    before = program.now()["faults"]  # as they are, and not as they were written last
    assert "no setting is called FOO" in said(program.command("set", "FOO=1"), 2)
    assert "BACKFILL_FLOR (is BACKFILL_FLOOR meant?)" in said(program.command("set", "BACKFILL_FLOR=1"), 2)
    assert "no worker is called 'foo'" in said(program.command("restart", "foo"), 2)
    refused = said(program.command("set", "BACKFILL_FLOOR=many"), 78)
    assert refused.startswith("sluicegate: refused, nothing was changed: BACKFILL_FLOOR: 'many' cannot be used; ")
    assert refused.count("\n") == 1, "one fault, one line"
    assert "configuration" not in refused
    assert "nothing to retry" in said(program.command("retry", "upsert-0"), 1)
    assert program.now()["faults"] == before


def test_a_floor_that_the_plan_does_not_allow_is_answered_with_what_is_used(program):
    words = said(program.command("set", "BACKFILL_FLOOR=99999"))
    assert "BACKFILL_FLOOR 150 -> 99999" in words
    assert "BACKFILL_FLOOR 99999 is more than a plan of 20 tokens a refill allows: 600 is used" in words
    assert "allows" not in said(program.command("set", "UPSERT_SHARE=0.4"))
    said(program.command("set", "BACKFILL_FLOOR=", "UPSERT_SHARE="))


def test_line_59_retry_and_a_reload_bring_back_what_was_given_up_and_keep_its_deaths(program):
    before = program.now()["deaths"]
    ledger, aside = program.state / "ledger", program.state / "ledger.aside"

    def spoil():
        ledger.rename(aside)
        ledger.write_bytes(b"no ledger" * 1_000)  # a worker that finds this ends with 78, which is hopeless

    def mend():
        aside.replace(ledger)

    spoil()
    assert "cannot be kept running" in said(program.command("restart", "backfill-0"), 1)
    assert worker(program.now(), "backfill-0")["state"] == "failed"
    assert "cannot be kept" in said(program.command("retry", "backfill-0"), 1)
    mend()
    assert "its restart count reset" in said(program.command("retry", "backfill-0"))
    report = program.now()
    assert worker(report, "backfill-0")["deaths_in_period"] == 0
    assert [(death["slot"], death["code"]) for death in report["deaths"][len(before) :]] == [(0, 78), (0, 78)]
    assert "nothing to retry" in said(program.command("retry", "backfill-0"), 1)
    spoil()
    said(program.command("restart", "backfill-0"), 1)
    mend()
    assert "started again: backfill-0" in said(program.command("reload"))
    report = program.now()
    assert worker(report, "backfill-0")["state"] == "running"
    assert len(report["deaths"]) == len(before) + 3


def test_line_58_who_is_not_there_cannot_be_restarted(program):
    assert "there are: upsert-0, backfill-0" in said(program.command("restart", "backfill-7"), 2)
    said(program.command("pause", "simulator"), 2)


def test_line_58_orders_to_nobody_exit_4(tmp_path):
    assert ": start one with `sluicegate run`\n" in said(Program(tmp_path).command("pause", "all"), 4)
