"""`notify`, and the process that sends messages, with a receiver at the far end."""

import dataclasses
import json
import os
import signal
import sys

import pytest

from tasks.simulator.config import SimulatorConfig
from tasks.simulator.server import SimulatorServer
from tests.fakes.program.cli_program import Program, freeze, of_process
from tests.fakes.receiver import SECRET, is_signed, receiving
from tests.fakes.waiting import wait_until

KEY = "k3y" * 21 + "k"
RULE = 'deals = ["new", "drop", "rise", "back"]\nto = ["web"]\nat_most = 1000\n'


@pytest.fixture
def far():
    with receiving() as (receiver, url):
        receiver.url = url
        yield receiver


@pytest.fixture
def program(tmp_path):
    one = Program(tmp_path)
    yield one
    one.kill()


def rules(folder, url, text=RULE, more=""):
    """A folder of rules with one target, which is a webhook."""
    where = folder / "rules"
    where.mkdir(exist_ok=True)
    (where / "all.toml").write_text(text)
    targets = where / "targets.toml"
    targets.write_text(f'[web]\nurl = "{url}"\nsecret = "{SECRET}"\n{more}')
    targets.chmod(0o600)
    return str(where)


def figures(report):
    """What is told of the messages to the target: sent, refused, waiting, and when the oldest was made."""
    job = next(one["job"] for one in report["services"] if one["role"] == "notify")
    return job.get("targets", {"web": [0, 0, 0, 0.0]})["web"]


def calls(report):
    """How many calls for deals were answered."""
    return sum(report["calls"].get("/deal", {"statuses": {}})["statuses"].values())


def test_a_test_message_says_of_each_target_whether_it_was_accepted(program, far, tmp_path):
    out = tmp_path / "out"
    script = f"import sys; open({str(out)!r}, 'w').write(sys.stdin.read())"
    more = f"[program]\ncommand = {json.dumps([sys.executable, '-c', script])}\n[broken]\ncommand = ['false']\n"
    where = rules(tmp_path, far.url, more=more)
    done = program.command("notify", "test", "web", "program", RULES=where)
    assert (done.returncode, done.stdout) == (0, "web: accepted\nprogram: accepted\n")
    assert is_signed(*far.accepted[0])
    assert json.loads(out.read_text())["data"]["notices"][0]["type"] == "test"
    done = program.command("notify", "test", RULES=where)
    assert done.returncode == 1
    assert "broken: the command ended with exit code 1, and 0 was expected" in done.stdout
    far.status = 503
    done = program.command("notify", "test", "web", "--json", RULES=where)
    told = json.loads(done.stdout)["targets"]
    assert told == [
        {"target": "web", "accepted": False, "why": "it answered with HTTP status 503, and 200 to 299 was expected"}
    ]


def test_apprise_carries_a_message_and_says_nothing_of_the_address(program, far, tmp_path):
    port = far.url.split(":")[2].partition("/")[0]
    where = rules(tmp_path, f"json://user:hunter22@127.0.0.1:{port}/x")
    (tmp_path / "rules" / "targets.toml").write_text(f'[web]\nurl = "json://user:hunter22@127.0.0.1:{port}/x"\n')
    done = program.command("notify", "test", RULES=where)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(far.accepted[0][1])["title"] == "Sluicegate reaches you here."
    far.status = 401
    done = program.command("notify", "test", RULES=where)
    assert done.stdout == "web: the service did not accept it, HTTP status 401\n"
    assert "hunter22" not in done.stdout + done.stderr


def test_every_fault_of_rules_is_told_at_once_and_no_secret_with_it(program, tmp_path):
    where = rules(tmp_path, "nowhere-s3cr3t", text='deals = "sale"\nto = "fax"\n')
    done = program.command("notify", "check", RULES=where)
    assert done.returncode == 78
    assert "all.toml: deals: 'sale' is none of new, drop, rise, back" in done.stderr
    assert "targets.toml: [web]: url: expected one such as https://host/path" in done.stderr
    assert "s3cr3t" not in done.stderr
    where = rules(tmp_path, "https://x/", text='deals = "new"\nto = "fax"\n')
    done = program.command("run", RULES=where)
    assert done.returncode == 78
    assert "all.toml: to: no target is called 'fax'; targets.toml has web" in done.stderr
    (tmp_path / "rules" / "targets.toml").write_text("[web]\nurl = s3cr3t\n")
    done = program.command("notify", "check", RULES=where)
    assert "targets.toml is no TOML: there is a fault at line 2, column 7" in done.stderr
    assert "s3cr3t" not in done.stderr
    done = program.command("notify", "list")
    assert (done.returncode, done.stdout) == (78, "")
    assert "RULES is not set" in done.stderr


