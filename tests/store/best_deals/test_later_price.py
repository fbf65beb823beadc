"""A deal of which a later reading of the product says another price is shown with that one, and only then."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from supervisor.queries import later_price
from tasks.keepa.decode.replies import Offer
from tasks.keepa.prices import KEEPA_EPOCH_MIN, NAMES
from tasks.keepa.product_stats import Stats
from tasks.store import deals
from tasks.store.best_deals import best_deals
from tasks.store.products import products
from tests.fixtures.database.best_deals import which
from tests.store.conftest import a_deal, a_product

SEEN = 7_733_828
NEW, BUY_BOX = NAMES.index("NEW"), NAMES.index("BUY_BOX_SHIPPING")
NOW = datetime.now(UTC)
UNSAID = (None, None)
OFFERS = {"offers": [Offer(offer_id=1)], "live_offers_order": [0]}


def at(minute):
    return datetime.fromtimestamp((minute + KEEPA_EPOCH_MIN) * 60, UTC)


def lists(**changes):
    return [changes.get(name, -1) for name in NAMES]


def deal(asin="B000000001", update=SEEN):
    means = [lists(NEW=2000, BUY_BOX_SHIPPING=2000)] * 4
    percents = [lists(NEW=50, BUY_BOX_SHIPPING=50)] * 4
    current = lists(NEW=1000, BUY_BOX_SHIPPING=1000)
    return a_deal(asin, current=current, avg=means, delta_percent=percents, last_update=update)


def read(conn, update, current, *, has_offers=False, **more):
    more = {"csv": None, "stats": Stats(current=current), "last_update": update, **more}
    product = a_product(**more, **(OFFERS if has_offers else {}))
    with conn.transaction():
        products.write(conn, 1, [product], fetched_at=NOW, has_history=False)


def told(conn, price_type="NEW", **changes):
    (found,) = best_deals.find(conn, which(price_types=[price_type], **changes))
    assert found.price == Decimal("10.00")
    return found.price_now, found.price_now_at


@pytest.fixture
def listed_once(conn):
    with conn.transaction():
        deals.write(conn, 1, [deal()], seen_at=NOW)
    return conn


def test_a_product_that_was_not_read_says_nothing(listed_once):
    assert told(listed_once) == UNSAID
    read(listed_once, SEEN + 1, None)
    assert told(listed_once) == UNSAID
    read(listed_once, SEEN + 2, lists()[:1])
    assert told(listed_once) == UNSAID


@pytest.mark.parametrize(("later", "is_told"), [(-1, False), (0, False), (1, True)])
def test_only_a_later_reading_counts(listed_once, later, is_told):
    read(listed_once, SEEN + later, lists(NEW=1299))
    assert told(listed_once) == ((Decimal("12.99"), at(SEEN + later)) if is_told else UNSAID)


def test_the_same_price_is_no_news_and_one_that_is_gone_is(listed_once):
    read(listed_once, SEEN + 1, lists(NEW=1000))
    assert told(listed_once) == UNSAID
    read(listed_once, SEEN + 2, lists())
    assert told(listed_once) == (None, at(SEEN + 2))
    assert later_price.words(best_deals.find(listed_once, which())[0]) == "not offered"


def test_a_list_that_brings_it_again_has_the_last_word(listed_once):
    read(listed_once, SEEN + 1, lists(NEW=1299))
    with listed_once.transaction():
        deals.write(listed_once, 1, [deal(update=SEEN + 2)], seen_at=NOW)
    assert told(listed_once) == UNSAID


def test_a_price_that_comes_with_offers_is_taken_of_a_reading_with_offers_alone(listed_once):
    read(listed_once, SEEN + 1, lists(BUY_BOX_SHIPPING=1500))
    assert told(listed_once, "BUY_BOX_SHIPPING") == UNSAID
    read(listed_once, SEEN + 2, lists(BUY_BOX_SHIPPING=1600), has_offers=True)
    assert told(listed_once, "BUY_BOX_SHIPPING") == (Decimal("16.00"), at(SEEN + 2))
    read(listed_once, SEEN + 3, lists(BUY_BOX_SHIPPING=-1))
    assert told(listed_once, "BUY_BOX_SHIPPING") == UNSAID


def test_all_who_show_it_say_the_same_in_the_same_order(conn):
    asins = [f"B{number:09d}" for number in range(300)]
    with conn.transaction():
        deals.write(conn, 1, [deal(asin) for asin in asins], seen_at=NOW)
    for asin in asins[::7]:
        read(conn, SEEN + 1, lists(NEW=1299), asin=asin)
    asked = which(top=300, within=timedelta(days=1))
    found = best_deals.find(conn, asked)
    assert [one.asin for one in found] == asins
    assert [one.asin for one in found if one.price_now == Decimal("12.99")] == asins[::7]
    with conn.transaction():
        assert list(best_deals.stream(conn, asked)) == found
    with best_deals.csv_copied(conn, asked) as lines:
        rows = list(csv.reader(io.StringIO(b"".join(lines).decode())))
    assert [row[-3] for row in rows] == ["" if one.price_now is None else str(one.price_now) for one in found]
    assert [row[-2] for row in rows] == [
        "" if one.price_now_at is None else f"{one.price_now_at:%Y-%m-%dT%H:%M:%SZ}" for one in found
    ]


def test_the_command_the_page_and_its_lists_tell_it(listed_once, ask, visit, database_url):
    site = visit(database_url)
    for update, price, words in ((0, 1299, ""), (1, 1299, "12.99"), (2, -1, "not offered")):
        read(listed_once, SEEN + update, lists(NEW=price))
        table = ask(database_url, "deals")[1].splitlines()
        page = site.page("/deals").text
        assert words in table[1]
        assert ("now" in table[0].split()) is bool(words)
        assert (f"now {words}" in page) is bool(words)
        assert (later_price.NOTE in page) is (later_price.NOTE in " ".join(table)) is bool(words)
        (deal,) = json.loads(ask(database_url, "deals", "--json")[1])["deals"]
        (row,) = csv.DictReader(io.StringIO(ask(database_url, "deals", "--csv")[1]))
        assert site.json("/deals.json")["deals"] == [deal]
        assert site.csv("/deals.csv") == [row]
        assert row["price_now"] == ("12.99" if update == 1 else "")
        assert (deal["price_now_at"] or "") == row["price_now_at"]
