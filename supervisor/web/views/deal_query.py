"""Reads which deals an address asks for: the filters of the page Deals. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ledger import durations
from supervisor.queries import parsing
from supervisor.queries.deal_conditions import RESALE_SORTS
from supervisor.queries.deal_defaults import OVERS, SORTS, usual
from supervisor.web.views.deal_conditions import conditions
from supervisor.web.views.given import one_of
from tasks.store.best_deals import position
from tasks.store.best_deals.deal_filter import DealFilter

if TYPE_CHECKING:
    from supervisor.queries.selection_names import SelectionNames
    from supervisor.web.views.given import Given
    from tasks.store.best_deals.position import ListSort

PAGE_ROWS: Final = 50
MOST_ROWS: Final = 500
WITHINS: Final = ("1h", "6h", "24h", "3d", "7d", "30d")
ALL_SORTS: Final[tuple[ListSort, ...]] = (*SORTS, *RESALE_SORTS.values())
_WITHIN: Final = "24h"
_MOST_WORDS: Final = 10


def deal_filter(given: Given, names: SelectionNames) -> DealFilter:
    """The deals that the address asks for, from the place on that it names.

    Raises:
        Refusal: it asks for something there is not.
    """
    numbered = names.by_number()
    known = sorted({*names.by_key().values()})
    selections = given.choose_all("selection", one_of(*known)) or None
    types, over = usual(names.called(selections))
    asked = conditions(given)
    first: ListSort = SORTS[0]
    sort = given.choose("sort", first, one_of(*ALL_SORTS))
    return DealFilter(
        price_types=given.choose_all("type", parsing.money_type) or types,
        over=given.choose("over", over, one_of(*OVERS)),
        within=given.choose("within", durations.parse_duration(_WITHIN), durations.parse_duration),
        top=min(MOST_ROWS, given.choose("top", PAGE_ROWS, parsing.count)),
        domain=given.choose("domain", None, parsing.domain),
        min_discount=given.choose("min_discount", 1, parsing.percent),
        sort=next((one for one in SORTS if one == sort), SORTS[0]),
        selections=None if selections is None else [n for n, name in numbered.items() if name in selections],
        names=numbered,
        title=given.choose("title", (), _words),
        conditions=asked,
        after=given.choose("after", None, lambda text: position.read(text, sort)),
    )


def whole(which: DealFilter) -> DealFilter:
    """The same from its beginning to its end, for a list that is sent as a whole."""
    return replace(which, after=None, top=parsing.MOST)


def _words(text: str) -> tuple[str, ...]:
    words = tuple(text.split())
    if len(words) > _MOST_WORDS:
        raise ValueError(f"{len(words)} words are looked for, and {_MOST_WORDS} may be")
    return words
