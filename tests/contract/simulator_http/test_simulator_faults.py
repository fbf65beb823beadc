"""Faults of the simulator on demand and by chance, and which of them were charged."""

from __future__ import annotations

import gzip
import http.client
import json
import threading
from urllib.parse import urlencode, urlsplit

import pytest

from tests.fakes.waiting import LIMIT_S, wait_until
from tests.fixtures.simulator_calls import SELECTION, call, deal, exchange


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
