"""After any listings, fetches, days and prunes: what the settings keep is there, and nothing older stays."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.maintenance.prune import prune
from tasks.store.retention.keep import Keep
from tests.fakes.database.shop import Shop
from tests.fakes.program.cli_program import Program
from tests.fakes.waiting import LIMIT_S, wait_until

ASINS = [f"B{number:09}" for number in range(4)]
TABLES = "deal_rows, deal_sightings, products, price_series_rows, offers, fetch_queue, crawls, background_duties"
DAYS = st.sampled_from([0, 5, 20, 60])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("list"), st.sets(st.sampled_from(ASINS), min_size=1)),
        st.tuples(st.just("fetch"), st.none()),
        st.tuples(st.just("pass"), st.sampled_from([1, 5, 15, 40])),
        st.tuples(st.just("prune"), st.integers(1, 3)),
    ),
    max_size=10,
)
# Most of what is drawn comes to nothing unless something was listed and fetched before, and some time passed after.
BEFORE = [("list", set(ASINS[:3])), ("fetch", None)]
AFTER = [("pass", 15), ("list", set(ASINS[:1])), ("pass", 5), ("prune", 2), ("list", set(ASINS[:2]))]


@dataclass
class Known:
    """What is to be in the database of one product. Days are counted from the beginning."""

    listed: int | None = None
    fetched: int = 0
    is_deal: bool = False
    is_product: bool = False
    item: str | None = None


class Model:
    """What the database is to hold."""

    def __init__(self, keep):
        self.keep, self.day = keep, 0
        self.known = {asin: Known() for asin in ASINS}

    def list(self, asins):
        for asin in asins:
            one = self.known[asin]
            one.listed, one.is_deal, one.item = self.day, True, one.item or "pending"

    def fetch(self):
        for one in self.known.values():
            if one.item == "pending":
                one.item, one.is_product, one.fetched = "done", True, self.day

    def prune(self):
        for one in self.known.values():
            if one.listed is None:
                continue
            listed, fetched = self.day - one.listed, self.day - one.fetched
            one.is_deal &= not is_over(self.keep.deals_d, listed)
            if one.is_product and is_over(self.keep.history_d, min(listed, fetched)):
                one.is_product = False
                one.item = None if one.item == "done" else one.item
            if one.item == "done" and is_over(self.keep.queue_d, min(listed, fetched)):
                one.item = None

    def expected(self):
        return {
            "deal_rows": [asin for asin, one in self.known.items() if one.is_deal],
            "products": [asin for asin, one in self.known.items() if one.is_product],
            "price_series": [asin for asin, one in self.known.items() if one.is_product],
            "fetch_queue": [asin for asin, one in self.known.items() if one.item],
        }


def is_over(days, age):
    return days > 0 and age >= days


@pytest.fixture
def shop(conn, make_deal, make_product):
    return Shop(conn, make_deal, make_product)


def test_what_is_kept_is_there_nothing_older_stays_and_what_is_listed_again_is_queued_again(shop):
    @settings(max_examples=15, deadline=None)
    @given(st.builds(Keep, st.just(0), DAYS, DAYS, DAYS, st.just(0)), STEPS)
    def check(keep, steps):
        shop.conn.execute(f"TRUNCATE {TABLES}")
        model = Model(keep)
        for what, value in [*BEFORE, *steps, *AFTER]:
            if what == "list":
                model.list(value)
                shop.list(*sorted(value))
                waiting = {asin for asin in value if shop.state_of(asin) == "pending"}
                assert waiting | set(shop.asins("products")) >= value, "what is not there is queued"
            elif what == "fetch":
                model.fetch()
                shop.fetch()
            elif what == "pass":
                model.day += value
                shop.pass_days(value)
            else:
                model.prune()
                shop.walk()
                shop.prune(stretch=value + 1, batch=value, **keep._asdict())
            assert {table: shop.asins(table) for table in model.expected()} == model.expected(), (what, value)

    check()


SLOW = """
CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END $$;
CREATE TRIGGER slow AFTER DELETE ON products FOR EACH STATEMENT EXECUTE FUNCTION slow();
"""
OTHERS = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'sluicegate query'"


def test_a_prune_that_is_killed_in_the_middle_leaves_whole_products_and_another_goes_on(shop, database_url, tmp_path):
    asins = [f"B{number:09}" for number in range(250)]
    shop.list(*asins)
    shop.fetch()
    shop.pass_days(50)
    shop.walk()
    shop.conn.execute(SLOW)
    environment = Program(tmp_path, DATABASE_URL=database_url, HISTORY_KEEP_D="30").environment()
    command = [sys.executable, "-m", "supervisor", "db", "prune"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
        wait_until(lambda: len(shop.asins("products")) < len(asins), "the first step")
        process.send_signal(signal.SIGKILL)
        process.wait(LIMIT_S)
    wait_until(lambda: shop.conn.execute(OTHERS).rowcount == 0, "the end of its connection")
    left = shop.asins("products")
    assert 0 < len(left) < len(asins)
    assert shop.asins("price_series") == shop.asins("fetch_queue") == left
    prune(shop.conn, Keep(history_d=30), lambda _gone: None)
    assert shop.asins("products") == shop.asins("price_series") == shop.asins("fetch_queue") == []
