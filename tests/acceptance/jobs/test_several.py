"""Several selections in several locales at once, and the dearest detail: each walk its own, each product whole."""

from __future__ import annotations

import pytest

from tasks.keepa.selection.selection import for_domains
from tasks.settings import SelectionSettings
from tests.fixtures.server import WIDE

USED = WIDE | {"priceTypes": [2], "dateRange": 1}
GERMAN = WIDE | {"domainId": 3}
SELECTIONS = tuple(
    SelectionSettings(name=name, query=query)
    for name, query in {"new": WIDE, "used": USED, "german": GERMAN, "new again": WIDE | {"sortType": 4}}.items()
)
TARGETS = [(WIDE, 1), (WIDE, 2), (USED, 1), (USED, 2), (GERMAN, 3)]


def key(query, domain):
    (selection,) = for_domains(query, name="any", domains=(domain,))
    return selection.key


@pytest.fixture
def busy(town):
    """A town with tokens to spare and five streams in three locales; the fourth selection is the first once more."""
    here = town(WIDE, rate=200, deals=80)

    def work(role, seconds, **changes):
        done = here.job(role, selections=SELECTIONS, keepa_domains=(1, 2), **changes)
        here.run(done, seconds)
        return done

    return here, work


def test_each_selection_in_each_locale_has_its_own_watermark_and_all_its_deals(busy):
    here, work = busy
    work("upsert", 700, upsert_detail="none", poll_interval_s=300)
    expected = {(key(query, domain), domain) for query, domain in TARGETS}
    assert {tuple(row) for row in here.rows("select selection_key, domain from watermarks")} == expected
    assert {
        tuple(row) for row in here.rows("select selection_key, domain from crawls where job = 'upsert'")
    } == expected
    kept = {(domain, asin) for domain, asin in here.rows("select domain, asin from deals")}
    assert {domain for domain, _ in kept} == {1, 2, 3}
    latest = dict(here.rows("select selection_key || domain, minute from watermarks"))
    for query, domain in TARGETS:
        known = latest[f"{key(query, domain)}{domain}"]
        shown = [deal for deal in here.market(query, domain).values() if deal.creation_date <= known]
        assert shown
        assert {(domain, deal.asin) for deal in shown} <= kept
    walked = {event["selection"] for event in here.events("walk_complete")}
    assert walked == {
        "new, amazon.com",
        "new, amazon.co.uk",
        "used, amazon.com",
        "used, amazon.co.uk",
        "german, amazon.de",
    }


def test_each_selection_in_each_locale_is_crawled_and_the_product_is_fetched_where_it_was_found(busy):
    here, work = busy
    work("backfill", 500, backfill_detail="stats")
    crawled = here.rows("select selection_key, domain, state from crawls where job = 'backfill'")
    assert {tuple(row) for row in crawled} == {(key(query, domain), domain, "done") for query, domain in TARGETS}
    queued = {tuple(row) for row in here.rows("select domain, asin from fetch_queue")}
    for query, domain in TARGETS:
        found = {(domain, asin) for asin in here.market(query, domain)}
        assert len(found - queued) <= 0.1 * len(found)  # the market moved on since
    assert here.rows("select domain, asin from products except select domain, asin from fetch_queue") == []
    assert {domain for (domain,) in here.rows("select distinct domain from products")} == {1, 2, 3}


def test_with_offers_every_product_has_its_history_its_figures_and_its_offers(town):
    here = town(WIDE, rate=500, deals=60)
    here.run(here.job("backfill", backfill_detail="offers"), 600)
    assert here.rows("select count(*) from products where is_found")[0][0] >= 30
    parts = "select asin from products where is_found and title is not null"
    for part in ("history_update is null", "stats is null", "offers_update is null", "offers_fetched_at is null"):
        assert here.rows(f"{parts} and product_type <> 5 and {part}") == []
    live = here.rows(
        "select p.live_offers_order, array_agg(o.place order by o.live_place) filter (where o.live_place is not null)"
        " from products p left join offers o using (domain, asin) where p.offers_successful group by p.domain, p.asin"
    )
    assert len(live) >= 20
    assert all(order == places for order, places in live)
    assert here.rows("select count(*) from live_offers where price > 0 and condition is not null")[0][0] > 50
