"""A crawl fed with pages by hand: when it is split by category, what a page moves, where it ends."""

from __future__ import annotations

from datetime import UTC, datetime

from tasks.calls.spool_header import Origin
from tasks.ingest import walk_progress
from tasks.keepa.selection.rules import LAST_PAGE, PAGE_ROWS
from tasks.planning.crawl_steps import HIGHEST, Divisions, Partition
from tasks.planning.streams import Stream
from tasks.planning.walk_end import PageFacts, PageVerdict
from tasks.store import crawls


class Walk:
    """A crawl fed with pages by hand."""

    def __init__(self, conn):
        self.conn = conn
        self.stream = Stream(selection=None, key="key", domain=1)
        self.asked = []

    def feed(self, rows_of, *, counts, prices=(), most=500):
        for _ in range(most):
            crawl = walk_progress.begin(self.conn, "backfill", self.stream)
            part = crawl.partition
            self.asked.append((part.root_cat, crawl.page))
            origin = Origin(
                job="backfill", domain=1, selection_key="key", root_cat=part.root_cat, page=crawl.page,
                price_low=part.price_low, price_high=part.price_high, started_at=crawl.started_at,
            )  # fmt: skip
            rows = rows_of(crawl)
            page = PageFacts(number=crawl.page, minutes=[7_000_000], rows=rows, server_minute=7_000_000, prices=prices)
            division = Divisions(categories=sorted(counts), counts=counts)
            moved = walk_progress.advance_crawl(self.conn, origin, page, division)
            if moved.verdict.is_complete:
                return moved
        return None


def test_a_selection_too_long_for_one_crawl_is_crawled_category_by_category(conn):
    walk = Walk(conn)
    moved = walk.feed(
        lambda crawl: PAGE_ROWS if crawl.root_cat is None or crawl.page == 0 else 7,
        counts={30: 100, 10: 100, 20: 100},
    )
    assert moved.verdict is PageVerdict.END_OF_LIST
    assert walk.asked == [(None, page) for page in range(LAST_PAGE + 1)] + [
        (category, page) for category in (10, 20, 30) for page in (0, 1)
    ]
    assert crawls.load_crawl(conn, "backfill", "key", 1).state == "done"


def test_a_selection_that_counts_too_many_rows_on_its_first_page_is_split_at_once(conn):
    walk = Walk(conn)
    walk.feed(lambda crawl: PAGE_ROWS if crawl.root_cat is None else 3, counts={1: 6_000, 2: 6_000})
    assert walk.asked == [(None, 0), (1, 0), (2, 0)]


def test_a_category_of_one_price_that_is_too_long_ends_at_the_limit_and_the_next_follows(conn):
    walk = Walk(conn)
    walk.feed(lambda crawl: PAGE_ROWS if crawl.root_cat in (None, 1) else 3, counts={1: 9_000, 2: 2_000})
    assert walk.asked == [(None, 0), *((1, page) for page in range(LAST_PAGE + 1)), (2, 0)]


def test_a_selection_of_one_category_and_one_price_is_crawled_as_far_as_it_goes_and_says_so(conn):
    walk = Walk(conn)
    moved = walk.feed(lambda _crawl: PAGE_ROWS, counts={1: 20_000})
    assert moved.cut == Partition()
    assert walk.asked == [(None, page) for page in range(LAST_PAGE + 1)]


def test_a_category_that_counts_too_many_rows_is_walked_by_price(conn):
    walk = Walk(conn)
    stood = []

    def rows_of(crawl):
        stood.append(crawl.partition)
        return PAGE_ROWS if crawl.root_cat is None or crawl.price_low is None else 3

    moved = walk.feed(rows_of, counts={1: 12_000, 2: 3}, prices=[100, 200, 300])
    assert stood[:4] == [Partition(), Partition(1), Partition(1, 0, 200), Partition(1, 201, HIGHEST)]
    assert moved.cut is None


def test_a_page_that_arrives_twice_moves_its_walk_once(conn):
    stream = Stream(selection=None, key="key", domain=1)
    crawl = walk_progress.begin(conn, "upsert", stream)
    origin = Origin(job="upsert", domain=1, selection_key="key", page=0, started_at=crawl.started_at)
    page = PageFacts(number=0, minutes=[7_000_000] * PAGE_ROWS, rows=PAGE_ROWS, server_minute=7_000_000)
    assert walk_progress.advance_upsert(conn, origin, page).verdict is PageVerdict.NEXT_PAGE
    assert walk_progress.advance_upsert(conn, origin, page) is None
    assert crawls.load_crawl(conn, "upsert", "key", 1).page == 1


def test_a_page_of_an_earlier_walk_moves_nothing(conn):
    stream = Stream(selection=None, key="key", domain=1)
    walk_progress.begin(conn, "upsert", stream)
    old = Origin(job="upsert", domain=1, selection_key="key", page=0, started_at=datetime(2020, 1, 1, tzinfo=UTC))
    page = PageFacts(number=0, minutes=[7_000_000], rows=1, server_minute=7_000_000)
    assert walk_progress.advance_upsert(conn, old, page) is None
    assert conn.execute("select count(*) from watermarks").fetchone() == (0,)
