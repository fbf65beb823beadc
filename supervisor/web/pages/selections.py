"""The selections: what each asks for, how far it is known, where its walks stand; and a check of a pasted one.

Beside them what else names products: sources and people's own lists.
"""

from __future__ import annotations

import json
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from supervisor.selections import given
from supervisor.web.page import Listing, Page
from supervisor.web.views import other_products
from supervisor.web.views.product_view import moment
from tasks.errors import ConfigError, plain
from tasks.keepa.locales import shop
from tasks.keepa.request import DEAL_TOKENS
from tasks.keepa.selection import explanation
from tasks.keepa.selection.page_link import page_link
from tasks.keepa.source import explanation as explanation_of_source
from tasks.planning import streams
from tasks.store import crawls
from tasks.store.calls import sums

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from supervisor.web.page import Visit
    from supervisor.web.views.other_products import ProductPrice
    from tasks.keepa.selection.selection import Selection
    from tasks.keepa.source.source import Source
    from tasks.planning.streams import Stream
    from tasks.store.connection import Connection
    from tasks.store.crawls import Crawl, Watermark

_Read: TypeAlias = "Callable[[Connection, Visit], list[dict[str, Any]]]"
_PATH: Final = "/selections"
_KEY_NOTE: Final = (
    "the address has an API key in it, which is in the history of this browser now: leave the key out next time"
)
_DAY: Final = timedelta(days=1)
_LISTING: Final = "/deal"
_COLUMNS: Final = ("name", "domain", "shop", "key", "known_until", "walked_at", "asks_for", "query")


def _data(visit: Visit) -> Mapping[str, Any]:
    known, walks, tokens = _stored(visit)
    with visit.database.reading() as conn:
        sources = other_products.sources(conn, visit)
        watched = other_products.watch_lists(conn, visit)
    text = visit.query.get("check", "").strip()
    return {
        "selections": [_shown(one, known, walks) for one in _streams(visit)],
        "sources": sources,
        "watched": watched,
        "tokens": tokens,
        "page_tokens": DEAL_TOKENS,
        "text": text,
        "checked": _checked(text, visit) if text else None,
    }


def _streams(visit: Visit) -> tuple[Stream, ...]:
    return streams.streams(visit.settings.selections, visit.settings.domains)


def _stored(visit: Visit) -> tuple[dict[tuple[str, int], Watermark], list[Crawl], int]:
    """The watermarks, the walks, and what listing has cost in the last day, of all selections together."""
    keys = [one.key for one in _streams(visit)]
    with visit.database.reading() as conn:
        known = {(mark.selection_key, mark.domain): mark for mark in crawls.all_watermarks(conn)}
        walks = crawls.crawls_of(conn, keys)
        spent = sums.sums(conn, since=_DAY, by="endpoint")
    return known, walks, next((one.tokens for one in spent if one.name == _LISTING), 0)


def _shown(stream: Stream, known: Mapping[tuple[str, int], Watermark], walks: Sequence[Crawl]) -> dict[str, Any]:
    mark = known.get((stream.key, stream.domain))
    return {
        **_about(stream.selection),
        "key": stream.key,
        "known_until": None if mark is None else moment(mark.minute),
        "walked_at": None if mark is None else mark.walked_at,
        "walks": [_walk(one) for one in walks if (one.selection_key, one.domain) == (stream.key, stream.domain)],
    }


def _about(one: Selection) -> dict[str, Any]:
    """What it asks for, in words and as it is sent."""
    sentence, conditions = explanation.explain(one)
    return {
        "name": one.name,
        "domain": one.domain,
        "shop": shop(one.domain),
        "asks_for": sentence,
        "conditions": conditions,
        "notes": one.notes,
        "link": page_link(one),
        "query": json.dumps(dict(one.query), indent=2, ensure_ascii=False),
    }


def _walk(one: Crawl) -> dict[str, Any]:
    """A walk, with the tokens of the pages it has read of the part it stands in: a page costs the same always."""
    pages = one.page if one.state == "running" else one.page + 1
    return {
        "job": one.job,
        "state": one.state,
        "page": one.page,
        "rows": one.rows,
        "part": _part(one),
        "tokens": pages * DEAL_TOKENS,
        "started_at": one.started_at,
        "finished_at": one.finished_at,
    }


def _part(one: Crawl) -> str:
    parts = [f"category {one.root_cat}"] if one.root_cat is not None else []
    if one.price_low is not None and one.price_high is not None:
        parts.append(f"prices {one.price_low:,} to {one.price_high:,}")
    return ", ".join(parts)


def _checked(text: str, visit: Visit) -> dict[str, Any]:
    """What the selection or the source in a text asks for, or every fault of it; as `sluicegate selection check`."""
    note = _KEY_NOTE if given.names_key(text) else ""
    try:
        found = given.in_text(given.PASTED, text, visit.settings.domains)
    except ConfigError as error:
        return {"faults": plain(error), "note": note, "selections": [], "sources": []}
    price = other_products.product_price(visit) if found.sources else None
    return {
        "faults": "",
        "note": note,
        "selections": [_about(one) for one in found.selections],
        "sources": [_source(one, price) for one in found.sources if price is not None],
    }


def _source(one: Source, price: ProductPrice) -> dict[str, str]:
    query = json.dumps(dict(one.query), indent=2, ensure_ascii=False)
    words = {"asks_for": explanation_of_source.explain(one), "of_products": explanation_of_source.products(one, *price)}
    return {"shop": shop(one.domain), **words, "query": query}


def _listing(visit: Visit) -> Listing:
    known, _, _ = _stored(visit)

    def rows() -> Iterator[Sequence[object]]:
        for one in _streams(visit):
            mark = known.get((one.key, one.domain))
            until: datetime | None = None if mark is None else moment(mark.minute)
            sentence, _ = explanation.explain(one.selection)
            query = json.dumps(dict(one.selection.query), ensure_ascii=False)
            walked_at = None if mark is None else mark.walked_at
            yield one.selection.name, one.domain, shop(one.domain), one.key, until, walked_at, sentence, query

    return Listing("selections", _COLUMNS, rows())


def _of(name: str, read: _Read, columns: tuple[str, ...], visit: Visit) -> Listing:
    with visit.database.reading() as conn:
        found = read(conn, visit)
    return Listing(name, columns, [[one[column] for column in columns] for one in found])


def _beside(name: str, read: _Read, columns: tuple[str, ...]) -> Page:
    """What stands on the page beside the selections, with files of its own."""
    return Page(
        path=f"{_PATH}/{name}",
        title="Selections",
        template="selections.html",
        data=_data,
        listing=partial(_of, name, read, columns),
        in_navigation=False,
    )


PAGES: Final = (
    Page(path=_PATH, title="Selections", template="selections.html", data=_data, listing=_listing),
    _beside("sources", other_products.sources, other_products.SOURCE_COLUMNS),
    _beside("lists", other_products.watch_lists, other_products.LIST_COLUMNS),
)
