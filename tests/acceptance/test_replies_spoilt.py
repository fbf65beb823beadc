"""Rule 1 with the real client, spool, ledger and database: a complete reply is never bought twice for its form.

Each spoiling is a line of `SPOILINGS`, done by a server in front of the simulator to what that says.
"""

from __future__ import annotations

import pytest

from tests.fixtures_town import WIDE

HUGE = "9" * 400
# What is done to one reply of each endpoint, and how many of its items may then be missing from the tables.
SPOILINGS = {
    "half a surrogate pair": ({"do": "replace", "find": r'"title":"', "with": r'"title":"\ud83d x', "most": 1}, 0),
    "half a pair in each": ({"do": "replace", "find": r'"title":"', "with": r'"title":"\ud83d x'}, 0),
    "NaN for a number": ({"do": "replace", "find": r'"title":"[^"]*"', "with": '"title":NaN', "most": 1}, 0),
    "a cut escape": ({"do": "replace", "find": r'"title":"', "with": r'"title":"\\u12', "most": 1}, 0),
    "a title that never ends": ({"do": "replace", "find": r'"title":"[^"]*"', "with": '"title":"x', "most": 1}, 1),
    "a brace too many": ({"do": "replace", "find": r'"title":', "with": '{"title":', "most": 1}, 1),
    "another type in each": ({"do": "replace", "find": r'"title":"[^"]*"', "with": '"title":[{"a":1}]'}, 0),
    "a cost of 32 bits and more": ({"do": "set", "path": "tokensConsumed", "raw": "2147483653"}, 0),
    "a cost of 400 digits": ({"do": "set", "path": "tokensConsumed", "raw": HUGE}, 0),
    "a cost of 100,000": ({"do": "set", "path": "tokensConsumed", "raw": "100000"}, 0),
    "a balance of 400 digits": ({"do": "set", "path": "tokensLeft", "raw": HUGE}, 0),
    "a balance of 5,000 digits": ({"do": "set", "path": "tokensLeft", "raw": "9" * 5_000}, 0),
    "a balance that cannot be": ({"do": "set", "path": "tokensLeft", "raw": "-1000000000"}, 0),
    "a balance of NaN": ({"do": "set", "path": "tokensLeft", "raw": "NaN"}, 0),
    "no time": ({"do": "set", "path": "timestamp", "raw": "null"}, 0),
}
DEEP = {
    "/deal": ({"do": "nest", "path": "deals.dr.0.title"}, 0),
    "/product": ({"do": "nest", "path": "products.0.title"}, 0),
}


def spoilings(endpoint):
    return {**SPOILINGS, "nesting 5,000 deep": DEEP[endpoint]}


@pytest.fixture
def spoilt(town, spoil):
    """A function that makes a town and a job in it whose server spoils one reply of an endpoint."""

    def make(role, endpoint, told, **market):
        here = town(WIDE, rate=100, **market)
        spoiler = spoil(here.simulator.url, {**told, "endpoint": endpoint, "times": 1})
        return here, spoiler, here.job(role, base_url=spoiler.url, upsert_detail="none")

    return make


@pytest.mark.parametrize(("told", "lost"), spoilings("/product").values(), ids=spoilings("/product"))
def test_products_of_a_spoilt_reply_are_in_the_table_or_kept_and_each_is_paid_for_once(spoilt, told, lost):
    here, spoiler, work = spoilt("backfill", "/product", told, deals=40)
    asins = set(here.market(WIDE))
    here.run(work, 900)
    assert here.rows("select distinct state from fetch_queue") == [("done",)]
    asked = [asin for call in spoiler.calls("/product") for asin in call["asins"].split(",")]
    assert sorted(asked) == sorted(asins)  # each once
    written = {asin for (asin,) in here.rows("select asin from products")}
    kept = b"".join(bytes(raw) for (raw,) in here.rows("select raw from quarantine where kind = 'product'"))
    assert len(asins - written) <= lost
    assert all(asin.encode() in kept for asin in asins - written)
    balance = here.simulator.control()["bucket"]["balance"]
    assert here.ledger.snapshot().bucket.balance == balance
    assert not list((here.folder / "spool").glob("*.reply"))


@pytest.mark.parametrize(("told", "lost"), spoilings("/deal").values(), ids=spoilings("/deal"))
def test_deals_of_a_spoilt_page_are_in_the_table_or_kept_and_the_page_is_paid_for_once(spoilt, told, lost):
    here, spoiler, work = spoilt("upsert", "/deal", told, deals=40)
    asins = set(here.market(WIDE))
    here.run(work, 50)  # the first walk
    assert len(spoiler.calls("/deal")) == 1
    written = {asin for (asin,) in here.rows("select asin from deals")}
    kept = b"".join(bytes(raw) for (raw,) in here.rows("select raw from quarantine where kind = 'deal'"))
    assert len(asins - written) <= lost
    assert all(asin.encode() in kept for asin in asins - written)
    assert here.rows("select state from crawls") == [("done",)] or lost
    here.run(work, 200)
    assert here.ledger.snapshot().bucket.balance == here.simulator.control()["bucket"]["balance"]
    assert here.rows("select count(*) from deals") == [(len(asins),)]  # the next walk heals what was lost
