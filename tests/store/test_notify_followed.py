"""Rules about products of people's own lists: told by their price and whether anybody offers them, deals or not."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from tasks.keepa.product_stats import Stats
from tasks.notify import look, post, rule
from tasks.notify.look import LiveRule
from tasks.notify.message import MESSAGE
from tasks.settings import WatchListSettings
from tasks.store.notify import outbox
from tasks.store.products import products
from tasks.store.watch import lists
from tests.store.conftest import a_product

NOW = datetime.now(UTC)
A, B, STRANGE = "B000000001", "B000000002", "B000000003"
TOYS = WatchListSettings(name="toys", domain=3, detail="stats", refresh_s=3600, path="/toys.txt", digest="d")


class Rules:
    """Rules of followed products, and products that are fetched again and again."""

    def __init__(self, conn, *given):
        self.conn, self.at, self.update = conn, NOW, 0
        self.rules = []
        for number, one in enumerate(given):
            found, faults = rule.parse(f"rule{number}", {"to": "phone", "domain": "de"} | one)
            assert faults == []
            self.rules.append(found)
        self.live = [LiveRule(one, None) for one in self.rules]
        with conn.transaction():
            lists.take_over(conn, TOYS, "d", [A, B])

    def begin(self):
        with self.conn.transaction():
            look.begin(self.conn, self.live, self.at)
        return self

    def fetch(self, prices, *, mean=2_000, after=timedelta(minutes=1)):
        """The reply to a call for these products, and the look that follows; a price of -1: nobody offers it."""
        self.at += after
        self.update += 1
        figures = {
            asin: msgspec.convert({"current": [-1, price], "avg90": [-1, mean]}, Stats)
            for asin, price in prices.items()
        }
        found = [a_product(asin, stats=one, last_update=7_800_000 + self.update) for asin, one in figures.items()]
        with self.conn.transaction():
            products.write(self.conn, 3, found, fetched_at=self.at, has_history=False)
        with self.conn.transaction():
            look.look(self.conn, self.live, self.at)

    def told(self):
        """What is to be sent; it counts as sent then."""
        with self.conn.transaction():
            post.make_messages(self.conn, self.rules, self.at)
        found = []
        while due := outbox.due(self.conn, ["phone"], self.at):
            for one in due:
                outbox.sent(self.conn, one.id, self.at)
                found += [(notice.asin, notice.event, notice.price) for notice in MESSAGE.decode(one.content).notices]
        return found


EVERYTHING = ["new", "drop", "rise", "back"]


def test_a_price_below_the_limit_is_told_once_and_again_only_when_it_is_lower(conn):
    here = Rules(conn, {"followed": ["new", "drop"], "watch": "toys", "max_price": 15}).begin()
    here.fetch({A: 2_000, B: 1_400})
    assert here.told() == []  # what they are like when they are seen first is known, and not told
    here.fetch({A: 1_500, B: 1_400})
    assert here.told() == [(A, "new", "15.00")]
    here.fetch({A: 1_500})
    here.fetch({A: 1_501})
    here.fetch({A: 1_500})
    assert here.told() == []
    here.fetch({A: 1_200})
    assert here.told() == [(A, "drop", "12.00")]


def test_so_many_percent_below_the_mean_is_a_limit_too(conn):
    here = Rules(conn, {"followed": "new", "min_discount": 10}).begin()
    here.fetch({A: 2_000})
    here.fetch({A: 1_801})
    assert here.told() == []
    here.fetch({A: 1_800})
    assert here.told() == [(A, "new", "18.00")]


def test_what_nobody_offered_is_told_when_somebody_does_at_a_price_as_wanted(conn):
    here = Rules(conn, {"followed": EVERYTHING, "products": [A], "max_price": 15}).begin()
    here.fetch({A: 1_000, B: 1_000})
    here.fetch({A: -1, B: -1})
    here.fetch({A: 1_600})
    assert here.told() == []
    here.fetch({A: -1}, after=timedelta(days=2))
    here.fetch({A: 1_100, B: 1_100})
    assert here.told() == [(A, "back", "11.00")]


def test_a_rise_is_told_where_it_is_asked_for(conn):
    here = Rules(conn, {"followed": "rise", "max_price": 15}).begin()
    here.fetch({A: 1_000})
    here.fetch({A: 1_700})
    assert here.told() == [(A, "rise", "17.00")]


def test_what_stands_in_no_list_is_looked_at_by_nobody(conn):
    here = Rules(conn, {"followed": "new", "max_price": 15}, {"followed": "new", "max_price": 15, "watch": "other"})
    here.begin()
    here.fetch({A: 2_000, STRANGE: 2_000})
    here.fetch({A: 900, STRANGE: 900})
    assert here.told() == [(A, "new", "9.00")]
    assert conn.execute("SELECT DISTINCT rule, asin FROM rule_products").fetchall() == [("rule0", A)]


def test_what_a_new_rule_finds_is_known_and_not_told(conn):
    here = Rules(conn, {"followed": EVERYTHING, "max_price": 15})
    here.fetch({A: 1_000, B: -1})
    here.begin()
    here.fetch({A: 1_000})
    assert here.told() == []
    here.fetch({A: 900, B: 900})
    assert sorted(here.told()) == [(A, "drop", "9.00"), (B, "back", "9.00")]


@pytest.mark.parametrize("is_in_use", [True, False])
def test_a_worker_writes_down_what_changes_only_while_a_rule_is_in_use(conn, is_in_use):
    here = Rules(conn, {"followed": "back"})
    if is_in_use:
        here.begin()
    with conn.transaction():
        products.write(conn, 3, [a_product(A), a_product(STRANGE)], fetched_at=NOW, has_history=False)
    assert conn.execute("SELECT asin FROM deal_changes").fetchall() == ([(A,)] if is_in_use else [])
