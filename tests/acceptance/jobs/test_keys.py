"""A worker with several keys: each spends its own tokens, nothing is paid for twice, one that lapses rests alone."""

from __future__ import annotations

import pytest

from tasks.errors import Forbidden
from tests.fixtures.server import TICK_S, WIDE

USED = WIDE | {"priceTypes": [2]}
QUICK = {"backfill_detail": "stats"}  # a token each, and little for the simulator to make up


@pytest.mark.kill
def test_each_key_spends_what_it_earns(agency):
    """The queue is longer than the tokens of all keys together, and no refill is lost."""
    here = agency({"poor": (3, [WIDE]), "middle": (5, []), "rich": (20, [USED])}, start_balance=25)
    with here.worker("backfill", **QUICK) as work:
        work(3 * TICK_S)
        before = {name: here.account(name) for name in here.names}
        work(4 * TICK_S)
    for name in here.names:
        told = here.account(name)
        assert (told["refused_429"], told["expired"]) == (0, 0)
        spent = told["spent"] - before[name]["spent"]
        left = told["bucket"]["balance"] - before[name]["bucket"]["balance"]
        assert spent + left == told["refilled"] - before[name]["refilled"]
        assert left <= told["bucket"]["rate"], "but for what came in just now all is spent"


def test_a_product_that_two_keys_want_is_paid_for_once(agency):
    here = agency(
        {"poor": (5, [WIDE]), "rich": (20, [WIDE | {"currentRange": [0, 10**6]}])}, deals=50, start_balance=20
    )
    with here.worker("backfill", **QUICK) as work:
        work(8 * TICK_S)
    paid = here.paid()
    assert {name for names in paid.values() for name in names} == {"poor", "rich"}
    assert {asin: names for asin, names in paid.items() if len(names) > 1} == {}
    assert here.rows("select count(*) from fetch_queue where state = 'pending'") == [(0,)]
    charged = dict(here.rows("select account, sum(cost)::int from calls group by 1"))
    assert charged == {name: here.account(name)["spent"] for name in here.names}


def test_a_selection_of_two_keys_is_walked_with_one_of_them(agency):
    here = agency({"first": (20, [WIDE]), "second": (20, [WIDE])}, deals=50)
    with here.worker("upsert", upsert_detail="none", poll_interval_s=60) as work:
        work(5 * TICK_S)
    pages = [sum(call["endpoint"] == "/deal" for call in here.account(name)["log"]) for name in here.names]
    assert pages[0] > 0
    assert pages[1] == 0


@pytest.mark.kill
def test_keys_of_one_pool_pay_for_each_other_and_not_for_another_pool(agency):
    here = agency({"a": (5, [WIDE], "north"), "b": (5, [], "north"), "c": (5, [USED], "south")}, start_balance=20)
    with here.worker("backfill", **QUICK) as work:
        work(5 * TICK_S)
    asked_by = dict(here.rows("select asin, selection_key from fetch_queue"))
    paid_by = {}
    for asin, names in here.paid().items():
        paid_by.setdefault(asked_by[asin], set()).update(names)
    assert sorted(map(sorted, paid_by.values())) == [["a", "b"], ["c"]]


def test_a_key_that_lapses_rests_alone_and_is_told_with_its_end(agency):
    here = agency({"poor": (10, [WIDE]), "rich": (20, [])}, start_balance=0, deals=1_200)
    with here.worker("backfill", **QUICK) as work:
        work(5 * TICK_S)
        here.simulator.control(lapsed=[1])
        before = here.account("poor")["spent"]
        work(4 * TICK_S)
        assert set(here.conditions()) == {"key rich"}
        assert "402" in here.conditions()["key rich"]
        assert here.account("poor")["spent"] >= before + 3 * 10, "the other goes on as if nothing had happened"
        assert [event["key"] for event in here.events("key_refused")] == ["rich"]
        assert here.account("rich")["calls"]["/product"].get("402", 0) <= 1, "what would cost tokens is asked once"
        assert here.rows("select count(*) from fetch_queue where state = 'leased'") == [(0,)]
        here.simulator.control(lapsed=[])
        spent = here.account("rich")["spent"]
        work(5 * TICK_S)
        assert here.conditions() == {}
        assert [event["key"] for event in here.events("key_served_again")] == ["rich"]
        assert here.account("rich")["spent"] > spent


def test_a_worker_ends_when_none_of_its_keys_is_served(agency):
    here = agency({"a": (20, [WIDE]), "b": (20, [USED])}, deals=50)
    here.simulator.control(lapsed=[0, 1])
    with here.worker("backfill", **QUICK) as work, pytest.raises(Forbidden):
        work(5 * TICK_S)
