"""`selection check|explain|preview|add|example` as a person types them."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest

from ledger import ManualClock, SystemClock, TokenLedger
from supervisor.cli import commands
from supervisor.selections.examples import EXAMPLES
from tasks.errors import ConfigError, Forbidden
from tasks.keepa.client import KeepaClient
from tasks.keepa.decode.replies import decode_deals
from tasks.keepa.request import DealRequest
from tasks.keepa.selection.page_link import page_link
from tasks.keepa.selection.selection import default_selection, parse
from tasks.secret import Secret
from tasks.simulator.config import SimulatorConfig
from tasks.simulator.server import SimulatorServer
from tasks.store.connection import connect
from tests.fakes.program import output_schemas
from tests.fakes.program.cli_program import ROOT, Program
from tests.fakes.waiting import wait_until
from tests.fixtures.server import START_MIN, START_MS

WIDE = {"domainId": 1, "priceTypes": [1], "dateRange": 3, "isFilterEnabled": False, "isRangeEnabled": False}
KEY = "aB3" * 21 + "x"


@pytest.fixture
def here(tmp_path, monkeypatch, capsys):
    """A function that runs a command in an empty folder; its exit code, its output and its errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STATE_DIR", str(tmp_path / "state"))
    for name in ("SELECTIONS", "DATABASE_URL", "KEEPA_API_KEY", "KEEPA_BASE_URL"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments, **settings):
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        code = commands.dispatch(arguments)
        said = capsys.readouterr()
        output_schemas.hold(arguments, said.out)
        return code, said.out, said.err

    return run


def test_without_a_selection_those_of_the_settings_are_explained(here):
    code, out, _ = here("selection", "explain")
    assert code == 0
    assert "default, amazon.com asks for products of amazon.com whose price NEW has fallen" in out
    assert page_link(default_selection()) in out
    told = json.loads(here("selection", "explain", "--json")[1])
    assert told["selections"][0]["key"] == default_selection().key


@pytest.mark.parametrize("how", ["a file", "standard input", "the text itself", "an address"])
def test_a_selection_is_taken_however_it_is_given(here, how, tmp_path, monkeypatch):
    text = json.dumps(WIDE)
    (tmp_path / "mine.json").write_text(text)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(text.encode())))
    link = page_link(parse(WIDE, name="s"))
    source = {"a file": "mine.json", "standard input": "-", "the text itself": text, "an address": link}[how]
    code, out, err = here("selection", "check", source)
    assert (code, err) == (0, "")
    assert out == f"{'mine' if how == 'a file' else 'pasted'}, amazon.com: valid\n"


def test_every_fault_of_every_source_is_told_and_a_key_in_an_address_is_not(here, tmp_path):
    (tmp_path / "bad.json").write_text('{"priceTypes": [1, 2], "sortTyp": 1}')
    call = f"https://api.keepa.com/deal?key={KEY}&selection={json.dumps(WIDE)}"
    code, out, err = here("selection", "check", "bad.json", "nowhere.json", call)
    assert code == 78
    assert out == "pasted, amazon.com: valid\n"
    for words in (
        "exactly one price type",
        "did you mean sortType?",
        "nowhere.json cannot be read",
        "has an API key in it",
    ):
        assert words in err
    assert KEY not in out + err


def test_one_that_names_no_shop_is_for_each_of_the_settings(here):
    out = here("selection", "explain", '{"priceTypes": [1]}', KEEPA_DOMAINS="1,3")[1]
    assert ("pasted, amazon.com asks for" in out, "pasted, amazon.de asks for" in out) == (True, True)


def test_an_example_can_be_added_and_is_then_one_of_the_settings(here, tmp_path):
    names = here("selection", "example")[1]
    assert all(f"{name}: " in names for name in (*EXAMPLES, "default"))
    for name in EXAMPLES:
        text = here("selection", "example", name)[1]
        code, out, _ = here("selection", "add", name, text, SELECTIONS=str(tmp_path / "wanted"))
        assert (code, f"written to {tmp_path}/wanted/{name}.json" in out) == (0, True)
    kept = json.loads((tmp_path / "wanted" / "warehouse-bargains.json").read_text())
    assert "domainId" not in kept
    told = json.loads(here("selection", "check", "--json")[1])
    assert {one["name"] for one in told["selections"]} == set(EXAMPLES)


