"""Several keys in one run: each with its ledger, one that lapses alone, and no key text anywhere."""

from __future__ import annotations

import json
import re
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
        BACKFILL_FLOOR="0", UPSERT_FLOOR="0", METRICS_PORT="0", BACKFILL_WORKERS="1", WEB_PORT="0",
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


def told_by_metrics(url):
    """What `/metrics` says of each key: by the name of the figure, of the key and of the tier, which may be empty."""
    text = requests.get(f"{url}/metrics", timeout=LIMIT_S).text
    line = re.compile(r'sluicegate_(\w+)\{key="([^"]+)"(?:,tier="(\w+)")?\} (\S+)')
    return {(name, key, tier or ""): float(value) for name, key, tier, value in line.findall(text)}


def told_by_page(program, name):
    """What the page shows of the key, as it stands in its texts and in its chart."""
    url = program.report()["supervisor"]["web"]
    token = (program.state / "web.token").read_text().strip()
    headers = {"Authorization": f"Bearer {token}"}
    reply = requests.get(f"{url}/live.json", params={"key": name}, headers=headers, timeout=LIMIT_S)
    assert hides_them(reply.content)
    return reply.json()


def paid_by_table(program):
    with connect(program.report()["run"]["database_url"], application_name="test", autocommit=True) as conn:
        rows = conn.execute("SELECT account, tier, sum(cost)::int FROM calls WHERE cost > 0 GROUP BY 1, 2")
        return {(name, tier): tokens for name, tier, tokens in rows}


def balances(simulator):
    return {name: simulator.service.accounts[text_of(name)].report()["bucket"]["balance"] for name in RATES}


def total_of(paid, name):
    return sum(tokens for (key, _), tokens in paid.items() if key == name)


def spend_alone(program, name):
    """The tokens and the drift of one key, as `spend` tells them."""
    told = json.loads(program.command("spend", "--key", name, "--json").stdout)
    return told["total"]["tokens"], told["drift"]


def compare_all_views(program, simulator):
    """While nothing is spent, every place says the same of each key.

    A balance only rises then, by refills, each of which the ledger takes for a little later than the server does.
    """
    assert program.command("pause", "all").returncode == 0
    url = program.report()["supervisor"]["http"]
    before = balances(simulator)
    status, _ = program.status()
    ledgers = {one["name"]: one["ledger"] for one in status["keys"]}
    dumps = {
        name: json.loads(program.command("ledger", "dump", "--json", "--key", name).stdout) for name in RATES
    }  # fmt: skip
    pages = {name: told_by_page(program, name) for name in RATES}
    metrics = told_by_metrics(url)
    paid = paid_by_table(program)
    lines = program.command("status").stdout
    after = balances(simulator)
    for name, rate in RATES.items():
        ledger, page = ledgers[name], pages[name]
        assert spend_alone(program, name) == (total_of(paid, name), metrics["ledger_drift_tokens", name, ""])
        told = [
            ledger["bucket"]["balance"], dumps[name]["bucket"]["balance"], metrics["tokens_balance", name, ""],
            page["chart"]["balance"], float(page["texts"]["balance"].replace(",", "")),
        ]  # fmt: skip
        assert all(before[name] - 2 * rate <= one <= after[name] for one in told), (name, before, told, after)
        assert ledger["bucket"]["refill_rate"] == metrics["tokens_refill", name, ""] == rate
        assert ledger["bucket"]["capacity"] == page["chart"]["capacity"] == 60 * rate
        assert f"key     {name}: " in lines
        (row,) = (row for row in page["tables"]["keys"] if row[0]["t"] == name)
        total = sum(tier["spent"] for tier in ledger["tiers"])
        assert (row[2]["s"], row[-1]["t"]) == ("good", f"{total:,.0f}")
        assert total == spent(simulator)[name]
        for tier, shown in zip(ledger["tiers"], page["tables"]["tiers"], strict=True):
            others = next(one for one in dumps[name]["tiers"] if one["name"] == tier["name"])
            assert tier["spent"] == others["spent"] == metrics["tokens_spent_total", name, tier["name"]]
            assert tier["floor"] == others["floor"] == metrics["tokens_floor", name, tier["name"]]
            assert tier["spent"] == paid.get((name, tier["name"]), 0)
            assert shown[0]["t"] == tier["name"]
            assert shown[5]["t"].startswith(f"{tier['spent']:,.0f} (")


def fetched(program, *arguments):
    done = program.command("fetch", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    assert hides_them((done.stdout + done.stderr).encode())
    return json.loads(done.stdout), done.stderr


def ask_by_hand(program, simulator):
    """A look-up, a preview and a plan beside the run: the key that was named, or that lists the selection, pays."""
    before = spent(simulator)
    answer, _ = fetched(program, simulator.service._market.item(7_000).asin, "--key", "client-b")
    assert answer["key"] == "client-b"
    done = program.command("selection", "preview", "default", "--yes")
    assert "costs 5 tokens of the key agency;" in done.stderr, done.stderr
    assert all(spent(simulator)[name] > before[name] for name in ("agency", "client-b"))
    told = json.loads(program.command("plan", "--json").stdout)
    assert {one["key"]: one["rate"] for one in told["keys"]} == RATES
    assert told["total"]["income"] == pytest.approx(sum(one["day"]["income"] for one in told["keys"]))
    assert [len(one["day"]["selections"]) for one in told["keys"]] == [1, 0, 0], "the first lists what all name"
    only = json.loads(program.command("plan", "--key", "client-b", "--json").stdout)
    assert only["rate"] == RATES["client-b"]
    assert "all keys: " in program.command("plan").stdout


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
    ask_by_hand(program, simulator)
    compare_all_views(program, simulator)
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


def test_the_key_that_can_soonest_pays_for_what_a_person_asks_and_is_named_before(program, folder):
    rates = {text_of(name): rate for name, rate in RATES.items()}
    config = SimulatorConfig(key_rates=rates, tick_s=3_600.0, phase_s=3_600.0, start_balance=2, deals=500)
    with SimulatorServer(config) as slow:
        program.settings |= {"KEEPA_BASE_URL": slow.url, "TICK_PERIOD_S": "3600"}
        asins = [slow.service._market.item(number).asin for number in range(20, 25)]
        named = ("--key", "client-a")
        # Who is known to have a token pays, then who may have some, by name.
        payers = (("client-a", named), ("client-a", ()), ("agency", ()), ("agency", ()), ("client-b", ()))
        for asin, left, (name, arguments) in zip(asins, (1, 0, 1, 0, 1), payers, strict=True):
            answer, said = fetched(program, asin, *arguments)
            assert (answer["key"], answer["charged"], answer["balance"]) == (name, 1, left)
            assert f"of the key {name} for history of 1 product; " in said
        assert spent(slow) == {"agency": 2, "client-a": 2, "client-b": 1}
        told = json.loads(program.command("spend", "--by", "key", "--json").stdout)
        assert {one["name"]: one["tokens"] for one in told["sums"]} == spent(slow)
        assert program.command("fetch", asins[0], "--key", "other").returncode == 78

        other = folder.parent / "other.json"
        other.write_text(json.dumps({"domainId": 1, "priceTypes": [1], "dateRange": 3}))
        lines = (f"KEEPA_API_KEY={text_of('client-b')}", "POOL=b", f"SELECTIONS={other}")
        (folder / "client-b.env").write_text("\n".join(lines))
        done = program.command("fetch", asins[0])
        assert (done.returncode, "whose tokens?" in done.stderr) == (2, True), done.stderr
