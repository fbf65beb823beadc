"""`history` says who sells a product, and what to do where that is not known."""

import json
from datetime import UTC, datetime

import pytest

from supervisor.cli.fetch import fetch_answer
from supervisor.cli.fetch.fetch_answer import Fetched
from tasks.errors import NoRows
from tasks.jobs.look_up import Answer, LookUp
from tasks.keepa.decode.replies import Offer
from tasks.keepa.request import ProductRequest
from tasks.store.products import products

A, B = "B00000000A", "B00000000B"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SELLER = "A1QUAC68EAM09F"
OFFER = Offer(
    offer_id=7, seller_id=SELLER, condition=1, last_seen=7_800_000, offer_csv=[7_700_000, 900, 399], is_fba=True,
    is_prime=True,
)  # fmt: skip
AMAZON = Offer(offer_id=8, is_amazon=True, condition=1, last_seen=7_800_000, offer_csv=[7_700_000, 12_34, 0])
OWN = Offer(
    offer_id=9, seller_id="A2OWN", condition=1, last_seen=7_800_000, offer_csv=[7_700_000, 950, 0], is_fba=False,
    is_prime=False,
)  # fmt: skip
UNTOLD = Offer(offer_id=10, seller_id="A3UNTOLD", condition=1, last_seen=7_800_000, offer_csv=[7_700_000, 960, 0])


@pytest.fixture
def write(conn, make_product):
    def write(**more):
        one = make_product(A, **more)
        with conn.transaction():
            products.write(conn, 1, [one], fetched_at=NOON, has_history=True)

    return write


@pytest.fixture
def told(ask, database_url):
    def told(*more):
        code, out = ask(database_url, "history", A, *more)
        assert code == 0
        return out

    return told


def test_it_lists_who_sells_the_product_at_what_price(write, told):
    write(offers=[OFFER, AMAZON], live_offers_order=[1, 0], offers_successful=True)
    text = told().split("in the shop's order:\n")[1].splitlines()
    assert text[0].split() == ["seller", "condition", "price", "USD", "shipping", "ships", "since", "seen"]
    assert text[1].split()[:5] == ["Amazon", "new", "12.34", "0.00", "Amazon"]
    assert text[2].split()[:6] == [SELLER, "new", "9.00", "3.99", "FBA,", "Prime"]
    whole = json.loads(told("--json"))
    assert [one["seller_id"] for one in whole["offers"]] == [None, SELLER]
    assert whole["offers"][1]["shipping"] == 3.99
    assert whole["offers_fetched_at"] == "2026-03-01T12:00:00Z"


def test_who_ships_an_offer_is_told_where_it_is_known(write, told):
    write(offers=[OWN, UNTOLD], live_offers_order=[0, 1], offers_successful=True)
    text = told().split("in the shop's order:\n")[1].splitlines()
    assert [line.split()[4] for line in text[1:3]] == ["seller", "-"]


def test_nobody_sells_it_is_another_answer_than_nobody_asked(write, told):
    write()
    assert f"`sluicegate fetch {A} --detail offers`" in told()
    assert json.loads(told("--json"))["offers"] is None
    write(last_update=99_999_999, offers=[], live_offers_order=[], offers_successful=True)
    assert "no offers found at 2026-03-01" in told()
    assert json.loads(told("--json"))["offers"] == []


def test_fetch_shows_the_same_offers(write, conn, capsysbinary):
    write(offers=[OFFER, AMAZON], live_offers_order=[1, 0], offers_successful=True)
    fetched = Fetched()
    fetched.add(LookUp(ProductRequest(1, (A,), "offers")), Answer(asins=(A,), cost=6, balance=9), NOON)
    fetched.read(conn)
    fetch_answer.show(fetched, as_json=False)
    assert SELLER in capsysbinary.readouterr().out.decode()
    fetch_answer.show(fetched, as_json=True)
    (one,) = json.loads(capsysbinary.readouterr().out)["products"]
    assert [offer["seller_id"] for offer in one["offers"]] == [None, SELLER]


def test_a_product_that_nobody_named_can_be_fetched(ask, database_url):
    with pytest.raises(NoRows, match=f"`sluicegate fetch {B}`"):
        ask(database_url, "history", B)
