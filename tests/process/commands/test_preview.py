"""`selection preview` shows what the server has, after it was allowed to pay for that, and books it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys

import pytest

from ledger import ManualClock, SystemClock, TokenLedger
from tasks.errors import Forbidden
from tasks.keepa.client import KeepaClient
from tasks.keepa.decode.replies import decode_deals
from tasks.keepa.request import DealRequest
from tasks.keepa.selection.selection import default_selection, parse
from tasks.secret import Secret
from tasks.simulator.config import SimulatorConfig
from tasks.simulator.server import SimulatorServer
from tasks.store.connection import connect
from tests.fakes.program.cli_program import ROOT, Program
from tests.fakes.waiting import wait_until
from tests.fixtures.server import START_MIN, START_MS

PREVIEW, PLAN = ("selection", "preview"), ("plan",)
WIDE = {"domainId": 1, "priceTypes": [1], "dateRange": 3, "isFilterEnabled": False, "isRangeEnabled": False}


def test_nothing_is_spent_without_consent(here):
    code, out, err = here("selection", "preview", "default", SIMULATOR_TICK_S="3600")  # no refill comes between
    assert (code, out) == (2, "")
    assert "costs 5 tokens; the balance is 60" in err
    assert "add --yes" in err


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
    assert "0 tokens: the page of" in err
    assert shop.control()["bucket"]["balance"] == 600_000 - 5
    again = json.loads(here("selection", "preview", query, "--yes", "--fresh", "--json", **settings)[1])["page"]
    assert (again["tokens"], again["deals"]) == (5, page["deals"])
    with connect(database_url, application_name="test", autocommit=True) as conn:
        assert conn.execute("SELECT cost FROM calls").fetchall() == [(5,), (5,)]


@pytest.mark.parametrize(("first", "words"), [(PREVIEW, PLAN), (PLAN, PREVIEW)], ids=["preview first", "plan first"])
def test_a_page_is_paid_for_once_whichever_command_asks_for_it_first(here, shop, words, first):
    query, settings = json.dumps(WIDE), {"KEEPA_BASE_URL": shop.url}
    assert here(*first, query, "--yes", **settings)[0] == 0
    spent = 600_000 - shop.control()["bucket"]["balance"]
    code, out, err = here(*words, query, **settings)  # nothing is to be spent, so nobody is asked
    assert (code, 600_000 - shop.control()["bucket"]["balance"]) == (0, spent), err
    assert re.search(r"0 tokens: the page of .* of (today )?\d\d:\d\d.* is used", err), err
    assert out


def test_a_page_is_kept_for_an_hour_and_no_longer(here, shop, tmp_path):
    query, settings = json.dumps(WIDE), {"KEEPA_BASE_URL": shop.url}
    assert here("selection", "preview", query, "--yes", **settings)[0] == 0
    (kept,) = tmp_path.rglob("previews/*/*.reply")
    head, _, body = kept.read_bytes().partition(b'received_at":"')
    kept.write_bytes(head + b'received_at":"2020' + body[4:])
    assert here("selection", "preview", query, **settings)[0] == 2
    assert not list(tmp_path.rglob("previews/*/*.reply"))


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
