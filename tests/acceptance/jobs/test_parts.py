"""The parts of a selection, as the server shows them: together they are the whole, and none is in two of them."""

from __future__ import annotations

import pytest

from tasks.keepa.client import KeepaClient
from tasks.keepa.decode.replies import decode_deals
from tasks.keepa.reply import envelope_of_reply
from tasks.keepa.request import DealRequest
from tasks.planning.crawl_steps import HIGHEST, Partition
from tasks.planning.streams import NO_CATEGORY
from tasks.secret import Secret
from tests.fixtures.server import WIDE


@pytest.fixture
def shown(town):
    """A function that tells what the server shows of a partition, and the stream."""
    here = town(WIDE | {"sortType": 1})
    (stream,) = here.job("backfill")._components.streams

    def rows(part, categories=()):
        found, counts = [], {}
        with KeepaClient(Secret("other"), here.oracle.url) as client:
            for number in range(100):
                reply = client.send(DealRequest(stream.within(part, categories), number))
                envelope_of_reply(reply)
                page = decode_deals(reply.body)
                counts = dict(zip(page.category_ids, page.category_counts, strict=True))
                found += [(deal.asin, deal.current[1]) for deal in page.deals]
                if len(page.deals) < 150:
                    break
        return found, counts

    return rows


def test_ranges_of_prices_divide_a_category_and_categories_the_whole(shown):
    whole, counts = shown(Partition())
    categories = sorted(counts)
    by_category = {category: shown(Partition(category), categories)[0] for category in categories}
    assert sorted(row for rows in by_category.values() for row in rows) == sorted(whole)
    assert len(whole) > 300
    largest = max(by_category, key=lambda category: len(by_category[category]))
    middle = sorted(price for _, price in by_category[largest])[len(by_category[largest]) // 2]
    lower, _ = shown(Partition(largest, 0, middle), categories)
    upper, _ = shown(Partition(largest, middle + 1, HIGHEST), categories)
    assert lower
    assert upper
    assert sorted(lower + upper) == sorted(by_category[largest])


def test_what_is_in_no_category_that_can_be_named_is_what_lies_outside_all_others(shown):
    whole, counts = shown(Partition())
    named = sorted(counts)[:-2]
    rest, _ = shown(Partition(NO_CATEGORY), [*named, NO_CATEGORY])
    assert len(rest) == sum(counts[category] for category in sorted(counts)[-2:]) > 0
    assert {asin for asin, _ in rest} < {asin for asin, _ in whole}
