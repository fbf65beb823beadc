"""`sluicegate doctor`: every check is told, what is wrong is named, nothing is changed."""

from __future__ import annotations

import importlib.metadata
import json
import os
import stat
import time

import psycopg
import pytest

from supervisor.cli.doctor import examine
from supervisor.database import backend
from supervisor.doctor import findings
from tasks.secret import Secret
from tasks.simulator.config import SimulatorConfig
from tasks.simulator.server import SimulatorServer
from tests.fakes.program.cli_program import Program

KEY = "a-key-that-must-show-nowhere-0123456789"


@pytest.fixture
def program(tmp_path):
    return Program(tmp_path)


def doctor(program, **settings):
    """The exit code, and the findings by the name of their check."""
    done = program.command("doctor", "--json", **settings)
    assert KEY not in done.stdout + done.stderr
    assert done.stderr == ""
    told = json.loads(done.stdout)
    assert set(told) == {"format", "ok", "checks"}
    assert [set(one) for one in told["checks"]] == [{"check", "verdict", "words", "data"}] * len(findings.CHECKS)
    assert [one["check"] for one in told["checks"]] == list(findings.CHECKS)
    assert (done.returncode, told["ok"]) in {(0, True), (1, False)}
    return done.returncode, {one["check"]: one for one in told["checks"]}


def test_without_a_key_the_rest_is_checked_and_nothing_is_made(program):
    code, found = doctor(program, UPSERT_WORKERS="2")
    assert code == 0
    assert found["packages"]["verdict"] == "ok"
    assert "no KEEPA_API_KEY" in found["api"]["words"]
    assert found["configuration"]["data"]["settings"]["UPSERT_WORKERS"] == {"value": 2, "source": "environment"}
    assert found["configuration"]["data"]["settings"]["STOP_S"] == {"value": 30.0, "source": "default"}
    assert "created at the first start" in found["state"]["words"]
    assert not program.state.exists()
    lines = program.command("doctor").stdout.splitlines()
    assert [line.split()[1] for line in lines] == list(findings.CHECKS)


def test_with_a_key_one_reading_tells_the_plan_the_floors_and_the_clock(program):
    ahead_ms = round((time.time() + 7200) * 1000)
    config = SimulatorConfig(keys=frozenset({KEY}), rate=1, start_unix_ms=ahead_ms, start_balance=7, phase_s=3_600)
    with SimulatorServer(config) as server:
        code, found = doctor(program, KEEPA_API_KEY=KEY, KEEPA_BASE_URL=server.url, DATABASE_URL="")
    assert code == 0
    assert found["api"]["data"] == {
        "refill_rate": 1,
        "balance": 7,
        "capacity": 60,
        "floors": {"upsert": 10, "backfill": 30},
    }
    assert found["api"]["verdict"] == "note", "floors that do not fit the plan are worth a word"
    assert "upsert's floor of 50 is lowered to 10 and backfill's floor of 150 is lowered to 30" in found["api"]["words"]
    assert -7230 < found["clock"]["data"]["ahead_s"] < -7170
    assert "behind the server's" in found["clock"]["words"]


def test_a_key_the_server_refuses_and_a_server_that_is_away_are_bad(program):
    with SimulatorServer(SimulatorConfig(keys=frozenset({"another"}))) as server:
        code, found = doctor(program, KEEPA_API_KEY=KEY, KEEPA_BASE_URL=server.url)
    assert (code, found["api"]["verdict"]) == (1, "bad")
    assert "check KEEPA_API_KEY" in found["api"]["words"]
    code, found = doctor(program, KEEPA_API_KEY=KEY, KEEPA_BASE_URL="http://127.0.0.1:1")
    assert (code, found["api"]["verdict"]) == (1, "bad")
    assert "did not answer" in found["api"]["words"]
    assert "; check KEEPA_BASE_URL, the network" in found["api"]["words"]