@pytest.mark.parametrize(
    ("arguments", "where", "words"),
    [
        (("mine", json.dumps(WIDE)), "", "SELECTIONS is not set"),
        (("mine", json.dumps(WIDE)), "one.json,two.json", "put the new one beside them"),
        (("../mine", json.dumps(WIDE)), "wanted", "cannot be a selection's name"),
        (("there", json.dumps(WIDE)), "wanted", "is there already"),
        (("twin", json.dumps(WIDE | {"sortType": 4})), "wanted", "twin asks for the same as there"),
        (("bad", '{"priceTypes": []}'), "wanted", "priceTypes: is missing"),
        (("german", json.dumps(WIDE | {"domainId": 3, "dateRange": 2})), "wanted", "german asks for the same as any"),
    ],
)
def test_what_cannot_be_added_says_what_to_do_and_writes_nothing(here, tmp_path, arguments, where, words):
    (tmp_path / "wanted").mkdir()
    (tmp_path / "wanted" / "there.json").write_text(json.dumps(WIDE))
    any_shop = {name: value for name, value in WIDE.items() if name != "domainId"}
    (tmp_path / "wanted" / "any.json").write_text(json.dumps(any_shop | {"dateRange": 2}))
    with pytest.raises(ConfigError, match=words):
        here("selection", "add", *arguments, SELECTIONS=where, KEEPA_DOMAINS="3")
    assert sorted(path.name for path in (tmp_path / "wanted").iterdir()) == ["any.json", "there.json"]


def test_with_keys_nothing_is_added_where_their_own_files_say_what_is_collected(here, tmp_path):
    with pytest.raises(ConfigError, match="each file of the folder KEYS") as caught:
        here("selection", "add", "mine", json.dumps(WIDE), SELECTIONS="", KEYS=str(tmp_path))
    assert "built-in selection is collected" not in str(caught.value)


def test_a_source_is_added_as_a_selection_is(here, tmp_path):
    best = {"source": "bestsellers", "categoryId": 283155, "refresh": "7d"}
    (tmp_path / "best.json").write_text(json.dumps(best))
    code, out, _ = here("selection", "add", "books", "best.json", SELECTIONS=str(tmp_path / "wanted"))
    assert (code, "books, amazon.com asks for" in out, "every 7d" in out, "it names no shop" in out) == (0, *[True] * 3)
    assert json.loads((tmp_path / "wanted" / "books.json").read_text()) == best
    assert here("selection", "check")[1] == "books, amazon.com: valid, a source of products\n"
    seller = {"source": "seller", "sellerId": "A2L77EE7U53NWQ", "domainId": 3}
    assert "it names no shop" not in here("selection", "add", "shop", json.dumps(seller))[1]
    with pytest.raises(ConfigError, match="twin asks for the same as books"):
        here("selection", "add", "twin", json.dumps(best | {"refresh": "1d"}))
    with pytest.raises(ConfigError, match="sellerId: must be the id of one seller"):
        here("selection", "add", "odd", json.dumps(seller | {"sellerId": "nobody"}))
    assert sorted(path.name for path in (tmp_path / "wanted").iterdir()) == ["books.json", "shop.json"]


def test_an_example_that_there_is_not_names_those_there_are(here):
    with pytest.raises(ConfigError, match="there is no example 'nothing'; there are warehouse-bargains"):
        here("selection", "example", "nothing")


def test_a_source_is_checked_and_explained_and_no_page_of_it_is_asked_for(here, tmp_path):
    (tmp_path / "toys.json").write_text('{"source": "bestsellers", "categoryId": 283155, "refresh": "7d"}')
    (tmp_path / "odd.json").write_text('{"source": "seller", "sellerId": "nobody"}')
    code, out, err = here("selection", "check", "toys.json", "odd.json", KEEPA_DOMAINS="1,3")
    assert (code, out.splitlines()) == (
        78,
        ["toys, amazon.com: valid, a source of products", "toys, amazon.de: valid, a source of products"],
    )
    assert "source odd: 1 fault" in err
    assert "sellerId: must be the id of one seller" in err
    _, out, _ = here("selection", "explain", "toys.json", KEEPA_DOMAINS="1")
    assert "toys, amazon.com asks for up to 100,000 best sellers of the category 283155" in out
    assert "every 7d, for 50 tokens each time." in out
    (tmp_path / "odd.json").unlink()
    told = json.loads(here("selection", "explain", "--json", SELECTIONS=str(tmp_path))[1])
    assert [one["name"] for one in told["sources"]] == ["toys"]
    with pytest.raises(ConfigError, match=r"toys, amazon\.com is a source of products and no selection"):
        here("selection", "preview", "toys.json")


