"""`fetch` as a person types it: alone and beside a run, with the simulator's account and answers as the judge."""

import json
import os
import signal
import subprocess
import sys
from threading import Thread

import pytest
import requests

from ledger import TokenLedger
from supervisor.config.state_dir.state_dir import StateDir
from supervisor.control.protocol import Cancel, Fetch
from supervisor.control.send_order import deliver
from tasks.keepa.product_code import product_code
from tasks.store.connection import connect
from tests.fakes.program.cli_program import ROOT, Program
from tests.fakes.waiting import LIMIT_S, wait_until
from tests.fixtures.jobs import KEY

STRANGER = "B0ZZZZZZZZ"


class Shop:
    """A simulator, a database and a state directory, and `fetch` on them."""

    def __init__(self, folder, plant):
        self.plant = plant
        self.program = Program(folder, KEEPA_API_KEY=KEY, KEEPA_BASE_URL=plant.simulator.url, LOG_LEVEL="info",
                               DATABASE_URL=plant.database_url, TICK_PERIOD_S="3600")  # fmt: skip
        self.market = plant.simulator.service._market

    def asin(self, nth=0, *, is_book=False):
        """A product of the market that everybody may see, under a code that is its own."""
        good = (
            item for item in map(self.market.item, range(13, 400))
            if item.is_book == is_book and not item.is_closed and (is_book or item.index % 100 >= 12)
        )  # fmt: skip
        return [one.asin for one, _ in zip(good, range(nth + 1), strict=False)][nth]

    def fetch(self, *arguments, code=0, **more):
        done = self.program.command("fetch", *arguments, **more)
        assert done.returncode == code, done.stderr
        return done

    def told(self, *arguments, code=0, **more):
        return json.loads(self.fetch(*arguments, "--json", code=code, **more).stdout)

    def started(self, *arguments):
        return subprocess.Popen(
            [sys.executable, "-m", "supervisor", "fetch", *arguments], cwd=ROOT, env=self.program.environment(),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip

    def paid(self):
        """The calls for products, as the server has them: what was asked for and what was charged."""
        log = self.plant.simulator.control()["log"]
        return [(call["asins"], call["consumed"]) for call in log if call["endpoint"] == "/product"]

    def truth(self, **parameters):
        """What the server says of a product, asked by somebody else."""
        url = f"{self.plant.simulator.url}/product"
        reply = requests.get(url, params={"key": KEY, "domain": 1, "stats": 90} | parameters, timeout=LIMIT_S)
        return reply.json()["products"]


@pytest.fixture
def shop(tmp_path, make_plant, request):
    given = getattr(request, "param", {"rate": 60, "start_balance": 100, "tick_s": 3600, "phase_s": 3600})
    plant = make_plant(**given)
    plant.ledger.close()
    one = Shop(tmp_path / "own", plant)
    (tmp_path / "own").mkdir()
    yield one
    one.program.kill()


def test_what_an_asin_costs_now_is_told_with_the_price_of_asking_first(shop):
    asin = shop.asin()
    done = shop.fetch(asin)
    assert shop.paid() == [([asin], 1)]
    first, *_ = done.stderr.splitlines()
    assert first == "sluicegate: up to 1 token for history of 1 product; balance 100 of 3600"
    assert "charged 1 token; balance 99" in done.stdout
    (truth,) = shop.truth(asin=asin)
    said = {words[0]: words[1] for words in map(str.split, done.stdout.splitlines()) if len(words) > 1}
    assert said["NEW"] == f"{truth['stats']['current'][1] / 100:,.2f}"
    assert f"https://www.amazon.com/dp/{asin}" in done.stdout
    with connect(shop.plant.database_url, application_name="test") as conn:
        (row,) = conn.execute("SELECT tier, worker, cost, rows FROM calls WHERE endpoint = '/product'").fetchall()
        (has_history,) = conn.execute("SELECT history_fetched_at IS NOT NULL FROM products").fetchone()
    assert (row, has_history) == (("interactive", "fetch", 1, 1), True)
    again = shop.fetch(asin).stdout
    (seen,) = shop.truth(asin=asin)
    is_news = seen["lastUpdate"] > truth["lastUpdate"]  # the market may have gone on to its next minute
    assert ("  fetched at " in again, "  nothing new since " in again) == (is_news, not is_news)


def test_every_figure_in_json_is_the_servers(shop):
    asins = [shop.asin(nth) for nth in range(3)]
    told = shop.told(*asins, f"https://www.amazon.com/dp/{asins[0]}", STRANGER, code=0)
    assert (told["charged"], told["balance"]) == (4, 96)
    assert shop.paid() == [([*asins, STRANGER], 4)], "a product that is named twice is asked for once"
    assert told["not_found"] == [f"Keepa does not know {STRANGER} in amazon.com"]
    for truth in shop.truth(asin=",".join(asins)):
        (product,) = [one for one in told["products"] if one["asin"] == truth["asin"]]
        current = {kind: value for kind, value in enumerate(truth["stats"]["current"]) if value >= 0}
        assert [figure["value"] for figure in product["figures"]] == list(current.values())
        (new,) = [figure for figure in product["figures"] if figure["price_type"] == "NEW"]
        assert (round(new["price"] * 100), round(new["mean"] * 100)) == (current[1], truth["stats"]["avg90"][1])
        assert product["url"] == f"https://www.amazon.com/dp/{product['asin']}"


def test_a_code_of_many_products_costs_no_more_than_its_limit(shop):
    leader = next(
        n for n in range(0, 2000, 100) if sum(not i.is_book for i in map(shop.market.item, range(n, n + 12))) > 6
    )
    code = shop.market.code(next(i for i in map(shop.market.item, range(leader, leader + 12)) if not i.is_book))
    assert product_code(code) == code
    everybody = [item.asin for item in shop.market.find_code(code)]
    told = shop.told(code, "--code-limit", "3")
    assert (told["charged"], len(told["products"])) == (3, 3)
    assert {one["asin"] for one in told["products"]} <= set(everybody)
    assert told["notes"] == [f"{code} may have more products than 3: raise --code-limit"]
    whole = shop.told(code, "--code-limit", "50")
    found = [item for item in shop.market.find_code(code) if not item.is_closed]
    assert whole["charged"] == len(everybody)
    assert [one["asin"] for one in whole["products"]] == sorted(item.asin for item in found) or len(everybody) > 6
    assert whole["notes"] == []
    assert all(one["asked_as"] == [code] for one in whole["products"])


def test_a_code_that_nobody_has_costs_nothing_and_is_told(shop):
    told = shop.told("4006381333931", code=1)
    assert (told["charged"], told["products"]) == (0, [])
    assert told["not_found"] == ["Keepa knows no product with the code 4006381333931 in amazon.com"]


def test_what_cannot_be_asked_for_is_refused_before_anything_is_paid(shop):
    for wrong in ("B08N5WRWN", "4006381333932", "https://www.amazon.de/s?k=deals"):
        assert "usage: sluicegate fetch" in shop.fetch(shop.asin(), wrong, code=2).stderr
    assert "in which shop?" in shop.fetch(shop.asin(), code=2, KEEPA_DOMAINS="1,3").stderr
    assert shop.paid() == []
    assert shop.told(shop.asin(), "--domain", "de", KEEPA_DOMAINS="1,3")["products"][0]["shop"] == "amazon.de"


@pytest.mark.parametrize("shop", [{"rate": 1, "start_balance": 0, "tick_s": 3600, "phase_s": 3600}], indirect=True)
def test_it_waits_no_longer_than_it_is_told_to_and_says_when_the_gate_opens(shop):
    done = shop.fetch(shop.asin(), "--wait", "1s", code=75)
    assert "balance 0 of 60" in done.stderr
    assert "waits for 1 token (the balance is too low) until " in done.stderr
    taken_back = "the request was taken back, so it waits nowhere and nothing was paid for it (it waited for tokens)"
    assert taken_back in done.stderr
    small = shop.fetch(*[shop.asin(nth) for nth in range(3)], "--detail", "offers", "--wait", "1s", code=75)
    assert "up to 10 tokens for offers of 1 product;" in small.stderr, "as many at once as the plan can ever pay for"
    with shop.started(shop.asin()) as waiting:
        wait_until(lambda: "waits for" in waiting.stderr.readline(), "the wait")
        os.killpg(waiting.pid, signal.SIGINT)
        assert waiting.wait(LIMIT_S) == 75
        said = waiting.stderr.read()
        assert taken_back in said
        assert "asked to stop" not in said
    assert shop.paid() == []
    ledger = TokenLedger.attach(shop.program.state / "ledger")
    assert (ledger.snapshot().leases, ledger.snapshot().waiters) == ((), ())
    ledger.close()


@pytest.mark.parametrize("shop", [{"rate": 1, "start_balance": 0, "tick_s": 3600, "phase_s": 3600}], indirect=True)
def test_what_a_run_waits_for_is_cancelled_and_nothing_is_paid_for_it(shop):
    program = shop.program.start()
    program.until(lambda report: report["workers"] and all(one["pid"] for one in report["workers"]), "workers")
    state, asin, answers = StateDir(program.state), shop.asin(), []
    ask = Thread(target=lambda: answers.append(deliver(state, Fetch(asin=asin, domain=1, detail="history"))))
    ask.start()

    def waits():
        return [one for one in program.ledger()["tiers"] if one["name"] == "interactive" and one["waiting"]]

    wait_until(waits, "its place in the ledger", explain=program.tail)
    assert deliver(state, Cancel(asin=asin, domain=1)).code == 0
    ask.join(LIMIT_S)
    ((code, words),) = [(one.code, one.words) for one in answers]
    assert (code, "nothing was paid for it" in words) == (75, True), words
    assert not waits()
    assert all(call[0] != [asin] for call in shop.paid())


def test_a_kill_between_the_reply_and_its_rows_pays_once(shop):
    asin = shop.asin()
    shop.fetch(STRANGER, code=1)  # the tables are made
    with connect(shop.plant.database_url, application_name="test") as conn, conn.transaction():
        conn.execute("LOCK TABLE products")
        killed = shop.started(asin)
        spools = shop.program.state / "spool"
        wait_until(lambda: list(spools.rglob("*.reply")), "the reply on disk", explain=shop.program.tail)
        os.killpg(killed.pid, signal.SIGKILL)
        killed.communicate()
    told = shop.told(asin)
    assert [call for call in shop.paid() if call[0] == [asin]] == [([asin], 1)]
    assert (told["charged"], told["products"][0]["asin"]) == (0, asin)
    assert "paid for by an earlier `fetch`" in told["notes"][0]
    assert not list(spools.rglob("*.reply"))
    assert shop.told(asin)["charged"] == 1, "asked once more it is paid for once more"


@pytest.mark.parametrize("shop", [{"rate": 60, "start_balance": 400, "tick_s": 3600, "phase_s": 3600}], indirect=True)
def test_each_detail_costs_what_the_server_charges_and_fills_its_columns(shop):
    asin = shop.asin(3)
    charged = {}
    for words in ("stats+rating", "stats+buybox", "stock+rating", "offers+only-live-offers", "history+days=30"):
        told = shop.told(asin, "--detail", words)
        charged[words] = told["charged"]
        assert (told["charged"], [asin]) == (shop.paid()[-1][1], shop.paid()[-1][0])
    assert 1 <= charged["stats+rating"] <= 2
    assert charged["stats+buybox"] == 3
    assert charged["stock+rating"] >= charged["offers+only-live-offers"]
    assert charged["history+days=30"] == 1
    ledger = TokenLedger.attach(shop.program.state / "ledger")
    learned = {cost.shape: cost.mean for cost in ledger.snapshot().costs if cost.samples}
    ledger.close()
    assert {"product:stats+rating", "product:stats+buybox", "product:offers+rating+stock", "product:offers"} <= set(
        learned
    )
    told = shop.told(asin, "--detail", "stats+buybox")
    with connect(shop.plant.database_url, application_name="test") as conn:
        columns = "buy_box_price, buy_box_shipping, buy_box_seller_id, buy_box_is_fba, last_buy_box_update, last_update"
        row = conn.execute(f"SELECT {columns} FROM products").fetchone()
        live = conn.execute("SELECT count(*) FILTER (WHERE live_place IS NULL), count(*) FROM offers").fetchone()
        stocked = conn.execute("SELECT count(*) FROM offers WHERE stock_csv IS NOT NULL").fetchone()
    (truth,) = shop.truth(asin=asin, buybox=1, update=-1)
    names = ("buyBoxPrice", "buyBoxShipping", "buyBoxSellerId", "buyBoxIsFBA", "lastBuyBoxUpdate")
    assert row == (*(truth["stats"][name] for name in names), truth["lastUpdate"])
    assert live[0] == 0 or stocked[0] == live[1] - live[0], "the last offers alone, or all and the stock of the last"
    assert "history+stock" in shop.fetch(asin, "--detail", "history+stock", code=2).stderr


@pytest.mark.parametrize("shop", [{"rate": 60, "start_balance": 400}], indirect=True)
def test_beside_a_run_it_spends_from_the_same_ledger_and_goes_first(shop):
    shop.program.settings |= {"UPSERT_WORKERS": "0", "TICK_PERIOD_S": "0.5"}
    program = shop.program.start()
    program.until_working()
    asin = shop.asin()
    told = shop.told(asin)
    assert [call for call in shop.paid() if call[0] == [asin]] == [([asin], 1)]
    assert told["charged"] == 1
    (tier,) = [one for one in program.ledger()["tiers"] if one["name"] == "interactive"]
    assert (tier["granted"], tier["spent"]) == (1, 1)
    assert program.process.poll() is None
    queued = shop.told(shop.asin(1), "--queue", "--detail", "stats")
    assert queued["queued"] == [{"domain": 1, "asin": shop.asin(1)}]
    wait_until(lambda: any(shop.asin(1) in call[0] for call in shop.paid()), "backfill", explain=program.tail)
    assert "no selection is for amazon.de" in shop.fetch(asin, "--queue", "--domain", "de", code=1).stderr
    assert "leave out --queue" in shop.fetch("4006381333931", "--queue", code=2).stderr
    assert program.stop() == 0