@pytest.mark.kill
def test_a_run_tells_of_deals_and_of_a_target_that_refuses_and_goes_on_without_the_process(program, far, tmp_path):
    where = rules(tmp_path, far.url)
    program.start(RULES=where)
    program.until_working()
    wait_until(far.accepted.__len__, "a message", explain=program.tail)
    assert all(is_signed(headers, body) for headers, body in list(far.accepted))
    assert far.notices()[0]["type"] == "deal"
    far.status = 410
    found = program.until(lambda r: [c for c in r["conditions"] if c["kind"] == "notify"], "the refusal")
    why = next(one["why"] for one in found["conditions"] if one["kind"] == "notify")
    assert why.startswith("web has accepted no message since ")
    assert "HTTP status 410" in why
    assert program.status()[1] == 3
    program.until(lambda r: all(figures(r)[:3]), "figures of what was sent, refused and waits")
    listed = json.loads(program.command("notify", "list", "--json", RULES=where).stdout)["targets"]
    assert listed[0]["why"] == "it answered with HTTP status 410, and 200 to 299 was expected"
    far.status = 200
    program.until(lambda r: not [c for c in r["conditions"] if c["kind"] == "notify"], "its end")
    pid = next(child["pid"] for child in program.report()["services"] if child["role"] == "notify")
    assert b"s3cr3t" not in of_process(pid, "cmdline") + of_process(pid, "environ")
    before = calls(program.until(calls, "calls"))
    os.kill(pid, signal.SIGKILL)
    program.until(lambda r: calls(r) > before + 1, "calls that are made all the same")
    program.until(
        lambda r: [c for c in r["services"] if c["role"] == "notify" and c["state"] == "running" and c["pid"] != pid],
        "another process",
    )
    assert program.stop() == 0
    everything = program.log() + (program.state / "status.json").read_text()
    assert "s3cr3t" not in everything
    assert SECRET not in everything


@pytest.mark.kill
def test_a_rule_that_fires_during_a_kill_of_everything_tells_once(program, far, tmp_path):
    where = rules(tmp_path, far.url)
    program.start(RULES=where)
    far.may_answer.clear()
    assert far.came.wait(180), program.tail()  # a message is under way now
    os.killpg(program.process.pid, signal.SIGKILL)
    program.process.wait()
    far.may_answer.set()
    wait_until(far.accepted.__len__, "the message that was under way")
    under_way = far.ids()
    program.start(RULES=where)
    program.until_working()
    wait_until(lambda: len(far.accepted) > len(under_way) + 5, "more messages", explain=program.tail)
    assert program.stop() == 0
    ids = far.ids()
    repeated = {one for one in ids if ids.count(one) > 1}
    assert repeated <= set(under_way)  # what was being sent at that instant, and its id shows that
    once = {headers["webhook-id"]: body for headers, body in far.accepted}
    events = [
        (notice["asin"], notice["domain"], notice["event"], notice["price"])
        for body in once.values()
        for notice in json.loads(body)["data"]["notices"]
    ]
    assert len(events) == len(set(events))


@pytest.mark.kill
def test_alarms_come_while_the_database_is_away_and_their_end_too(program, far, tmp_path):
    where = rules(tmp_path, far.url, text='alarms = ["degraded"]\ndegraded_for = "1s"\nto = "web"\n')
    program.start(RULES=where)
    report = program.until_working()
    pid = next(child["pid"] for child in report["services"] if child["role"] == "database")
    freeze(pid)
    wait_until(lambda: [one for one in far.notices() if not one["is_over"]], "the alarm", explain=program.tail)
    os.kill(pid, signal.SIGCONT)
    wait_until(lambda: [one for one in far.notices() if one["is_over"]], "its end", explain=program.tail)
    assert far.notices()[0]["alarm"] == "degraded"
    assert program.stop() == 0


def test_a_run_whose_database_never_comes_up_tells_that(program, far, tmp_path):
    where = rules(tmp_path, far.url, text='alarms = ["degraded"]\ndegraded_for = "1s"\nto = "web"\n')
    away = "postgresql://somebody@127.0.0.1:1/nowhere"
    program.start("--synthetic-into-database", RULES=where, DATABASE_URL=away)
    wait_until(far.notices, "the alarm", explain=program.tail)
    told = far.notices()[0]
    assert (told["alarm"], told["is_over"]) == ("degraded", False)
    assert told["words"].startswith("database: ")
    assert program.stop() == 0


def test_a_run_that_ends_because_there_will_be_no_database_tells_why(program, far, tmp_path):
    where = rules(tmp_path, far.url, text='alarms = ["failed"]\nto = "web"\n')
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("initdb", "postgres", "pg_ctl", "psql", "pg_dump", "pg_restore", "pg_controldata"):
        (programs / name).write_text("#!/bin/sh\n[ $1 = --version ] && echo 'postgres (PostgreSQL) 18.0'\nexit 1\n")
        (programs / name).chmod(0o755)
    program.start(RULES=where, POSTGRES_BIN_DIR=str(programs))
    assert program.ended() != 0
    words = [one["words"] for one in far.notices()]
    assert words, program.tail()
    assert words[-1].startswith("the run has ended: no database: ")


@pytest.mark.kill
def test_a_key_that_is_refused_later_is_told_before_the_run_ends(program, far, tmp_path):
    where = rules(tmp_path, far.url, text='alarms = ["key"]\nto = "web"\n')
    config = SimulatorConfig(keys=frozenset({KEY}), rate=60, tick_s=0.5)
    with SimulatorServer(config) as server:
        program.start(KEEPA_API_KEY=KEY, KEEPA_BASE_URL=server.url, RULES=where, TICK_PERIOD_S="0.5")
        program.until_working()
        server.service._config = dataclasses.replace(config, keys=frozenset({"another"}))
        assert program.ended() == 77
    told = [one["words"] for one in far.notices()]
    assert told
    assert "refuse" in told[-1]
    assert KEY not in "".join(told)
