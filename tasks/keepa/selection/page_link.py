"""Makes the address of Keepa's deals page that shows what a selection asks for. Pure.

The page keeps its query in its address. There, unlike in a call of the API, categories stand in lists by locale, and
the mark of the page is beside them. Source: addresses of the page; `tasks.keepa.selection.text` reads them back.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from tasks.keepa.locales import SHOPS
from tasks.keepa.selection.rules import PAGE_ROWS

if TYPE_CHECKING:
    from tasks.keepa.selection.selection import Selection

_PAGE: Final = "https://keepa.com/#!deals/"
_BY_LOCALE: Final = ("includeCategories", "excludeCategories")
_LOCALES: Final = max(SHOPS) + 1
_OF_THE_PAGE: Final = {"page": 0, "perPage": PAGE_ROWS, "settings": {"viewTyp": 0}}


def page_link(selection: Selection) -> str:
    """Return the address. It has no key in it, and asks the site for the same deals as the API is asked for."""
    query = {**selection.query, **_OF_THE_PAGE}
    for name in _BY_LOCALE:
        if name in query:
            query[name] = [query[name] if number == selection.domain else [] for number in range(_LOCALES)]
    return _PAGE + quote(json.dumps(query, separators=(",", ":"), ensure_ascii=False), safe="")
