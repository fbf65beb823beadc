"""The simulator is told of its account over HTTP, and one seed makes the same market each time."""

from __future__ import annotations

import json

import pytest

from tasks.errors import ConfigError
from tasks.simulator.config import SimulatorConfig
from tests.fixtures.simulator_calls import START_MS, call, deal, exchange, products


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
