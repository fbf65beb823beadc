"""Says in sentences what a selection asks for. Pure.

Source of the meanings: the API documentation of deals, and recorded pages of deals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tasks.keepa import prices
from tasks.keepa.locales import CURRENCIES, shop
from tasks.keepa.selection.open_range import LARGEST
from tasks.keepa.selection.rules import FILTERS, OPEN, RANGES, SALES, TEXT_FILTERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tasks.keepa.selection.selection import Selection

_PERIODS: Final = {0: "24 hours", 1: "7 days", 2: "31 days", 3: "90 days"}
_CONDITIONS: Final = {1: "new", 2: "like new", 3: "very good", 4: "good", 5: "acceptable"}
_FLAGS: Final = {
    "isLowest": "the price has never been lower",
    "isLowest90": "the price has not been lower within 90 days",
    "isLowestOffer": "the price is the lowest of all new offers",
    "isHighest": "the price has never been higher",
    "isBackInStock": "there is an offer again, since 24 hours or less",
    "isPrimeExclusive": "the price is for members of Prime only",
    "hasReviews": "the product has reviews",
    "mustHaveAmazonOffer": "Amazon itself offers the product",
    "mustNotHaveAmazonOffer": "Amazon itself does not offer the product",
    "filterErotic": "erotica are left out",
    "singleVariation": "one product stands for all its variations",
}
_LISTS: Final = {
    "includeCategories": "the category is one of",
    "excludeCategories": "the category is none of",
    **{name: f"{name} is one of" for name in TEXT_FILTERS},
}
_RISERS: Final = "isRisers"
_OUT_OF_STOCK: Final = "isOutOfStock"
_STAR: Final = 10  # a rating counts tenths of a star
_MANY: Final = 5  # values that are listed; of more their number is said


def explain(selection: Selection) -> tuple[str, tuple[str, ...]]:
    """Say what the selection asks for: a sentence, and a phrase for each condition that every deal must fulfil.

    What the server ignores, because a switch is off, is no condition; `Selection.notes` tells it.
    """
    query = _effective(selection.query)
    where, mover = shop(selection.domain), _mover(selection)
    if query.get(_OUT_OF_STOCK):
        return f"products of {where} whose last offer for the {mover} went within 24 hours", _conditions(
            query, selection
        )
    moved = "risen above" if query.get(_RISERS) else "fallen below"
    period = _PERIODS.get(query.get("dateRange", OPEN))
    of = "a period that the server chooses, as dateRange is not set" if period is None else period
    return f"products of {where} whose {mover} has {moved} its mean of {of}", _conditions(query, selection)


def _mover(selection: Selection) -> str:
    return "sales rank" if selection.price_type == SALES else f"price {prices.NAMES[selection.price_type]}"


def _effective(query: Mapping[str, Any]) -> dict[str, Any]:
    """Return the query without what its switches turn off."""
    off = {
        name
        for switch, names in (("isFilterEnabled", FILTERS), ("isRangeEnabled", RANGES))
        if not query.get(switch)
        for name in names
    }
    return {name: value for name, value in query.items() if name not in off}


def _conditions(query: Mapping[str, Any], selection: Selection) -> tuple[str, ...]:
    flags = (words for name, words in _FLAGS.items() if query.get(name))
    return (*_ranges(query, selection), *_choices(query), *flags)


def _choices(query: Mapping[str, Any]) -> Iterator[str]:
    """Say which values are chosen of what has several."""
    if query.get("minRating", OPEN) > 0:
        yield f"the rating is {query['minRating'] / _STAR:g} stars or more"
    if "warehouseConditions" in query:
        conditions = ", ".join(_CONDITIONS[one] for one in query["warehouseConditions"])
        yield f"the condition of a Warehouse deal is one of: {conditions}"
    for name, words in _LISTS.items():
        if name in query:
            yield f"{words}: {_listed([str(one) for one in query[name]])}"
    if "titleSearch" in query:
        yield f"the title has every one of the words: {query['titleSearch']}"


def _ranges(query: Mapping[str, Any], selection: Selection) -> Iterator[str]:
    value = "rank" if selection.price_type == SALES else "price"
    distance = f"its distance to the mean, {'above' if query.get(_RISERS) else 'below'} it, is"
    if "currentRange" in query:
        yield f"the {value} is {_amounts(query['currentRange'], selection)}"
    if "deltaRange" in query:
        yield f"{distance} {_amounts(query['deltaRange'], selection)}"
    if "deltaPercentRange" in query:
        low, high = query["deltaPercentRange"]
        yield f"{distance} {_span(str(low), None if high == LARGEST else str(high))} %"
    if "deltaLastRange" in query:
        yield f"the difference to the {value} before is {_amounts(query['deltaLastRange'], selection)}"
    if "salesRankRange" in query:
        low, high = query["salesRankRange"]
        written = _span(f"{low:,}", None if high in {OPEN, LARGEST} else f"{high:,}")
        yield f"the sales rank is {written}; products without one are left out"


def _amounts(ends: list[int], selection: Selection) -> str:
    currency, digits = ("", 0) if selection.price_type == SALES else CURRENCIES[selection.domain]
    low, high = (f"{end / 10**digits:,.{digits}f}" for end in ends)
    is_open = ends[1] == LARGEST or (selection.price_type == SALES and ends[1] == OPEN)
    return f"{_span(low, None if is_open else high)} {currency}".rstrip()


def _span(low: str, high: str | None) -> str:
    return f"{low} or more" if high is None else f"from {low} to {high}"


def _listed(values: list[str]) -> str:
    more = f" and {len(values) - _MANY} more" if len(values) > _MANY else ""
    return ", ".join(values[:_MANY]) + more