def test_a_plan_has_lists_and_sources_beside_the_selections_and_further_ones(here, shop, tmp_path):
    (tmp_path / "wanted").mkdir()
    (tmp_path / "wanted" / "wide.json").write_text(json.dumps(WIDE))
    (tmp_path / "wanted" / "best.json").write_text('{"source": "bestsellers", "categoryId": 283155, "refresh": "12h"}')
    (tmp_path / "mine.txt").write_text("# refresh: 6h\n# detail: stats\nB08N5WRWNW\nB07FZ8S74R\n")
    (tmp_path / "more.csv").write_text("asin\nB08N5WRWNW\nB07FZ8S74R\nB000000001\n")
    (tmp_path / "shop.json").write_text('{"source": "seller", "sellerId": "A2L77EE7U53NWQ"}')
    settings = {"KEEPA_BASE_URL": shop.url, "SELECTIONS": str(tmp_path / "wanted"), "WATCH": "mine.txt"}
    day = json.loads(here("plan", "--yes", "--json", **settings)[1])["day"]
    assert (day["lists"], day["sources"]) == (2 * 4, 2 * 50)
    assert day["tokens"] == pytest.approx(sum(one["total"] for one in [*day["selections"], *day["others"]]))
    more = json.loads(here("plan", "more.csv", "shop.json", "--yes", "--json")[1])
    new = {one["name"]: one["total"] for one in more["day"]["others"] if one["is_new"]}
    assert new == {"more, amazon.com": 3, "shop, amazon.com": 10}
    assert more["without_new"]["lists"] == 8
    code, out, err = here("plan", "more.csv", "mine.txt", "--yes")
    assert (code, "mine is in the settings already, and counted once" in err) == (0, True)
    for words in (
        "mine, amazon.com (list)", "more, amazon.com (new list)", "best, amazon.com (source)",
        "lists: 11 tokens, which upsert pays", "sources: 100 tokens, which backfill pays",
        "without lists and sources:", "it was never read how many products they list: best, amazon.com",
        "without the new ones:",
    ):  # fmt: skip
        assert words in out
    with pytest.raises(ConfigError, match="no ASIN"):
        (tmp_path / "odd.txt").write_text("nonsense\n")
        here("plan", "odd.txt")


def test_nothing_is_spent_without_consent(here):
    code, out, err = here("selection", "preview", "default", SIMULATOR_TICK_S="3600")  # no refill comes between
    assert (code, out) == (2, "")
    assert "costs 5 tokens; the balance is 60" in err
    assert "add --yes" in err


@pytest.fixture
def shop():
    """A server whose market stands still, so that what it has can be counted afterwards."""
    config = SimulatorConfig(rate=10_000, deals=700, clock=ManualClock(10**15), start_unix_ms=START_MS)
    with SimulatorServer(config) as server:
        yield server


@pytest.mark.parametrize("query", [WIDE, dict(default_selection().query)], ids=["wide", "default"])
def test_a_preview_says_what_the_server_has_and_is_booked(here, shop, database_url, query):
    code, out, err = here(
        "selection", "preview", json.dumps(query), "--yes", "--json", KEEPA_BASE_URL=shop.url, DATABASE_URL=database_url
    )
    assert (code, "costs 5 tokens" in err) == (0, True)
    page = json.loads(out)["page"]
    minutes = []
    with KeepaClient(Secret("other"), shop.url) as client:
        for number in range(100):
            deals = decode_deals(client.send(DealRequest(parse(query, name="s").for_upsert(), number)).body).deals
            minutes += [deal.creation_date for deal in deals]
            if len(deals) < 150:
                break
    assert page["is_exact"] == (len(minutes) < 150)
    assert page["matches"] == pytest.approx(len(minutes), rel=0.02)
    assert page["pages"] == number + 1
    # Each product stands there with its last change alone, so a day has more changes than deals of the last day.
    of_the_day = sum(one > START_MIN - 1_440 for one in minutes)
    assert 0.99 * of_the_day <= page["news_per_day"] <= 2 * of_the_day
    assert (page["tokens"], len(page["deals"])) == (5, min(150, len(minutes)))
    with connect(database_url, application_name="test", autocommit=True) as conn:
        booked = conn.execute("SELECT tier, endpoint, cost, status FROM calls").fetchall()
    assert booked == [("interactive", "/deal", 5, 200)]


def test_where_hosts_share_the_ledger_a_preview_pays_from_it_and_plan_goes_by_it(here, database_url):
    config = SimulatorConfig(
        rate=10_000, tick_s=3600.0, deals=700, clock=ManualClock(10**15), start_unix_ms=START_MS
    )  # no refill comes between
    settings = {"DATABASE_URL": database_url, "LEDGER": "database", "TICK_PERIOD_S": "3600"}
    with SimulatorServer(config) as shop:
        settings["KEEPA_BASE_URL"] = shop.url
        assert here("selection", "preview", json.dumps(WIDE), "--yes", **settings)[0] == 0
        told = json.loads(here("plan", "--json", **settings)[1])
    assert (told["rate"], told["balance"], told["rate_known"]) == (10_000, 600_000 - 5, "as the server says")