@pytest.mark.parametrize("part", ["header", "continue", "empty_blocks"])
def test_a_server_whose_answer_never_ends_is_bad_once_the_time_of_the_call_is_over(program, make_spoiled, part):
    spoiler = make_spoiled({"do": "drip", "part": part, "every_s": 0.05})
    times = {"CONNECT_TIMEOUT_S": "0.5", "READ_TIMEOUT_S": "0.5"}
    code, found = doctor(program, KEEPA_API_KEY=KEY, KEEPA_BASE_URL=spoiler.url, **times)
    assert code == 1
    assert found["api"]["verdict"] == "bad"
    assert "did not arrive as a whole within 1.5 s" in found["api"]["words"]


def test_a_made_up_key_is_sent_to_nobody(program):
    with SimulatorServer(SimulatorConfig()) as server:
        _, found = doctor(program, KEEPA_BASE_URL=server.url)
        assert server.control()["calls"] == {}
    assert "nothing was asked" in found["api"]["words"]


def test_every_fault_of_the_configuration_is_named_and_the_rest_says_why_it_was_not_looked_at(program):
    code, found = doctor(program, UPSERT_SHARE="lots", POLL_INTERVAL_S="-1")
    assert code == 1
    assert "UPSERT_SHARE" in found["configuration"]["words"]
    assert "POLL_INTERVAL_S" in found["configuration"]["words"]
    assert found["state"]["words"].startswith("not looked at")


def test_a_database_of_the_user_is_looked_at_and_left_as_it_is(program, empty_database_url):
    database_url = empty_database_url
    wanted = {"DATABASE_URL": database_url, "KEEPA_API_KEY": KEY, "KEEPA_BASE_URL": "http://127.0.0.1:1"}
    _, found = doctor(program, **wanted)
    assert found["database"]["verdict"] == "note"
    assert "not migrated yet" in found["database"]["words"]
    assert found["database"]["data"]["pending"][0] == "0001_reference.sql"
    assert found["rights"]["verdict"] == "ok"
    with psycopg.connect(database_url) as conn:
        assert conn.execute("select to_regclass('schema_migrations')").fetchone() == (None,)
    backend.migrate(Secret(database_url))
    _, found = doctor(program, **wanted)
    assert "schema up to date" in found["database"]["words"]
    assert found["database"]["verdict"] == "ok"
    assert found["server"]["verdict"] == "note"
    assert "ALTER SYSTEM SET fsync = on" in found["server"]["words"]
    assert found["server"]["data"]["connections"] == 100
    assert found["server"]["data"]["is_pooled"] is False


def test_a_database_user_who_may_not_write_is_told_what_to_grant(database_url):
    reader = f"reader_{os.getpid()}"
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute(f"create role {reader} login password 'p'")
        conn.execute(f"grant select on all tables in schema public to {reader}")
        conn.execute(f"grant update on products to {reader}")
    try:
        url = psycopg.conninfo.conninfo_to_dict(database_url) | {"user": reader, "password": "p"}
        seen = backend.inspect_database(
            Secret(f"postgresql://{reader}:p@/{url['dbname']}?host={url['host']}&port={url.get('port', 5432)}")
        )
    finally:
        with psycopg.connect(database_url, autocommit=True) as conn:
            conn.execute(f"drop owned by {reader}")
            conn.execute(f"drop role {reader}")
    assert seen.user == reader
    assert "DELETE, INSERT on products" in seen.lacking
    assert seen.lacking_later == ["CREATE on the schema public"]
    assert seen.grants["DELETE, INSERT on products"] == f"GRANT DELETE, INSERT ON products TO {reader}"
    assert seen.grants["CREATE on the schema public"] == f"GRANT CREATE ON SCHEMA public TO {reader}"


def test_a_state_directory_that_others_may_read_or_that_is_nearly_full_is_worth_a_note(program):
    program.state.mkdir(mode=0o755)
    program.state.chmod(0o755)
    code, found = doctor(program, SPOOL_LIMIT_MB="1000000")
    assert code == 0
    assert found["state"]["verdict"] == found["disk"]["verdict"] == "note"
    assert "chmod 700" in found["state"]["words"]
    assert stat.S_IMODE(program.state.stat().st_mode) == 0o755
    assert list(program.state.iterdir()) == []


