"""Rule 1 with the real client, spool, ledger and database: a complete reply is never bought twice for its form.

Each spoiling is a line of `SPOILINGS`, done by a server in front of the simulator to what that says.
"""

from __future__ import annotations

import pytest

from tests.fakes.quick_cases import cases
from tests.fixtures.server import START_MIN, WIDE, WITHOUT_WORK_S

HUGE = "9" * 400
TITLE = r'"title":"(?:[^"\\]|\\.)*"'
# What is done to one reply of each endpoint, and how many of its items may then be missing from the tables.
SPOILINGS = {
    "half a surrogate pair": ({"do": "replace", "find": r'"title":"', "with": r'"title":"\ud83d x', "most": 1}, 0),
    "half a pair in each": ({"do": "replace", "find": r'"title":"', "with": r'"title":"\ud83d x'}, 0),
    "NaN for a number": ({"do": "replace", "find": TITLE, "with": '"title":NaN', "most": 1}, 0),
    "a cut escape": ({"do": "replace", "find": r'"title":"', "with": r'"title":"\\u12', "most": 1}, 0),
    "a title that never ends": ({"do": "replace", "find": TITLE, "with": '"title":"x', "most": 1}, 1),
    "a brace too many": ({"do": "replace", "find": r'"title":', "with": '{"title":', "most": 1}, 1),
    "another type in each": ({"do": "replace", "find": TITLE, "with": '"title":[{"a":1}]'}, 0),
    "a NUL in each title": ({"do": "replace", "find": r'"title":"', "with": r'"title":"\\u0000'}, 0),
    "a NUL in an unknown field": ({"do": "replace", "find": TITLE, "with": r'"new":{"a\\u0000":"\\u0000"}'}, 0),
    "a number beyond 32 bits in each": ({"do": "replace", "find": TITLE, "with": '"salesRankDrops30":2147483648'}, 0),
    "a number beyond 64 bits in each": ({"do": "replace", "find": TITLE, "with": f'"rootCat":{2**63}'}, 0),
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


OFTEN = (
    "half a surrogate pair", "a title that never ends", "a brace too many", "a number beyond 64 bits in each",
    "a balance of 400 digits", "nesting 5,000 deep",
)  # fmt: skip


def spoilings(endpoint):
    return {**SPOILINGS, "nesting 5,000 deep": DEEP[endpoint]}


@pytest.fixture
def spoilt(town, spoil):
    """A function that makes a town and a job in it whose server spoils one reply of an endpoint."""

    def make(role, endpoint, told, **market):
        # No deal comes while the test runs, and the oldest ones are more than a day old, where a first walk ends.
        here = town(WIDE, rate=100, market_minute=START_MIN - 600, **market)
        spoiler = spoil(here.simulator.url, {**told, "endpoint": endpoint, "times": 1})
        return here, spoiler, here.job(role, base_url=spoiler.url, upsert_detail="none")

    return make


@pytest.mark.parametrize(("told", "lost"), cases(spoilings("/product"), OFTEN))
def test_products_of_a_spoilt_reply_are_in_the_table_or_kept_and_each_is_paid_for_once(spoilt, told, lost):
    here, spoiler, work = spoilt("backfill", "/product", told, deals=40)
    asins = set(here.market(WIDE))
    here.run(work, 900, without_work_s=WITHOUT_WORK_S)
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


@pytest.mark.parametrize(("told", "lost"), cases(spoilings("/deal"), OFTEN))
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


# Where a body ends, and whether any of its products is whole.
CUTS = {
    "in the middle": ({"do": "cut_body", "keep": 0.5}, True),
    "near its end": ({"do": "cut_body", "keep": 0.98}, True),
    "at its beginning": ({"do": "cut_body", "keep": 0.0003}, False),
}


@pytest.mark.parametrize(("told", "has_whole"), CUTS.values(), ids=CUTS)
def test_of_a_body_that_ends_in_its_middle_what_is_there_is_used_and_only_the_rest_is_asked_for_again(
    spoilt, told, has_whole
):
    here, spoiler, work = spoilt("backfill", "/product", told, deals=40)
    asins = set(here.market(WIDE))
    here.run(work, 300, without_work_s=WITHOUT_WORK_S)
    first = set(spoiler.calls("/product")[0]["asins"].split(","))
    ((raw,),) = here.rows("select raw from quarantine where kind = 'body' and key like '/product history%'")
    assert bytes(raw).startswith(b'{"processingTimeInMs"')
    written = first & {asin for (asin,) in here.rows("select asin from products")}
    assert (written != set()) is has_whole
    here.execute("update fetch_queue set ready_at = now() where state = 'pending'")  # the pause is the database's time
    here.run(work, 600, without_work_s=WITHOUT_WORK_S)
    asked = [asin for call in spoiler.calls("/product") for asin in call["asins"].split(",")]
    assert {asin for (asin,) in here.rows("select asin from products")} == asins
    assert {asin for asin in asins if asked.count(asin) > 1} == first - written
    assert here.rows("select max(attempts) from fetch_queue") == [(1,)]


def test_products_that_were_not_asked_for_are_counted_and_left_out(spoilt):
    told = {"do": "replace", "find": r'"products":\[', "with": '"products":[{"asin":"B0STRANGE1","title":"x"},'}
    here, spoiler, work = spoilt("backfill", "/product", told, deals=40)
    asins = set(here.market(WIDE))
    here.run(work, 300, without_work_s=WITHOUT_WORK_S)
    assert {asin for (asin,) in here.rows("select asin from products")} == asins
    (event,) = here.events("not_asked_for")
    assert (event["endpoint"], event["left_out"]) == ("/product", 1)
    asked = [asin for call in spoiler.calls("/product") for asin in call["asins"].split(",")]
    assert len(asked) == len(asins)


def test_products_of_another_locale_are_not_written_as_if_they_were_of_the_one_asked(spoilt):
    told = {"do": "replace", "find": r'"domainId":1', "with": '"domainId":3', "most": 1}
    here, spoiler, work = spoilt("backfill", "/product", told, deals=40)
    asins = set(here.market(WIDE))
    here.run(work, 300, without_work_s=WITHOUT_WORK_S)
    assert here.events("not_asked_for")[0]["left_out"] == 1
    asked = [asin for call in spoiler.calls("/product") for asin in call["asins"].split(",")]
    assert {asin for (asin,) in here.rows("select asin from products")} == asins  # asked for once more
    assert len(asked) == len(asins) + 1


def test_deals_of_another_locale_are_left_out(spoilt):
    told = {"do": "replace", "find": r'"lastUpdate":', "with": '"domainId":3,"lastUpdate":', "most": 1}
    here, _, work = spoilt("upsert", "/deal", told, deals=40)
    asins = set(here.market(WIDE))
    here.run(work, 50)
    assert here.rows("select count(*) from deals") == [(len(asins) - 1,)]
    assert here.events("not_asked_for")[0]["left_out"] == 1


@pytest.mark.parametrize("seed", cases({str(seed): seed for seed in range(4)}, ["0"]))
def test_products_are_held_and_bought_once_whatever_bytes_are_hit_in_every_reply(town, spoil, seed):
    """Any bytes of every reply, those of its envelope too; an item whose ASIN was hit may be asked for again."""
    here = town(WIDE, rate=100, deals=40)
    spoiler = spoil(here.simulator.url, {"do": "mutate", "endpoint": "/product", "count": 3, "seed": seed})
    work = here.job("backfill", base_url=spoiler.url)
    asins = set(here.market(WIDE))
    here.run(work, 900, without_work_s=WITHOUT_WORK_S)
    here.execute("update fetch_queue set ready_at = now() where state = 'pending'")
    here.run(work, 300, without_work_s=WITHOUT_WORK_S)
    written = {asin for (asin,) in here.rows("select asin from products")}
    kept = b"".join(bytes(raw) for (raw,) in here.rows("select raw from quarantine where raw is not null"))
    asked = [asin for call in spoiler.calls("/product") for asin in call["asins"].split(",")]
    twice = {asin for asin in asins if asked.count(asin) > 1}
    assert all(asin in written or asin.encode() in kept or asin in twice for asin in asins)
    assert len(twice) <= 3 * len(spoiler.calls("/product"))
    assert here.rows("select count(*) from fetch_queue where state in ('leased', 'given up')") == [(0,)]


@pytest.mark.parametrize("seed", cases({str(seed): seed for seed in range(3)}, ["0"]))
def test_a_walk_goes_on_whatever_bytes_are_hit_in_every_page(town, spoil, seed):
    here = town(WIDE, rate=100, deals=200)
    spoiler = spoil(here.simulator.url, {"do": "mutate", "endpoint": "/deal", "count": 3, "seed": seed, "times": 4})
    work = here.job("upsert", base_url=spoiler.url, upsert_detail="none")
    asins = set(here.market(WIDE))
    here.run(work, 1_500)
    assert {asin for (asin,) in here.rows("select asin from deals")} >= asins
    assert here.rows("select count(*) from crawls where state = 'done' and finished_at is not null") == [(1,)]


# Complete replies in another form than the API's, or to another request: what is read, and how often each is asked for.
FORMS = {
    "an object by name": {"do": "by_name"},
    "an error beside the rows": {"do": "set", "path": "error", "raw": '{"type":"odd","message":"but there are rows"}'},
    "each item twice": {"do": "twice"},
    "a cost as text": {"do": "set", "path": "tokensConsumed", "raw": '"5"'},
    "a cost that is true": {"do": "set", "path": "tokensConsumed", "raw": "true"},
    "a refill before now": {"do": "set", "path": "refillIn", "raw": "-5"},
    "an older timestamp": {"do": "set", "path": "timestamp", "raw": "1757000000000"},
}


@pytest.mark.parametrize("told", FORMS.values(), ids=FORMS)
def test_products_in_another_form_are_written_and_paid_for_once(spoilt, told):
    here, spoiler, work = spoilt("backfill", "/product", told, deals=40)
    asins = set(here.market(WIDE))
    here.run(work, 900, without_work_s=WITHOUT_WORK_S)
    assert {asin for (asin,) in here.rows("select asin from products")} == asins
    asked = [asin for call in spoiler.calls("/product") for asin in call["asins"].split(",")]
    assert sorted(asked) == sorted(asins)
    assert here.ledger.snapshot().bucket.balance == here.simulator.control()["bucket"]["balance"]


@pytest.mark.parametrize("told", FORMS.values(), ids=FORMS)
def test_deals_in_another_form_are_written_and_paid_for_once(spoilt, told):
    here, spoiler, work = spoilt("upsert", "/deal", told, deals=40)
    asins = set(here.market(WIDE))
    here.run(work, 50)
    assert len(spoiler.calls("/deal")) == 1
    assert {asin for (asin,) in here.rows("select asin from deals")} == asins
    assert here.rows("select state from crawls") == [("done",)]


DEALS = '{"deals":{"dr":[]},"timestamp":1757873538842,"tokensLeft":9,"tokensConsumed":5,"refillIn":1,"refillRate":100}'
PRODUCTS = DEALS.replace('"deals":{"dr":[]}', '"products":[]')
# Whole bodies that answer nothing of what was asked for.
VOID = {
    "null for the list": {"do": "replace", "find": r'"(products|dr)":\[.*\]', "with": '"products":null,"dr":null'},
    "no list": {"do": "replace", "find": r'"(products|deals|dr)":', "with": '"other":'},
    "an empty list of products": {"do": "replace", "find": r"(?s)^.*$", "with": PRODUCTS, "most": 1},
    "deals in the place of products": {"do": "replace", "find": r"(?s)^.*$", "with": DEALS, "most": 1},
}


@pytest.mark.parametrize("told", VOID.values(), ids=VOID)
def test_a_body_that_answers_nothing_is_kept_and_its_work_is_asked_for_again_after_a_pause(spoilt, told):
    here, spoiler, work = spoilt("backfill", "/product", told, deals=40)
    asins = set(here.market(WIDE))
    here.run(work, 300, without_work_s=WITHOUT_WORK_S)
    ((raw,),) = here.rows("select raw from quarantine where kind = 'body' and key like '/product history%'")
    assert b"tokensConsumed" in bytes(raw)
    first = set(spoiler.calls("/product")[0]["asins"].split(","))
    assert here.rows("select count(*) from fetch_queue where attempts = 1 and ready_at > now()") == [(len(first),)]
    here.execute("update fetch_queue set ready_at = now() where state = 'pending'")  # the pause is the database's time
    here.run(work, 600, without_work_s=WITHOUT_WORK_S)
    asked = [asin for call in spoiler.calls("/product") for asin in call["asins"].split(",")]
    assert {asin for (asin,) in here.rows("select asin from products")} == asins
    assert {asin for asin in asins if asked.count(asin) > 1} == first
    assert here.rows("select max(attempts) from fetch_queue") == [(1,)]


ELSEWHERE = {"all of another locale": {"do": "replace", "find": r'"lastUpdate":', "with": '"domainId":3,"lastUpdate":'}}


@pytest.mark.parametrize("told", [*list(VOID.values())[:3], *ELSEWHERE.values()], ids=[*list(VOID)[:3], *ELSEWHERE])
def test_a_page_that_is_none_of_what_was_asked_for_is_kept_and_ends_no_walk(spoilt, told):
    here, _, work = spoilt("upsert", "/deal", told, deals=40)
    here.run(work, 50)
    assert here.rows("select count(*) from deals") == [(0,)]
    assert here.rows("select count(*) from crawls where state = 'done'") == [(0,)]
    ((raw,),) = here.rows("select raw from quarantine where kind = 'body' and key like '/deal%page 0'")
    assert b"tokensConsumed" in bytes(raw)
    here.run(work, 4_000)
    assert here.rows("select count(*) from crawls where state = 'done'") == [(1,)]
    assert here.rows("select count(*) from deals") >= [(10,)]
