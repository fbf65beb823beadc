"""What the simulator charges, and what it refuses without a charge."""

from __future__ import annotations

import gzip
import json
import socket
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode, urlsplit

import pytest

from tasks.errors import ConfigError
from tests.fakes.waiting import wait_until
from tests.fixtures.jobs import held
from tests.fixtures.simulator_calls import SELECTION, START_MS, TICK_S, call, deal, envelope, exchange

ZEROS = {
    "refillIn": 0,
    "refillRate": 0,
    "tokenFlowReduction": 0.0,
    "tokensConsumed": 0,
    "tokensLeft": 0,
    "processingTimeInMs": 0,
}


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
        assert body == envelope(-249)
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


@pytest.mark.parametrize("asin", ["AAAAAAAAAA", "notanasin", "123456789", "A000000000"])
def test_what_has_no_form_of_an_asin_brings_no_products_and_costs_nothing(make, asin):
    sim, _ = make()
    status, body = call(sim, "/product", {"domain": 1, "asin": asin})
    assert (status, body["tokensConsumed"]) == (200, 0)
    assert "products" not in body


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
