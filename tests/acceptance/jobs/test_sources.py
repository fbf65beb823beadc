"""Sources beside selections in virtual time: what they list is queued, paid by backfill, and fetched like all else."""

from __future__ import annotations

from tasks.settings import SourceSettings
from tests.fixtures.server import WIDE

BOOKS = 283_155
WAREHOUSE = "A2L77EE7U53NWQ"
BEST = {"source": "bestsellers", "domainId": 1, "categoryId": BOOKS}
SHOP = {"source": "seller", "domainId": 1, "sellerId": WAREHOUSE}
CHEAP = {"source": "product-finder", "domainId": 1, "query": {"current_NEW_lte": 3_000, "current_NEW_gte": 1}}
TOYS = {"source": "category", "domainId": 1, "categoryId": 165_793_011, "most": 60}
LIGHTNING = {"source": "lightning-deals", "domainId": 1}
UNKNOWN = {"source": "product-finder", "domainId": 1, "query": {"isSNS": True}}


def given(**queries):
    return tuple(SourceSettings(name=name, query=query) for name, query in queries.items())


def calls_to(here, *endpoints):
    return [call for call in here.simulator.control()["log"] if call["endpoint"] in endpoints]


def listing_calls(here):
    return calls_to(here, "/bestsellers", "/seller", "/query", "/lightningdeal")


def test_every_kind_fills_the_same_queue_and_backfill_pays_and_fetches(town):
    here = town(WIDE, rate=60, start_balance=3_600, deals=60)
    sources = given(best=BEST, shop=SHOP, cheap=CHEAP, toys=TOYS, lightning=LIGHTNING)
    work = here.job("backfill", selections=(), sources=sources, backfill_detail="stats")
    here.run(work, 2_400)
    paid = {call["endpoint"]: [] for call in listing_calls(here)}
    for call in listing_calls(here):
        paid[call["endpoint"]].append(call["consumed"])
    assert paid["/bestsellers"] == [50]
    assert paid["/seller"] == [10]
    assert paid["/lightningdeal"] == [500]
    assert len(paid["/query"]) == 2
    market = here.simulator.service._market
    books = {market.item(at).asin for at in range(len(market)) if market.item(at).root and market.item(at).is_book}
    queued = {asin for (asin,) in here.rows("select asin from fetch_queue")}
    assert len(books & queued) > 10
    assert here.rows("select count(*) from fetch_queue where state <> 'done'") == [(0,)]
    assert here.rows("select distinct tier from calls where cost > 0") == [("backfill",)]
    state = here.simulator.control()
    assert here.rows("select sum(cost)::int from calls") == [(state["spent"],)]
    assert state["refused_429"] == 0
    assert here.ledger.snapshot().bucket.drift == 0
    assert here.rows("select count(*) from crawls where state = 'done' and job = 'backfill'") == [(5,)]


def test_a_source_is_asked_again_when_its_refresh_is_over_and_what_was_fetched_is_left_alone(town):
    here = town(WIDE, rate=60, start_balance=3_600, deals=60)
    work = here.job("backfill", selections=(), sources=given(shop=SHOP | {"refresh": "2h"}), backfill_detail="stats")
    here.run(work, 600)
    fetched = here.rows("select count(*) from calls where endpoint = '/product'")
    assert len(listing_calls(here)) == 1
    here.execute("update crawls set finished_at = finished_at - interval '3 h'")
    here.run(work, 600)
    assert len(listing_calls(here)) == 2
    assert here.rows("select count(*) from calls where endpoint = '/product'") == fetched


def test_a_refused_source_is_told_with_its_reason_and_the_others_go_on(town):
    here = town(WIDE, rate=60, start_balance=3_600, deals=60)
    work = here.job("backfill", selections=(), sources=given(odd=UNKNOWN, shop=SHOP), backfill_detail="stats")
    here.run(work, 600)
    (told,) = here.beats[-1]["conditions"]
    assert told["kind"] == "sources"
    assert told["why"].startswith("odd, amazon.com: 400 for /query")
    assert here.rows("select name, kind from refused_sources, quarantine") == [("odd, amazon.com", "request")]
    assert [call["status"] for call in calls_to(here, "/query")] == [400]
    assert [call["status"] for call in calls_to(here, "/seller")] == [200]
    assert here.rows("select count(*) > 0 from fetch_queue where state = 'done'") == [(True,)]
    again = here.job("backfill", worker="again", selections=(), sources=given(odd=UNKNOWN, shop=SHOP))
    here.run(again, 120)
    assert here.beats[-1]["conditions"][0]["kind"] == "sources", "a restart does not hide it"


def test_a_source_that_costs_more_than_there_can_ever_be_is_told_and_not_asked(town):
    here = town(WIDE, rate=5, start_balance=300, deals=60)
    work = here.job("backfill", selections=(), sources=given(lightning=LIGHTNING, shop=SHOP), backfill_detail="stats")
    here.run(work, 900)
    (told,) = here.beats[-1]["conditions"]
    assert "it costs 500 tokens at once, and backfill can have 150 at the most on this plan" in told["why"]
    assert [call["endpoint"] for call in listing_calls(here)] == ["/seller"]


def test_a_search_goes_on_at_its_page_when_another_worker_takes_over(town):
    here = town(WIDE, rate=100, start_balance=6_000, deals=450)
    sources = given(all={"source": "product-finder", "domainId": 1, "query": {"productType": [0]}, "most": 1_100})
    first = here.job("backfill", worker="first", selections=(), sources=sources, backfill_detail="stats")
    while not listing_calls(here):
        first.step()
    first.close()
    here.execute("delete from turns")  # as when the machine of the first is gone
    second = here.job("backfill", worker="second", selections=(), sources=sources, backfill_detail="stats")
    while len(listing_calls(here)) < 2:
        here.run(second, 1)
    here.run(second, 1)
    assert [call["page"] for call in listing_calls(here)] == [0, 1]
    assert [call["consumed"] for call in listing_calls(here)] == [20, 12]
    assert here.rows("select count(*) from fetch_queue") == [(1_100,)]


def test_what_a_selection_lists_too_stays_wanted_when_the_source_is_taken_away(town):
    here = town(WIDE, rate=100, start_balance=6_000, deals=60)
    sources = given(all={"source": "product-finder", "domainId": 1, "query": {"productType": [0]}})
    first = here.job("backfill", worker="first", sources=sources, backfill_detail="stats")
    here.run(first, 60)
    first.close()
    listed = {asin for (asin,) in here.rows("select asin from deals")}
    askers = dict(here.rows("select asin, selection_key from fetch_queue"))
    assert listed <= askers.keys()
    assert len({askers[asin] for asin in listed}) == 1, "the selection listed them first, and keeps them"
    assert len(set(askers.values())) == 2
