"""What a page of deals takes the server: every order and condition that the page Deals has, over a day and a month."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from functools import partial

from benchmarks.growth.measure import Aim, connections, interleaved
from supervisor.web.views.deal_query import ALL_SORTS, PAGE_ROWS
from tasks.store.best_deals import pages
from tasks.store.best_deals.conditions import Conditions
from tasks.store.best_deals.deal_filter import DealFilter

DAYS = (1, 30)
MOST_MS = 200
COMMON = (
    "SELECT lower(word) FROM (SELECT regexp_split_to_table(title, '[^[:alpha:]]+') AS word FROM deal_rows LIMIT 5000)"
    " AS w WHERE length(word) > 2 GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 2"
)
BRAND = "SELECT brand FROM products WHERE brand IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1"
CATEGORY = "SELECT name FROM categories ORDER BY id LIMIT 1"


def asked(conn):
    """What is asked for, by a name: each condition by itself, met by many deals and by none."""
    common = [word for (word,) in conn.execute(COMMON)]
    ((brand,), (category,)) = (conn.execute(query).fetchone() for query in (BRAND, CATEGORY))
    conditions = {
        "a common brand": Conditions(brand=brand),
        "no brand": Conditions(brand="no such brand"),
        "a category": Conditions(category=category),
        "no category": Conditions(category="no such category"),
        "ROI": Conditions(min_roi=Decimal(20)),
        "an ROI of none": Conditions(min_roi=Decimal(10**6)),
        "rank drops of none": Conditions(min_rank_drops=10**6),
        "not from Amazon": Conditions(has_amazon=False),
        "few sellers": Conditions(max_fba_sellers=1),
    }
    named = {f"sorted by {sort}": {"sort": sort} for sort in ALL_SORTS if sort not in {"roi", "profit"}}
    named |= {f"sorted by {sort}": {"conditions": Conditions(sort=sort)} for sort in ("roi", "profit")}
    named |= {name: {"conditions": one} for name, one in conditions.items()}
    for words in (common[:1], common, [common[0][:3]], ["nosuchword"]):
        for sort in ("discount", "price"):
            named[f"titles with {' and '.join(words)}, by {sort}"] = {"title": tuple(words), "sort": sort}
    named["of WAREHOUSE"] = {"price_types": ["WAREHOUSE"]}
    usual = {"price_types": ["NEW"], "over": "week", "top": PAGE_ROWS}
    return {
        f"{name}, {days} d": DealFilter(**{**usual, **changes}, within=timedelta(days=days))
        for days in DAYS
        for name, changes in named.items()
    }


def deal_pages(bench):
    """A row for each."""
    rows = []
    with connections(bench.urls) as conns:
        which = asked(next(iter(conns.values())))  # the products of a larger size are copies of those of a smaller one
        for what, one in which.items():
            ways = {name: partial(pages.read_page, conn, one) for name, conn in conns.items()}
            rows += interleaved(ways, bench.spent(conns), bench.rounds).rows(f"page {what}", Aim("all", MOST_MS))
    return rows
