"""What else than selections names products: sources, such as best sellers, and people's own lists, as they stand."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from supervisor.web.views.writing import backfill_detail
from tasks.keepa.locales import shop
from tasks.keepa.source import explanation
from tasks.planning import streams
from tasks.planning.learned_costs import product_tokens
from tasks.store import crawls, refused_sources
from tasks.store.watch import lists

if TYPE_CHECKING:
    from collections.abc import Collection

    from supervisor.web.page import Visit
    from tasks.keepa.source.source import Source
    from tasks.store.connection import Connection
    from tasks.store.crawls import Crawl
    from tasks.store.refused_sources import RefusedSource
    from tasks.store.watch.lists import WatchList


SOURCE_COLUMNS: Final = (
    *("name", "shop", "kind", "state", "products", "most", "finished_at", "refresh_s", "reason", "since", "query"),
    *("asks_for", "tokens_each", "tokens_once"),
)
LIST_COLUMNS: Final = (
    *("name", "shop", "detail", "is_chosen", "products", "overdue", "never", "oldest_at", "refresh_s"),
    *("reason", "since"),
)


class ProductPrice(NamedTuple):
    """Tokens that backfill pays for one product, as the ledger has learned it, and what it fetches of it."""

    tokens: float
    detail: str


def product_price(visit: Visit) -> ProductPrice:
    """What one product costs backfill."""
    detail = backfill_detail(visit)
    return ProductPrice(product_tokens(detail, visit.run.look().status.snapshot), detail)


def sources(conn: Connection, visit: Visit) -> list[dict[str, Any]]:
    """The sources of the settings: what each asks for and costs, where its walk stands, why it is refused if it is."""
    found = streams.sources_of(visit.settings.sources)
    if not found:
        return []
    walks = {(one.selection_key, one.domain): one for one in crawls.crawls_of(conn, [one.key for one in found])}
    refused = {(one.source_key, one.domain): one for one in refused_sources.all_refused(conn)}
    price = product_price(visit)
    return [
        {**_source(one, walks.get((one.key, one.domain)), price), **_refusal(refused.get((one.key, one.domain)))}
        for one in found
    ]


def _refusal(refusal: RefusedSource | None) -> dict[str, Any]:
    return {
        "reason": None if refusal is None else refusal.reason,
        "since": None if refusal is None else refusal.since,
    }


def _source(one: Source, walk: Crawl | None, price: ProductPrice) -> dict[str, Any]:
    is_read = walk is not None and (walk.finished_at is not None or walk.rows > 0)
    listed = walk.rows if walk is not None and is_read else None
    products = one.most if listed is None and one.is_counted else listed
    return {
        "name": one.name,
        "shop": shop(one.domain),
        "kind": one.kind,
        "refresh_s": one.refresh_s,
        "most": one.most,
        "query": json.dumps(dict(one.query), indent=2, ensure_ascii=False),
        "state": None if walk is None else walk.state,
        "products": None if walk is None else walk.rows,
        "finished_at": None if walk is None else walk.finished_at,
        "asks_for": explanation.explain(one),
        "of_products": explanation.products(one, *price, listed=listed),
        "tokens_each": price.tokens,
        "tokens_once": None if products is None else products * price.tokens,
    }


def watch_lists(conn: Connection, visit: Visit) -> list[dict[str, Any]]:
    """The lists that were taken over, those that are in the settings no more included."""
    return [_list(one, visit.settings.watch_keys) for one in lists.all_lists(conn)]


def _list(one: WatchList, chosen: Collection[str]) -> dict[str, Any]:
    return {
        **asdict(one),
        "shop": shop(one.domain),
        "never": one.products - one.fetched,
        "is_chosen": one.list_key in chosen,
    }