def test_a_ledger_that_is_none_is_bad_and_is_left_alone(program):
    program.state.mkdir(mode=0o700)
    (program.state / "ledger").write_bytes(b"not a ledger" * 1000)
    code, found = doctor(program)
    assert (code, found["ledger"]["verdict"]) == (1, "bad")
    assert (program.state / "ledger").read_bytes() == b"not a ledger" * 1000


def test_a_package_that_is_too_old_or_missing_comes_before_all_else(mocker, capsys):
    real = importlib.metadata.version

    def version(name):
        if name == "requests":
            return "1.0"
        if name == "rich":
            raise importlib.metadata.PackageNotFoundError(name)
        return real(name)

    mocker.patch.object(importlib.metadata, "version", version)
    assert examine(as_json=True) == 1
    told = json.loads(capsys.readouterr().out)
    found = {one["check"]: one for one in told["checks"]}
    assert list(found) == list(findings.CHECKS)
    assert found["packages"]["verdict"] == "bad"
    assert "requests 1.0 is installed, >=2.32 is needed; rich is missing" in found["packages"]["words"]
    assert all(found[name]["words"].startswith("not looked at") for name in findings.CHECKS[3:])


def test_what_of_a_selection_the_server_will_ignore_is_worth_a_note(program, tmp_path):
    chosen = tmp_path / "odd.json"
    chosen.write_text(json.dumps({"domainId": 1, "priceTypes": [1], "currentRange": [1, 9], "isRangeEnabled": False}))
    code, found = doctor(program, SELECTIONS=str(chosen))
    assert code == 0
    assert found["selections"]["verdict"] == "note"
    assert "odd: isRangeEnabled is false: the server may ignore currentRange" in found["selections"]["words"]


def test_what_was_not_looked_at_shares_a_line_below_what_is_bad(program):
    told = program.command("doctor", UPSERT_SHARE="lots").stdout.splitlines()
    assert (
        told[-1] == f"not looked at, because what is bad above must be mended first: {', '.join(findings.CHECKS[4:])}"
    )
    assert len([line for line in told if "not looked at" in line]) == 1
    assert "UPSERT_SHARE" in told[-2]


def test_of_several_keys_each_has_its_ledger_its_plan_and_its_refusal(program, tmp_path):
    texts = {name: f"zq{name}".ljust(64, "7") for name in ("agency", "client", "lapsed")}
    folder = tmp_path / "keys"
    folder.mkdir()
    for name, text in texts.items():
        path = folder / f"{name}.env"
        path.write_text(f"KEEPA_API_KEY={text}\n")
        path.chmod(0o600)
    rates = {texts["agency"]: 5, texts["client"]: 60}
    with SimulatorServer(SimulatorConfig(key_rates=rates, start_balance=7)) as server:
        done = program.command("doctor", "--json", KEYS=str(folder), KEEPA_BASE_URL=server.url)
    assert done.returncode == 1, done.stdout
    assert not any(text[:20] in done.stdout + done.stderr for text in texts.values())
    told = json.loads(done.stdout)["checks"]
    assert list(dict.fromkeys(one["check"] for one in told)) == list(findings.CHECKS)
    asked = {one["data"]["key"]: one for one in told if one["check"] == "api"}
    assert {name: one["data"].get("refill_rate") for name, one in asked.items()} == {
        "agency": 5, "client": 60, "lapsed": None,
    }  # fmt: skip
    assert asked["lapsed"]["words"].startswith("lapsed: the server refuses this key")
    assert asked["lapsed"]["words"].endswith("check KEEPA_API_KEY in lapsed.env")
    ledgers = [one["words"] for one in told if one["check"] == "ledger"]
    assert ledgers == [f"{name}: it does not exist yet; the first start creates it" for name in texts]
