"""The simulator over real sockets: envelopes, statuses, charging, faults, and a clean end."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode, urlsplit

import pytest

from ledger import ManualClock
from tasks.errors import ConfigError
from tasks.simulator.config import SimulatorConfig
from tasks.simulator.server import SimulatorServer
from tests.fakes.waiting import LIMIT_S, wait_until
from tests.fixtures.jobs import held

SELECTION = {"page": 0, "domainId": 1, "priceTypes": [1], "dateRange": 3, "sortType": 1}
START_MS = 1_790_000_000_000
TICK_S = 60.208


@pytest.fixture
def make():
    """A function that starts a simulator in virtual time and gives it with its clock."""
    running = []

    def start(**settings):
        clock = ManualClock(5_000_000_000)
        config = SimulatorConfig(
            **{
                "clock": clock,
                "start_unix_ms": START_MS,
                "deals": 200,
                "phase_s": TICK_S,
                "hang_s": 30,
                "closed_share": 0.0,
            }
            | settings
        )
        sim = SimulatorServer(config)
        sim.start()
        running.append(sim)
        return sim, clock

    yield start
    for sim in running:
        sim.stop()


def exchange(sim, path, params=None, *, body=None, key="k", connection=None):
    """Status and raw reply of one call; without `connection` over a new one."""
    line = f"{path}?{urlencode(({'key': key} if key else {}) | (params or {}))}"
    link = connection or http.client.HTTPConnection(urlsplit(sim.url).netloc, timeout=LIMIT_S)
    try:
        link.request("GET" if body is None else "POST", line, body=body, headers={"Accept-Encoding": "gzip"})
        reply = link.getresponse()
        return reply.status, reply.read(), reply.headers
    finally:
        if connection is None:
            link.close()


def call(sim, path, params=None, **more):
    """Status and JSON of one call; the body must be gzipped."""
    status, body, headers = exchange(sim, path, params, **more)
    assert headers["Content-Encoding"] == "gzip"
    return status, json.loads(gzip.decompress(body))


def deal(sim, selection=SELECTION, path="/deal", **more):
    return call(sim, path, {"selection": json.dumps(selection)}, **more)


def products(sim, count):
    asins = [row["asin"] for row in deal(sim)[1]["deals"]["dr"]]
    return asins[:count]


ZEROS = {
    "refillIn": 0,
    "refillRate": 0,
    "tokenFlowReduction": 0.0,
    "tokensConsumed": 0,
    "tokensLeft": 0,
    "processingTimeInMs": 0,
}


def test_token_tells_the_account_and_costs_nothing_at_any_balance(make):
    sim, _ = make(start_balance=-7)
    expected = {
        "processingTimeInMs": 0,
        "refillIn": 60_208,
        "refillRate": 5,
        "timestamp": START_MS,
        "tokenFlowReduction": 0.0,
        "tokensConsumed": 0,
        "tokensLeft": -7,
    }
    assert call(sim, "/token") == (200, expected)
    assert sim.control()["spent"] == 0


def test_a_deal_page_costs_five_also_when_it_is_empty(make):
    sim, _ = make()
    status, first = deal(sim)
    assert (status, first["tokensConsumed"], first["tokensLeft"]) == (200, 5, 295)
    assert first["dealsCached"] is False
    _, past = deal(sim, SELECTION | {"page": 40})
    assert past["deals"]["dr"] == []
    assert past["deals"]["drDateIndex"] == []
    assert past["deals"]["categoryIds"] == first["deals"]["categoryIds"]
    assert (past["tokensConsumed"], past["tokensLeft"]) == (5, 290)


def test_get_and_post_with_and_without_slash_give_the_same_page(make):
    sim, _ = make()
    text = json.dumps(SELECTION)
    pages = [
        deal(sim)[1]["deals"],
        deal(sim, path="/deal/")[1]["deals"],
        call(sim, "/deal/", {"domain": 1}, body=text)[1]["deals"],
        call(sim, "/deal", body=text)[1]["deals"],
    ]
    assert pages[0]["dr"]
    assert pages.count(pages[0]) == 4


def test_a_plain_product_costs_one_and_comes_back_in_the_order_asked(make):
    sim, _ = make()
    asins = [*products(sim, 3)[::-1], "B0ZZZZZZZZ"]
    status, body = call(sim, "/product", {"domain": 1, "asin": ",".join(asins)})
    assert (status, body["tokensConsumed"]) == (200, 4)
    assert [product["asin"] for product in body["products"]] == asins
    unknown = body["products"][-1]
    assert (unknown["productType"], unknown["csv"], unknown["title"]) == (4, None, None)
    assert "stats" not in body["products"][0]


def test_a_product_that_deals_show_may_have_no_data(make):
    sim, _ = make(closed_share=1.0)
    (asin,) = products(sim, 1)
    _, body = call(sim, "/product", {"domain": 1, "asin": asin})
    assert (body["products"][0]["productType"], body["products"][0]["csv"]) == (3, None)
    assert body["tokensConsumed"] == 1


def test_malformed_asins_with_offers_cost_nothing(make):
    sim, _ = make()
    asins = ",".join(f'="B{n:09d}"' for n in range(50))
    status, body = call(sim, "/product", {"domain": 1, "asin": asins, "offers": 20})
    assert (status, body["tokensConsumed"]) == (200, 0)
    assert "products" not in body


def test_a_product_is_found_by_its_code(make):
    sim, _ = make()
    (asin,) = products(sim, 1)
    _, body = call(sim, "/product", {"domain": 1, "asin": asin})
    code = body["products"][0]["eanList"][0]
    _, found = call(sim, "/product", {"domain": 1, "code": f"{code},4006381333931"})
    assert [product["asin"] for product in found["products"]] == [asin]
    assert found["tokensConsumed"] == 1


def test_history_0_leaves_keys_without_lists_at_the_same_price(make):
    sim, _ = make()
    (asin,) = products(sim, 1)
    whole = call(sim, "/product", {"domain": 1, "asin": asin, "offers": 20})[1]
    bare = call(sim, "/product", {"domain": 1, "asin": asin, "offers": 20, "history": 0})[1]
    assert bare["tokensConsumed"] == whole["tokensConsumed"]
    assert list(bare["products"][0]) == list(whole["products"][0])
    for name in ("csv", "buyBoxSellerIdHistory", "salesRankReferenceHistory"):
        assert bare["products"][0][name] is None
    assert all(len(points) == 2 for points in bare["products"][0]["salesRanks"].values())


def test_types_that_need_offers_stay_away_without_them(make):
    sim, _ = make()
    asin = ",".join(products(sim, 20))
    plain = call(sim, "/product", {"domain": 1, "asin": asin})[1]["products"]
    rich = call(sim, "/product", {"domain": 1, "asin": asin, "offers": 20})[1]["products"]
    rated = call(sim, "/product", {"domain": 1, "asin": asin, "rating": 1, "buybox": 1})[1]["products"]
    needs_offers = {7, 9, 10, 15, *range(19, 28), 31, 32, 33}
    for one, other, third in zip(plain, rich, rated, strict=True):
        present, more, some = ({n for n, s in enumerate(p["csv"]) if s} for p in (one, other, third))
        assert not present & (needs_offers | {16, 17, 18})
        assert not some & needs_offers
        assert present <= some <= more
        assert 15 in more
    assert any(16 in {n for n, s in enumerate(product["csv"]) if s} for product in rated)


def test_days_cut_the_history_but_keep_the_current_value(make):
    sim, _ = make()
    (asin,) = products(sim, 1)
    whole = call(sim, "/product", {"domain": 1, "asin": asin})[1]["products"][0]["csv"]
    short = call(sim, "/product", {"domain": 1, "asin": asin, "days": 30})[1]["products"][0]["csv"]
    assert len(short[1]) < len(whole[1])
    for old, new in zip(whole, short, strict=True):
        assert (old is None) == (new is None)
        assert old is None or old[-len(new) :] == new


def test_live_offers_bear_out_the_counts_the_price_and_the_cost(make):
    sim, _ = make(start_balance=10_000)
    asin = ",".join(products(sim, 60))
    body = call(sim, "/product", {"domain": 1, "asin": asin, "offers": 100, "stats": 90})[1]
    cost = priced = 0
    for product in body["products"]:
        live = [product["offers"][at] for at in product["liveOffersOrder"]]
        assert product["offersSuccessful"] == bool(live)
        assert product["stats"]["retrievedOfferCount"] == len(live)
        cost += 6 * -(-len(live) // 10) or 1
        current = product["stats"]["current"]
        new = [offer for offer in live if offer["condition"] == 1]
        if new and current[7] > 0:
            priced += 1
            assert len(new) == current[11]
            assert min(sum(offer["offerCSV"][-2:]) for offer in new if not offer["isFBA"]) == current[7]
        for offer in product["offers"]:
            minutes = offer["offerCSV"][::3]
            assert minutes == sorted(set(minutes))
    assert body["tokensConsumed"] == cost
    assert priced > 20


def test_only_live_offers_leaves_out_the_old_ones(make):
    sim, _ = make(start_balance=10_000)
    asin = ",".join(products(sim, 10))
    everything = call(sim, "/product", {"domain": 1, "asin": asin, "offers": 20})[1]["products"]
    live = call(sim, "/product", {"domain": 1, "asin": asin, "offers": 20, "only-live-offers": 1})[1]["products"]
    for one, other in zip(everything, live, strict=True):
        assert [one["offers"][at] for at in one["liveOffersOrder"]] == [
            other["offers"][at] for at in other["liveOffersOrder"]
        ]
        assert len(other["offers"]) == len(other["liveOffersOrder"])
    assert sum(len(product["offers"]) for product in live) < sum(len(product["offers"]) for product in everything)


def test_a_key_must_be_given_and_known(make):
    sim, _ = make(keys=frozenset({"good"}), lapsed_keys=frozenset({"old"}))
    for key in ("", "bad"):
        status, body = call(sim, "/token", key=key)
        assert status == 400
        assert body.pop("error")["type"] == "invalidParameter"
        assert body == ZEROS | {"timestamp": START_MS}
    assert call(sim, "/token", key="good")[0] == 200
    status, body = call(sim, "/deal", key="old")
    assert (status, body["refillRate"]) == (402, 0)


def test_an_unknown_path_is_404(make):
    sim, _ = make()
    status, body = call(sim, "/finder")
    assert (status, body["refillRate"], body["tokensLeft"]) == (404, 0, 0)


def test_bad_parameters_give_the_zeroed_envelope_and_cost_nothing(make):
    sim, _ = make()
    status, body = deal(sim, SELECTION | {"dateRange": 30})
    assert status == 400
    assert "dateRange" in body.pop("error")["details"]
    assert body == ZEROS | {"timestamp": START_MS}
    assert deal(sim, SELECTION | {"page": -1})[0] == 405
    assert call(sim, "/product", {"domain": "fr", "asin": "B000000000"})[0] == 400
    assert sim.control()["bucket"]["balance"] == 300


def test_bad_parameters_are_found_before_an_empty_balance(make):
    sim, _ = make(start_balance=0)
    assert deal(sim, SELECTION | {"dateRange": 30})[0] == 400
    assert deal(sim)[0] == 429


def test_429_is_a_plain_envelope_free_of_charge_and_without_penalty(make):
    sim, _ = make(start_balance=-249)
    for _ in range(50):
        status, body = deal(sim)
        assert status == 429
        assert body == {
            "processingTimeInMs": 0,
            "refillIn": 60_208,
            "refillRate": 5,
            "timestamp": START_MS,
            "tokenFlowReduction": 0.0,
            "tokensConsumed": 0,
            "tokensLeft": -249,
        }
    state = sim.control()
    assert (state["bucket"]["balance"], state["refused_429"], state["spent"]) == (-249, 50, 0)


def test_a_balance_of_one_is_enough_and_debt_is_paid_back_tick_by_tick(make):
    sim, clock = make(start_balance=1)
    assert deal(sim)[1]["tokensLeft"] == -4
    assert deal(sim)[0] == 429
    clock.advance_s(TICK_S)
    status, body = deal(sim)
    assert (status, body["tokensLeft"], body["timestamp"]) == (200, -4, START_MS + 60_208)
    assert sim.control()["lowest_balance"] == -4


def test_refill_in_counts_to_the_tick_also_when_full(make):
    sim, clock = make()
    clock.advance_s(10)
    assert call(sim, "/token")[1]["refillIn"] == 50_208
    clock.advance_s(50)
    assert call(sim, "/token")[1]["refillIn"] == 522
    clock.advance_s(1)
    body = call(sim, "/token")[1]
    assert (body["tokensLeft"], body["refillIn"]) == (300, 59_416)
    assert sim.control()["expired"] == 5


def test_concurrent_calls_that_all_saw_a_positive_balance_all_spend(make):
    sim, _ = make(start_balance=6)
    with ThreadPoolExecutor(4) as pool:
        with held(sim) as come:
            calls = [pool.submit(deal, sim) for _ in range(4)]
            wait_until(lambda: come() == 4, "four calls that were let in")
        replies = [call.result() for call in calls]
    assert [status for status, _ in replies] == [200] * 4
    assert sorted(body["tokensLeft"] for _, body in replies) == [-14, -9, -4, 1]


def test_ticks_pass_while_a_call_is_at_work(make):
    sim, clock = make(start_balance=1)
    with ThreadPoolExecutor(1) as pool:
        with held(sim) as come:
            future = pool.submit(deal, sim)
            wait_until(come, "a call that was let in")
            clock.advance_s(TICK_S)
        assert future.result()[1]["tokensLeft"] == 1


def test_a_client_that_hangs_up_is_charged(make):
    sim, _ = make(latency_s=0.1)
    host, port = urlsplit(sim.url).hostname, urlsplit(sim.url).port
    with socket.create_connection((host, port)) as link:
        query = urlencode({"key": "k", "selection": json.dumps(SELECTION)})
        link.sendall(f"GET /deal?{query} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    wait_until(lambda: sim.control()["spent"] == 5, "the charge")


def test_a_changed_plan_shows_at_once(make):
    sim, clock = make()
    sim.control(rate=25, take=100)
    assert call(sim, "/token")[1]["refillRate"] == 25
    clock.advance_s(TICK_S)
    state = sim.control()
    assert (state["bucket"]["balance"], state["bucket"]["capacity"], state["taken"]) == (225, 1500, 100)


def test_the_reported_flow_reduction_is_a_double(make):
    sim, _ = make(token_flow_reduction=2)
    assert b'"tokenFlowReduction":2.0,' in gzip.decompress(exchange(sim, "/token")[1])


def test_a_500_is_no_json_and_not_charged(make):
    sim, _ = make()
    sim.control(fail_next={"kind": "500", "count": 2})
    for _ in range(2):
        status, body, _ = exchange(sim, "/deal", {"selection": json.dumps(SELECTION)})
        assert status == 500
        assert gzip.decompress(body).startswith(b"<!DOCTYPE")
    assert deal(sim)[1]["tokensLeft"] == 295


@pytest.mark.parametrize("kind", ["cut", "non_json", "non_gzip"])
def test_a_spoilt_reply_was_charged_and_the_next_is_whole(make, kind):
    sim, _ = make()
    sim.control(fail_next={"kind": kind, "count": 1})
    selection = {"selection": json.dumps(SELECTION)}
    if kind == "cut":
        with pytest.raises(http.client.IncompleteRead):
            exchange(sim, "/deal", selection)
    else:
        status, body, headers = exchange(sim, "/deal", selection)
        assert status == 200
        if kind == "non_json":
            assert gzip.decompress(body).startswith(b"<")
        else:
            assert "Content-Encoding" not in headers
            assert json.loads(body)["tokensLeft"] == 295
    assert deal(sim)[1]["tokensLeft"] == 290


def test_a_timeout_is_charged_never_answered_and_ends_when_the_client_leaves(make):
    sim, _ = make()
    threads = set(threading.enumerate())
    sim.control(fail_next={"kind": "timeout", "count": 1, "endpoint": "/deal"})
    assert call(sim, "/token")[0] == 200
    link = http.client.HTTPConnection(urlsplit(sim.url).netloc, timeout=LIMIT_S)
    link.request("GET", f"/deal?{urlencode({'key': 'k', 'selection': json.dumps(SELECTION)})}")
    wait_until(lambda: sim.control()["log"][-1].get("fault") == "timeout", "the fault")
    assert sim.control()["spent"] == 5
    link.sock.settimeout(0.3)
    with pytest.raises(TimeoutError):
        link.sock.recv(1)
    link.close()
    wait_until(lambda: set(threading.enumerate()) <= threads, "the end of the call")


def test_a_timeout_drops_the_connection_in_the_end(make):
    sim, _ = make(hang_s=0.1)
    sim.control(fail_next={"kind": "timeout", "count": 1})
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        exchange(sim, "/token")


def test_faults_by_probability_are_the_same_for_the_same_seed(make):
    def statuses():
        sim, _ = make(faults={"500": 0.3}, start_balance=10_000)
        return [exchange(sim, "/deal", {"selection": json.dumps(SELECTION)})[0] for _ in range(40)]

    first = statuses()
    assert first == statuses()
    assert 3 < first.count(500) < 25


def test_refused_calls_use_up_no_planned_fault(make):
    sim, _ = make(start_balance=0)
    sim.control(fail_next={"kind": "500", "count": 1})
    assert deal(sim)[0] == 429
    assert deal(sim, {})[0] == 400
    sim.control(balance=10)
    assert exchange(sim, "/deal", {"selection": json.dumps(SELECTION)})[0] == 500


def test_control_over_http_shows_and_changes_everything(make):
    sim, _ = make()
    (asin,) = products(sim, 1)
    call(sim, "/product", {"domain": 1, "asin": asin})
    status, body, _ = exchange(sim, "/control", body=json.dumps({"balance": 77, "rate": 20, "latency_s": 0}), key="")
    assert status == 200
    assert json.loads(body)["bucket"]["balance"] == 77
    state = json.loads(exchange(sim, "/control", key="")[1])
    assert state["bucket"]["rate"] == 20
    assert state["calls"] == {"/deal": {"200": 1}, "/product": {"200": 1}}
    assert state["log"][-1] == {
        "at_ms": START_MS,
        "endpoint": "/product",
        "status": 200,
        "consumed": 1,
        "tokens_left": 294,
        "asins": [asin],
    }
    assert state["log"][-2]["page"] == 0
    assert state["spent"] == 6


@pytest.mark.parametrize(
    "wish",
    [
        {"rate": 0},
        {"balance": "x"},
        {"take": -1},
        {"latency_s": -1},
        {"faults": {"flood": 1}},
        {"faults": {"cut": 2}},
        {"fail_next": {"kind": "flood"}},
        {"fail_next": {"kind": "cut", "count": -1}},
        {"nonsense": 1},
    ],
)
def test_a_wish_that_cannot_be_granted_changes_nothing(make, wish):
    sim, _ = make()
    before = sim.control()
    assert exchange(sim, "/control", body=json.dumps(wish), key="")[0] == 400
    with pytest.raises(ConfigError):
        sim.control(**wish)
    assert sim.control() == before


def test_a_connection_is_kept_for_the_next_call(make):
    sim, _ = make()
    threads = set(threading.enumerate())
    link = http.client.HTTPConnection(urlsplit(sim.url).netloc, timeout=LIMIT_S)
    for _ in range(3):
        assert exchange(sim, "/token", connection=link)[0] == 200
    assert len(set(threading.enumerate()) - threads) == 1
    link.close()


def test_stopping_ends_every_call_and_thread_at_once(make):
    before = set(threading.enumerate())
    sim, _ = make(latency_s=3600, hang_s=3600)
    idle = http.client.HTTPConnection(urlsplit(sim.url).netloc, timeout=LIMIT_S)
    exchange(sim, "/token", connection=idle)
    sim.control(fail_next={"kind": "timeout", "count": 1, "endpoint": "/token"})
    with ThreadPoolExecutor(2) as pool:
        hung = pool.submit(exchange, sim, "/token")
        slow = pool.submit(exchange, sim, "/deal", {"selection": json.dumps(SELECTION)})
        wait_until(lambda: len(set(threading.enumerate()) - before) >= 6, "both calls")
        sim.stop()
        assert hung.exception() is not None
        slow.exception()
    idle.close()
    wait_until(lambda: set(threading.enumerate()) <= before, "the end of every thread")


def test_two_servers_of_one_seed_show_the_same_market_at_the_same_time(make):
    (one, clock_one), (other, clock_other) = make(seed=9), make(seed=9)
    clock_one.advance_s(12_345)
    deal(one)
    for clock, passed in ((clock_one, 12_345), (clock_other, 0)):
        clock.advance_s(50_000 - passed)
    assert deal(one)[1]["deals"] == deal(other)[1]["deals"]


def test_the_account_keeps_its_phase_when_the_server_restarts(make):
    ticks = []
    for passed_ms in (0, 1_000_000):
        sim, _ = make(phase_s=None, start_unix_ms=START_MS + passed_ms)
        body = call(sim, "/token")[1]
        ticks.append((body["timestamp"] + body["refillIn"]) % 60_208)
    assert abs(ticks[0] - ticks[1]) <= 1


@pytest.mark.parametrize("wrong", [{"rate": 0}, {"slots": 35}, {"tick_s": 0}, {"deals": 0}, {"duplicates": 2}])
def test_settings_that_cannot_be_are_named(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong)).replace("_", "-")):
        SimulatorConfig(**wrong)


def raw(sim, *lines, body=b""):
    """Everything a server says to a request written by hand; the connection is closed after it."""
    parts = urlsplit(sim.url)
    head = "\r\n".join([*lines, "Host: x", "Connection: close", "", ""])
    with socket.create_connection((parts.hostname, parts.port), timeout=LIMIT_S) as link:
        link.sendall(head.encode() + body)
        return b"".join(iter(lambda: link.recv(1 << 16), b""))


def test_a_selection_in_chunks_is_read(make):
    sim, _ = make()
    text = json.dumps(SELECTION).encode()
    chunks = b"%x\r\n%s\r\n%x;note=1\r\n%s\r\n0\r\nTrailer: 1\r\n\r\n" % (7, text[:7], len(text) - 7, text[7:])
    reply = raw(sim, "POST /deal?key=k HTTP/1.1", "Transfer-Encoding: chunked", body=chunks)
    head, _, body = reply.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert json.loads(gzip.decompress(body))["deals"]["dr"]


def test_a_chunk_of_no_size_ends_the_body(make):
    sim, _ = make()
    reply = raw(sim, "POST /deal?key=k HTTP/1.1", "Transfer-Encoding: chunked", body=b"zz\r\n\r\n")
    assert reply.startswith(b"HTTP/1.1 400")


def test_head_has_the_head_alone_and_options_say_what_is_allowed(make):
    sim, _ = make()
    head, _, body = raw(sim, "HEAD /token?key=k HTTP/1.1").partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert b"Content-Length: " in head
    assert body == b""
    head, _, body = raw(sim, "OPTIONS /deal HTTP/1.1").partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 204")
    assert b"Allow: GET, HEAD, POST, OPTIONS" in head
    assert body == b""
    assert sim.control()["spent"] == 0


def test_who_takes_no_gzip_gets_none(make):
    sim, _ = make()
    for accepted, is_packed in (("identity", False), ("gzip, deflate", True), ("*", True)):
        reply = raw(sim, "GET /token?key=k HTTP/1.1", f"Accept-Encoding: {accepted}")
        assert (b"Content-Encoding: gzip" in reply) == is_packed
    assert b"Content-Encoding: gzip" in raw(sim, "GET /token?key=k HTTP/1.1")


def test_an_unknown_key_is_unpaid_when_it_has_the_form_of_a_key_and_malformed_otherwise(make):
    sim, _ = make(keys=frozenset({"good"}), lapsed_keys=frozenset({"old"}))
    for key, status, kind in (
        ("a1" * 32, 402, "unauthorized"),
        ("old", 402, "unauthorized"),
        ("a1" * 31, 400, "invalidParameter"),
        ("a-" * 32, 400, "invalidParameter"),
    ):
        got, body = call(sim, "/token", key=key)
        assert (got, body["error"]["type"]) == (status, kind)
        assert (body["refillRate"], body["tokensLeft"]) == (0, 0)


@pytest.mark.parametrize("asin", ["XXXXXXXXXX", "notanasin", "123456789", "A000000000"])
def test_what_has_no_form_of_an_asin_brings_no_products_and_costs_nothing(make, asin):
    sim, _ = make()
    status, body = call(sim, "/product", {"domain": 1, "asin": asin})
    assert (status, body["tokensConsumed"]) == (200, 0)
    assert "products" not in body


def test_among_products_what_has_no_form_is_one_that_is_not_there(make):
    sim, _ = make()
    (asin,) = products(sim, 1)
    body = call(sim, "/product", {"domain": 1, "asin": f"{asin},XXXXXXXXXX"})[1]
    assert [product["productType"] for product in body["products"]] == [0, 4]
    assert body["tokensConsumed"] == 1


def test_products_are_ahead_of_the_deals_they_were_found_in(make):
    sim, _ = make(start_balance=300)
    rows = {row["asin"]: row for row in deal(sim)[1]["deals"]["dr"][:60]}
    fetched = call(sim, "/product", {"domain": 1, "asin": ",".join(rows), "stats": 90})[1]["products"]
    newer = [product for product in fetched if product["lastUpdate"] > rows[product["asin"]]["lastUpdate"]]
    assert len(newer) > 20
    assert any(product["stats"]["current"] != rows[product["asin"]]["current"] for product in newer)
    again = {row["asin"]: row for row in deal(sim)[1]["deals"]["dr"]}
    assert all(again[asin] == row for asin, row in rows.items())


def test_each_key_of_its_own_rate_has_a_bucket_of_its_own(make):
    sim, clock = make(keys=frozenset({"shared"}), key_rates={"poor": 1, "rich": 20}, start_balance=40)

    def left(key):
        return call(sim, "/token", {}, key=key)[1]["tokensLeft"]

    assert deal(sim, key="poor")[0] == 200
    assert (left("poor"), left("rich"), left("shared")) == (35, 40, 40)
    clock.advance_s(2 * TICK_S)
    assert (left("poor"), left("rich"), left("shared")) == (37, 80, 50)
    told = sim.control()
    assert told["spent"] == 0
    assert [(one["bucket"]["rate"], one["spent"]) for one in told["keys"]] == [(1, 5), (20, 0)]
    assert not {"poor", "rich"} & set(json.dumps(told).split('"'))


def test_a_key_lapses_and_is_served_again_while_the_others_go_on(make):
    sim, _ = make(key_rates={"a": 5, "b": 5})
    sim.control(lapsed=[0])
    assert [deal(sim, key=key)[0] for key in ("a", "b")] == [402, 200]
    sim.control(lapsed=[])
    assert [deal(sim, key=key)[0] for key in ("a", "b")] == [200, 200]
    with pytest.raises(ConfigError, match="lapsed must be a list of places"):
        sim.control(lapsed=["a"])
