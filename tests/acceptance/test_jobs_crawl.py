"""A crawl fed with pages by hand: when it is split by category, what a page moves, where it ends."""

from __future__ import annotations

from datetime import UTC, datetime

from tasks import progress
from tasks.keepa.selection_rules import LAST_PAGE, PAGE_ROWS
from tasks.spool import Origin
from tasks.store import crawls
from tasks.target import Target
from tasks.walk import Page, Verdict


class Walk:
    """A crawl fed with pages by hand."""

    def __init__(self, conn):
        self.conn = conn
        self.target = Target(selection=None, key="key", domain=1)
        self.asked = []

    def feed(self, rows_of, *, categories, must_split=lambda _page: False, most=500):
        for _ in range(most):
            crawl = progress.begin(self.conn, "backfill", self.target)
            self.asked.append((crawl.root_cat, crawl.page))
            origin = Origin(
                job="backfill", domain=1, selection_key="key", root_cat=crawl.root_cat, page=crawl.page,
                started_at=crawl.started_at,
            )  # fmt: skip
            page = Page(number=crawl.page, minutes=[7_000_000], rows=rows_of(crawl), server_minute=7_000_000)
            moved = progress.advance_crawl(self.conn, origin, page, categories=categories, must_split=must_split(page))
            if moved.verdict.is_complete:
                return moved
        return None


def test_a_selection_too_long_for_one_crawl_is_crawled_category_by_category(conn):
    walk = Walk(conn)
    moved = walk.feed(
        lambda crawl: PAGE_ROWS if crawl.root_cat is None or crawl.page == 0 else 7,
        categories=(30, 10, 20),
        must_split=lambda page: page.number >= LAST_PAGE,
    )
    assert moved.verdict is Verdict.END_OF_LIST
    assert walk.asked == [(None, page) for page in range(LAST_PAGE + 1)] + [
        (category, page) for category in (10, 20, 30) for page in (0, 1)
    ]
    assert crawls.load(conn, "backfill", "key", 1).state == "done"


def test_a_selection_that_counts_too_many_rows_on_its_first_page_is_split_at_once(conn):
    walk = Walk(conn)
    walk.feed(lambda crawl: PAGE_ROWS if crawl.root_cat is None else 3, categories=(1, 2), must_split=lambda _p: True)
    assert walk.asked == [(None, 0), (1, 0), (2, 0)]


def test_a_category_that_is_itself_too_long_ends_at_the_limit_and_the_next_follows(conn):
    walk = Walk(conn)
    walk.feed(
        lambda crawl: PAGE_ROWS if crawl.root_cat in (None, 1) else 3,
        categories=(1, 2),
        must_split=lambda page: page.number in (0, LAST_PAGE),
    )
    assert walk.asked == [(None, 0), *((1, page) for page in range(LAST_PAGE + 1)), (2, 0)]


def test_a_selection_of_one_category_is_crawled_as_far_as_it_goes(conn):
    walk = Walk(conn)
    moved = walk.feed(lambda _crawl: PAGE_ROWS, categories=(1,), must_split=lambda _page: True)
    assert moved.verdict is Verdict.LIMIT
    assert walk.asked == [(None, page) for page in range(LAST_PAGE + 1)]


def test_a_page_that_arrives_twice_moves_its_walk_once(conn):
    target = Target(selection=None, key="key", domain=1)
    crawl = progress.begin(conn, "upsert", target)
    origin = Origin(job="upsert", domain=1, selection_key="key", page=0, started_at=crawl.started_at)
    page = Page(number=0, minutes=[7_000_000] * PAGE_ROWS, rows=PAGE_ROWS, server_minute=7_000_000)
    assert progress.advance_upsert(conn, origin, page).verdict is Verdict.NEXT_PAGE
    assert progress.advance_upsert(conn, origin, page) is None
    assert crawls.load(conn, "upsert", "key", 1).page == 1


def test_a_page_of_an_earlier_walk_moves_nothing(conn):
    target = Target(selection=None, key="key", domain=1)
    progress.begin(conn, "upsert", target)
    old = Origin(job="upsert", domain=1, selection_key="key", page=0, started_at=datetime(2020, 1, 1, tzinfo=UTC))
    page = Page(number=0, minutes=[7_000_000], rows=1, server_minute=7_000_000)
    assert progress.advance_upsert(conn, old, page) is None
    assert conn.execute("select count(*) from watermarks").fetchone() == (0,)
