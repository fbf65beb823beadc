"""What `fetch` says of a reply that brought nothing: since when it was known, and when it was looked at."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from supervisor.cli.fetch.fetch_answer import Fetched, _when
from tasks.jobs.look_up import Answer, LookUp
from tasks.keepa.request import ProductRequest
from tasks.store.products.products_now import ProductNow

ASKED = datetime(2026, 1, 2, 12, tzinfo=UTC)
ASIN = "B000000001"
MINUTES = st.none() | st.integers(-600, 600).filter(bool)


def at(minutes):
    return None if minutes is None else ASKED + timedelta(minutes=minutes)


def product(base, stats=None, history=None, offers=None):
    return ProductNow(
        domain=1, shop="amazon.com", currency="USD", asin=ASIN, is_found=True, title="t", brand=None,
        monthly_sold=None, codes=[], updated_at=None, fetched_at=at(base), stats_fetched_at=at(stats),
        history_fetched_at=at(history), offers_fetched_at=at(offers),
    )  # fmt: skip


def fetched(*, is_of_before=False):
    one = Fetched()
    answer = Answer(asins=(ASIN,), cost=1, balance=9, is_of_before=is_of_before)
    one.add(LookUp(ProductRequest(1, (ASIN,), "history")), answer, ASKED)
    return one


@given(base=st.integers(-600, 600).filter(bool), stats=MINUTES, history=MINUTES, offers=MINUTES)
def test_it_is_news_when_any_part_was_written_after_it_was_asked_for(base, stats, history, offers):
    one = product(base, stats, history, offers)
    newest = max(part for part in (base, stats, history, offers) if part is not None)
    told = fetched()
    assert told.is_news(one) == (newest > 0)
    words = _when(one, told, ASKED)
    assert words.startswith("fetched at" if newest > 0 else "nothing new since")
    assert ("; looked at" in words) == (newest < 0)


def test_an_answer_that_an_earlier_fetch_had_paid_for_is_news():
    told = fetched(is_of_before=True)
    assert told.is_news(product(-5))
    assert told.looked_at(product(-5)) is None


@given(st.permutations([0, 5, 10]))
def test_of_several_requests_for_one_product_the_first_says_what_is_news(minutes):
    told = Fetched()
    for minute in minutes:
        answer = Answer(asins=(ASIN,), cost=1, balance=9)
        told.add(LookUp(ProductRequest(1, (ASIN,), "history")), answer, at(minute))
    assert told.is_news(product(3))
    assert not told.is_news(product(-3))
