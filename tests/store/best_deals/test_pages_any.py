"""Page after page in any order with many ties: what one statement gives, each deal once, also while others change."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.keepa.prices import NAMES
from tasks.store import deals
from tasks.store.best_deals import pages, position
from tasks.store.best_deals.conditions import Conditions, ResaleTerms
from tests.fixtures.database.best_deals import COM, DE, NEW, SALES, USED, which
from tests.store.conftest import a_deal

NOW = datetime.now(UTC)
TERMS = ResaleTerms(sell_at="mean", per_item=Decimal(1))
TYPES = ["NEW", "USED"]
ORDERS = {
    "discount": "discount_percent_week DESC, sales_rank NULLS LAST",
    "drop": "avg_week - price DESC, discount_percent_week DESC",
    "price": "price, discount_percent_week DESC",
    "rank": "sales_rank NULLS LAST, discount_percent_week DESC",
    "newest": "deal_since DESC, discount_percent_week DESC",
    "roi": "roi_percent DESC NULLS LAST, profit DESC NULLS LAST",
    "profit": "profit DESC NULLS LAST, roi_percent DESC NULLS LAST",
}
ONE_STATEMENT = """
SELECT best.domain, best.asin FROM (
    SELECT DISTINCT ON (domain, asin) * FROM current_deals
    WHERE price_type IN ('NEW', 'USED') AND discount_percent_week >= 1
    ORDER BY domain, asin, discount_percent_week DESC, price, avg_week, price_type
) AS best
JOIN products AS p USING (domain, asin)
CROSS JOIN LATERAL resale(
    keepa_units(best.price + 1, best.domain), keepa_units(best.avg_week, best.domain),
    p.referral_fee_percentage, p.fba_pick_and_pack_fee, p.variable_closing_fee, best.domain
) AS m
ORDER BY {order}, best.domain, best.asin
"""
FEES = """
INSERT INTO products (
    domain, asin, is_found, first_fetched_at, fetched_at, referral_fee_percentage, fba_pick_and_pack_fee
) VALUES (%(domain)s, %(asin)s, true, %(at)s, %(at)s, 15, %(fba_fee)s)
"""
# Few values, so that most deals are equal in what they are sorted by; the percent says nothing of the mean.
offers = st.none() | st.tuples(st.sampled_from((300, 400)), st.sampled_from((600, 601)), st.sampled_from((40, 50)))
RANKS = (-1, 7, 2**31 - 1)  # none, and the greatest that the column takes
readings = st.tuples(offers, offers, st.sampled_from(RANKS), st.sampled_from((7_000_000, 7_000_001)))
listed_deals = st.lists(readings, min_size=1, max_size=16)
changes = st.lists(st.tuples(st.integers(0, 15), st.none() | readings), max_size=6)
KEYS = [(domain, f"B{number:09d}") for number in range(16) for domain in (COM, DE)]


@pytest.fixture(scope="module")
def some(pg_server):
    """A connection to a database of this file, with what is known of the products: of a few of them no fees."""
    from tasks.store.connection import connect
    from tests.fixtures.database.postgres import TEMPLATE

    with pg_server.copy(TEMPLATE) as url, connect(url, application_name="test", autocommit=True) as conn:
        for number, (domain, asin) in enumerate(KEYS):
            fba_fee = None if number % 5 == 0 else 100
            conn.execute(FEES, {"domain": domain, "asin": asin, "at": NOW, "fba_fee": fba_fee})
        yield conn


class Listed:
    """The deals of the database, each of which can become another one."""

    def __init__(self, conn):
        self.conn = conn
        self.updates = conn.execute("SELECT coalesce(max(last_update), 7000000) FROM deal_rows").fetchone()[0]
        self.conn.execute("DELETE FROM deal_rows")
        self.conn.execute("DELETE FROM deal_sightings")

    def put_all(self, found):
        found = list(found)
        for domain in (COM, DE):
            page = [self.deal(key, reading) for key, reading in found if key[0] == domain]
            with self.conn.transaction():
                deals.write(self.conn, domain, page, seen_at=NOW)

    def deal(self, key, reading):
        self.updates += 1
        current, avg, percent = [-1] * 36, [[-1] * 36 for _ in range(4)], [[0] * 36 for _ in range(4)]
        for place, offer in ((NEW, reading[0]), (USED, reading[1])):
            if offer is not None:
                current[place], avg[1][place], percent[1][place] = offer
        current[SALES] = reading[2]
        return a_deal(
            key[1], current=current, avg=avg, delta_percent=percent, creation_date=reading[3], last_update=self.updates
        )

    def remove(self, key):
        with self.conn.transaction():
            deals.lock(self.conn, key[0])
            deals.remove(self.conn, key[0], [key[1]])

    def in_order(self, sort):
        return self.conn.execute(ONE_STATEMENT.format(order=ORDERS[sort])).fetchall()


def asked(sort, top):
    found = which(top=top, domain=None, price_types=TYPES, within=timedelta(days=1))
    if sort in {"roi", "profit"}:
        return replace(found, conditions=Conditions(terms=TERMS, sort=sort))
    return replace(found, sort=sort)


def read_all(conn, sort, top, between=lambda: None):
    """The deals of all pages; `between` is called before the second and each one after it."""
    after, read = None, []
    while True:
        page = pages.read_page(conn, replace(asked(sort, top), after=after))
        assert len(page.deals) == top or page.after is None
        read += [(one.domain, one.asin) for one in page.deals]
        if page.after is None:
            return read
        after = position.read(page.after.text(), sort)
        between()


@pytest.mark.parametrize("sort", ORDERS)
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(listed_deals, changes, st.integers(1, 5))
def test_all_pages_together_are_one_statement_and_lose_nothing_that_stays(some, sort, found, later, top):
    listed = Listed(some)
    listed.put_all(zip(KEYS, found, strict=False))
    before = listed.in_order(sort)
    assert read_all(some, sort, top) == before
    left, changed = list(later), set()

    def change():
        if left:
            number, reading = left.pop()
            changed.add(KEYS[number])
            if reading is None:
                listed.remove(KEYS[number])
            else:
                listed.put_all([(KEYS[number], reading)])

    read = read_all(some, sort, top, between=change)
    assert [key for key in read if key not in changed] == [key for key in before if key not in changed]


def test_price_types_that_are_equal_in_all_but_the_mean_are_told_apart(some):
    """Otherwise it would be up to the plan of PostgreSQL which of them a page shows, and where it stands."""
    listed = Listed(some)
    listed.put_all([(key, ((300, 601, 50), (300, 600, 50), -1, 7_000_000)) for key in KEYS])
    for top in (1, 7, 100):
        found = pages.read_page(some, asked("drop", top)).deals
        assert {(one.price_type, one.average) for one in found} == {("USED", Decimal("6.00"))}


def test_every_order_of_a_list_is_among_them():
    assert set(position.KEYS) == set(ORDERS)
    assert {NAMES[NEW], NAMES[USED]} == set(TYPES)