KILLED = """
import json, os, signal, sys
from supervisor.database.access import query_plan
from supervisor.selections import given, page_call
plan = query_plan()
for one in given.selections_of(given.find(sys.argv[1:2], plan.settings)):
    with page_call.page_caller(plan) as caller:
        caller.page(one, print)
        if sys.argv[2] == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        raise SystemExit(3)
"""


@pytest.mark.parametrize(("how", "code"), [("killed", -signal.SIGKILL), ("ended", 3)])
def test_a_page_that_was_paid_for_and_not_shown_costs_the_next_one_nothing(here, shop, database_url, how, code):
    query = json.dumps(WIDE)
    settings = {"KEEPA_BASE_URL": shop.url, "DATABASE_URL": database_url}
    assert here("selection", "explain", query, **settings)[0] == 0
    child = [sys.executable, "-c", KILLED, query, how]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert subprocess.run(child, check=False, timeout=300, env=environment).returncode == code
    _, out, err = here("selection", "preview", query, "--yes", "--json", **settings)
    page = json.loads(out)["page"]
    assert (page["tokens"], len(page["deals"])) == (0, 150)
    assert "this page was paid for by a command that ended before it was shown" in err
    assert shop.control()["bucket"]["balance"] == 600_000 - 5
    again = json.loads(here("selection", "preview", query, "--yes", "--json", **settings)[1])["page"]
    assert (again["tokens"], again["deals"]) == (5, page["deals"])
    with connect(database_url, application_name="test", autocommit=True) as conn:
        assert conn.execute("SELECT cost FROM calls").fetchall() == [(5,), (5,)]


def test_what_was_paid_for_is_shown_though_no_database_takes_the_record(here, shop):
    nobody = "postgresql://postgres@127.0.0.1:1/none"
    arguments = ("selection", "preview", json.dumps(WIDE), "--yes")
    code, out, err = here(*arguments, KEEPA_BASE_URL=shop.url, DATABASE_URL=nobody)
    assert (code, "this page cost 5 tokens" in out) == (0, True)
    assert "the call is not in the record of calls:" in err


def test_a_preview_shows_the_newest_deals_and_what_reading_all_takes(here, shop):
    out = here("selection", "preview", json.dumps(WIDE), "--yes", KEEPA_BASE_URL=shop.url)[1]
    assert "deals match; reading them once takes" in out
    assert "a day are new or changed" in out
    assert "this page cost 5 tokens, and the balance is" in out
    assert len(out[out.index("asin") :].splitlines()) == 11


def test_a_key_that_the_server_refuses_is_told_before_anything_is_spent(here):
    config = SimulatorConfig(keys=frozenset({"another"}))
    with SimulatorServer(config) as stranger, pytest.raises(Forbidden, match="key"):
        here("selection", "preview", json.dumps(WIDE), "--yes", KEEPA_BASE_URL=stranger.url)
    assert stranger.control()["bucket"]["balance"] == 300


def test_it_says_for_how_long_it_waits_for_tokens(here):
    with SimulatorServer(SimulatorConfig(rate=2, tick_s=1.0, start_balance=-3)) as poor:
        _, out, err = here(
            "selection", "preview", json.dumps(WIDE), "--yes", KEEPA_BASE_URL=poor.url, TICK_PERIOD_S="1"
        )
    assert "waiting for tokens: the gate opens in" in err
    assert "this page cost 5 tokens, and the balance is" in out


def test_beside_a_supervisor_a_preview_takes_its_turn_in_the_tier_of_a_person(tmp_path):
    program = Program(tmp_path, SIMULATOR_RATE="60", SIMULATOR_START_BALANCE="600").start()
    try:
        wait_until(lambda: (program.report() or {}).get("run", {}).get("base_url"), "a server to call")
        wait_until(lambda: program.status()[0]["supervisor"]["state"] == "running", "a run")
        done = program.command("selection", "preview", "default", "--yes", "--json")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["page"]["tokens"] == 5
        ledger = TokenLedger.attach(program.state / "ledger", clock=SystemClock())
        tier = next(one for one in ledger.snapshot().tiers if one.name == "interactive")
        ledger.close()
        assert (tier.granted, tier.spent, tier.in_flight) == (1, 5, 0)
        spent = json.loads(program.command("spend", "--json").stdout)
        assert [one["tokens"] for one in spent["sums"] if one["name"] == "interactive"] == [5]
    finally:
        program.kill()
