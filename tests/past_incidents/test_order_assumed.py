"""A list taken to be in an order that it is not in.

Rows 16, 21, 50: the sort changed to 0 in a refactor, and again; a walk that stopped at the first old row of a list
sorted by percent; the last update taken for the time of the deal.
"""

from __future__ import annotations

from functools import cache

import pytest

from tasks.errors import ConfigError
from tasks.keepa.selection.rules import PAGE_ROWS
from tasks.keepa.selection.selection import parse
from tasks.planning.walk_end import OVERLAP_MIN, PageFacts, upsert_verdict
from tests.past_incidents.server import SELECTION, START_MS, Server

WIDE = {"dateRange": 3, "isFilterEnabled": False, "isRangeEnabled": False}
NOW = START_MS // 60_000 - 21_564_000


@pytest.fixture(scope="module")
def server():
    return Server(deals=900, start_balance=100_000, rate=2_000)


@pytest.fixture(scope="module")
def newest(server):
    """When the deals of the market began, the newest first."""
    return sorted((row["creationDate"] for row in everything(server)), reverse=True)


@cache
def everything(server):
    return server.listing(**WIDE, sortType=1)


def walked(server, mark, **selection):
    """Ours: pages of the selection as it is sent, until the verdict says that the walk is over."""
    asked = parse({**SELECTION, **WIDE, **selection}, name="wide").for_upsert().query
    rows, number, is_over = [], 0, False
    while not is_over:
        page = server.page(number, **asked)
        rows += page
        minutes = [row["creationDate"] for row in page]
        is_over = upsert_verdict(
            PageFacts(number=number, minutes=minutes, rows=len(page), server_minute=NOW), mark=mark
        )
        is_over = is_over.is_complete
        number += 1
    return rows, number


def stopped_at_the_first_old_row(server, mark, *, field, **selection):
    """The past: down to the first row that is older than the mark."""
    rows = []
    for row in server.listing(**WIDE, **selection):
        if row[field] <= mark:
            break
        rows.append(row)
    return rows


def has_all_that_is_new(server, rows, mark):
    new = {row["asin"] for row in everything(server) if row["creationDate"] > mark}
    assert {row["asin"] for row in rows} & new == new


@pytest.mark.parametrize("sort", [None, 1, 2, 3, 4, -4])
def test_a_walk_finds_all_that_is_new_whatever_order_its_owner_wrote_into_the_selection(server, newest, sort):
    for rank in (40, 400):
        mark = newest[rank]
        rows, pages = walked(server, mark, sortType=sort)
        has_all_that_is_new(server, rows, mark)
        beyond = sum(minute > mark - OVERLAP_MIN for minute in newest)
        assert pages == beyond // PAGE_ROWS + 1, "and reads no page for nothing"


@pytest.mark.parametrize("sort", [0, -1, 5])
def test_an_order_that_there_is_not_is_refused_before_it_costs_a_token(sort):
    with pytest.raises(ConfigError, match="sortType"):
        parse({**SELECTION, "sortType": sort}, name="wide")


@pytest.mark.parametrize(("sort", "field"), [(4, "lastUpdate"), (4, "creationDate"), (0, "creationDate")])
def test_stopping_at_the_first_old_row_fails_there(server, newest, sort, field):
    rows = stopped_at_the_first_old_row(server, newest[200], field=field, sortType=sort)
    with pytest.raises(AssertionError):
        has_all_that_is_new(server, rows, newest[200])
