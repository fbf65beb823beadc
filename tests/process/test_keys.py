"""Several keys in one run: each with its ledger, one that lapses alone, and no key text anywhere."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest
import requests

from ledger import TokenLedger
from tasks.simulator.config import SimulatorConfig
from tasks.simulator.server import SimulatorServer
from tasks.store.connection import connect
from tests.fakes.program.cli_program import Program, pids
from tests.fakes.waiting import LIMIT_S, wait_until

RATES = {"agency": 2, "client-a": 3, "client-b": 4}


def text_of(name):
    """A key that no word of the program has in it."""
    return f"zq{name.replace('-', '')}".ljust(64, "7")


@pytest.fixture
def folder(tmp_path):
    """Three keys, of which the first alone lists anything."""
    made = tmp_path / "keys"
    made.mkdir()
    for name in RATES:
        path = made / f"{name}.env"
        path.write_text(f"KEEPA_API_KEY={text_of(name)}\n")
        path.chmod(0o600)
    return made


@pytest.fixture
def simulator():
    rates = {text_of(name): rate for name, rate in RATES.items()}
    with SimulatorServer(SimulatorConfig(key_rates=rates, tick_s=1.0, deals=8_000, start_balance=10)) as server:
        yield server


@pytest.fixture
def program(tmp_path, folder, simulator):
    one = Program(
        tmp_path, KEYS=str(folder), KEEPA_BASE_URL=simulator.url, TICK_PERIOD_S="1", BACKFILL_DETAIL="stats",
        BACKFILL_FLOOR="0", UPSERT_FLOOR="0", METRICS_PORT="0", BACKFILL_WORKERS="1",
    )  # fmt: skip
    yield one
    one.kill()


def spent(simulator):
    return {name: simulator.service.accounts[text_of(name)].report()["spent"] for name in RATES}


def hides_them(data):
    return not any(text_of(name).encode() in data or text_of(name)[:20].encode() in data for name in RATES)


def of_process(pid):
    return b"".join((Path("/proc") / str(pid) / name).read_bytes() for name in ("cmdline", "environ"))


def condition_of(report, name):
    return next((one for one in report["conditions"] if one["kind"] == f"key {name}"), None)


def calls_under_way(program, name):
    """The calls with that key which the server may still charge."""
    with closing(TokenLedger.attach(program.state / f"ledger-{name}", read_only=True)) as ledger:
        return ledger.snapshot().leases


def lapse_and_come_back(program, simulator):
    """One key lapses, the others go on; it is told, and so is its end."""
    simulator.control(lapsed=[1])
    lapsed = program.until(lambda r: condition_of(r, "client-a"), "the condition")
    # The other process may have been let in just before, and is charged when its answer is made.
    wait_until(lambda: not calls_under_way(program, "client-a"), "the end of its calls", explain=program.tail)
    before = spent(simulator)
    status, code = program.status()
    assert (code, status["healthy"]) == (3, False)
    told = {one["name"]: one for one in status["keys"]}
    assert told["client-a"]["refused"]["since"] == condition_of(lapsed, "client-a")["since"]
    assert told["agency"]["refused"] is None
    assert told["client-b"]["ledger"]["bucket"]["refill_rate"] == RATES["client-b"]
    wait_until(
        lambda: all(spent(simulator)[name] > before[name] for name in ("agency", "client-b")),
        "the others to go on",
        explain=program.tail,
    )
    assert spent(simulator)["client-a"] == before["client-a"]

    simulator.control(lapsed=[])
    for name in ("upsert-0", "backfill-0"):  # whoever renewed it need not wait for the next question
        assert program.command("restart", name).returncode == 0
    program.until(lambda r: condition_of(r, "client-a") is None, "its end")
    wait_until(lambda: spent(simulator)["client-a"] > before["client-a"], "it to be spent again", explain=program.tail)
    assert [one["kind"] for one in program.records("condition_over") if one["kind"].startswith("key")]


def in_database(program):
    """All that is in the database, as text; which keys have paid is compared on the way."""
    with connect(program.report()["run"]["database_url"], application_name="test", autocommit=True) as conn:
        paid = conn.execute("SELECT account FROM calls WHERE cost > 0 GROUP BY 1").fetchall()
        assert {name for (name,) in paid} == set(RATES)
        tables = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname !~ '^(pg|sql)_'"
        for (table,) in conn.execute(tables).fetchall():
            for (row,) in conn.execute(f'SELECT t::text FROM "{table}" AS t'):
                yield row.encode()


def bought(simulator):
    accounts = [simulator.service.accounts[text_of(name)].report() for name in RATES]
    calls = [call for account in accounts for call in account["log"]]
    return [
        asin for call in calls if call["endpoint"] == "/product" and call["status"] == 200 for asin in call["asins"]
    ]


@pytest.mark.kill
def test_three_keys_are_spent_by_two_processes_and_one_of_them_lapses(program, simulator):
    running = program.start().until_working()
    wait_until(lambda: min(spent(simulator).values()) > 0, "every key to be spent", explain=program.tail)
    seen = [of_process(pid) for pid in pids(running).values()]
    lapse_and_come_back(program, simulator)

    url = program.report()["supervisor"]["http"]
    metrics = requests.get(f"{url}/metrics", timeout=LIMIT_S).text
    for name in RATES:
        assert f'sluicegate_tokens_balance{{key="{name}"}}' in metrics
    seen += [metrics.encode(), requests.get(f"{url}/status.json", timeout=LIMIT_S).content]
    for command in (("status",), ("ledger", "dump", "--key", "client-b"), ("doctor",), ("spend", "--by", "key")):
        done = program.command(*command)
        seen.append((done.stdout + done.stderr).encode())
    seen += in_database(program)
    assert program.stop() == 0
    assert len(bought(simulator)) == len(set(bought(simulator))), "a product was paid for twice"
    seen += [path.read_bytes() for path in program.folder.rglob("*") if path.is_file() and path.suffix != ".env"]
    assert all(map(hides_them, seen))


def test_faults_of_all_keys_are_told_at_once_and_without_a_word_of_a_key(program, folder):
    (folder / "client-a.env").chmod(0o644)
    (folder / "client-b.env").write_text(f"KEEPA_API_KEY={text_of('agency')}\nBACKFILL_FLOOR=many\nFLOOR=1\n")
    done = program.command("run")
    assert done.returncode == 78
    for words in (
        "can be read by others",
        "`chmod 600",
        "BACKFILL_FLOOR cannot be used",
        "FLOOR: the file of a key has",
    ):
        assert words in done.stderr, done.stderr
    assert hides_them((done.stdout + done.stderr).encode())


def test_the_ledger_of_each_key_is_a_file_of_its_own(program):
    done = program.command("ledger", "dump", "--key", "client-a", "--json")
    assert done.returncode == 1
    assert "ledger-client-a" in done.stderr
    assert json.loads(program.command("doctor", "--json").stdout)
