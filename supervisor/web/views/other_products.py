"""What else than selections names products: sources, such as best sellers, and people's own lists, as they stand."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from tasks.keepa.locales import shop
from tasks.planning import streams
from tasks.store import crawls, refused_sources
from tasks.store.watch import lists

if TYPE_CHECKING:
    from collections.abc import Mapping

    from supervisor.config.web_settings import WebSettings
    from tasks.keepa.source.source import Source
    from tasks.store.connection import Connection
    from tasks.store.crawls import Crawl
    from tasks.store.refused_sources import RefusedSource
    from tasks.store.watch.lists import WatchList


SOURCE_COLUMNS: Final = (
    *("name", "shop", "kind", "state", "products", "most", "finished_at", "refresh_s", "reason", "since", "query"),
)
LIST_COLUMNS: Final = (
    *("name", "shop", "detail", "is_chosen", "products", "overdue", "never", "oldest_at", "refresh_s"),
    *("reason", "since"),
)


def sources(conn: Connection, settings: WebSettings) -> list[dict[str, Any]]:
    """The sources of the settings: what each asks for, where its walk stands, and why it is refused if it is."""
    found = streams.sources_of(settings.sources)
    if not found:
        return []
    walks = {(one.selection_key, one.domain): one for one in crawls.crawls_of(conn, [one.key for one in found])}
    refused = {(one.source_key, one.domain): one for one in refused_sources.all_refused(conn)}
    return [_source(one, walks, refused) for one in found]


def _source(
    one: Source, walks: Mapping[tuple[str, int], Crawl], refused: Mapping[tuple[str, int], RefusedSource]
) -> dict[str, Any]:
    walk, refusal = walks.get((one.key, one.domain)), refused.get((one.key, one.domain))
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
        "reason": None if refusal is None else refusal.reason,
        "since": None if refusal is None else refusal.since,
    }


def watch_lists(conn: Connection, settings: WebSettings) -> list[dict[str, Any]]:
    """The lists that were taken over, those that are in the settings no more included."""
    return [_list(one, settings) for one in lists.all_lists(conn)]


def _list(one: WatchList, settings: WebSettings) -> dict[str, Any]:
    return {
        **asdict(one),
        "shop": shop(one.domain),
        "never": one.products - one.fetched,
        "is_chosen": one.list_key in settings.watch_keys,
    }
