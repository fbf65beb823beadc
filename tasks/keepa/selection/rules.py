"""Has a rule for each parameter of a deal query: it returns the normalised value, or raises a fault. Pure.

Source of names, types and limits: the API documentation of deals. The server ignores a name it does not know and
answers a bad value with a bare "invalid parameter", so both are found here, where they can be named.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Final

from tasks.keepa.locales import DEAL_DOMAINS

MAX_CATEGORIES: Final = 500
MAX_TITLE_WORDS: Final = 50
PAGE_ROWS: Final = 150  # a page with fewer rows is the last
MAX_ROWS: Final = 10_000  # no row beyond this can be reached by paging
LAST_PAGE: Final = (MAX_ROWS - 1) // PAGE_ROWS
SALES: Final = 3  # the price type that is a rank
MIN_PERCENT: Final = 10
MIN_PERCENT_RANK: Final = 80
OPEN: Final = -1  # as upper end of a rank range: no upper end

PRICE_TYPES: Final = frozenset({0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 18, 19, 20, 21, 22, 32, 33})
RANGES: Final = ("currentRange", "deltaLastRange", "deltaPercentRange", "deltaRange", "salesRankRange")
TEXT_FILTERS: Final = (
    *("author", "binding", "brand", "brandStoreName", "brandStoreUrlName", "color", "edition", "format"),
    *("itemForm", "itemTypeKeyword", "languages", "manufacturer", "material", "model", "pattern"),
    *("productGroup", "salesRankDisplayGroup", "scent", "size", "style", "targetAudienceKeyword", "type"),
    *("unitType", "websiteDisplayGroup", "websiteDisplayGroupName"),
)
FLAG_FILTERS: Final = (
    *("filterErotic", "hasReviews", "isBackInStock", "isHighest", "isLowest", "isLowest90", "isLowestOffer"),
    *("isOutOfStock", "isPrimeExclusive", "isRisers", "mustHaveAmazonOffer", "mustNotHaveAmazonOffer"),
    "singleVariation",
)
FILTERS: Final = (
    *("excludeCategories", "includeCategories", "minRating", "warehouseConditions"),
    *TEXT_FILTERS,
    *FLAG_FILTERS,
)

_INT32: Final = 2**31 - 1
_INT64: Final = 2**63 - 1
_USED_GOOD_IN_DOCS: Final = 24
_FEW_DIGITS: Final = re.compile("[0-9]{1,3}")

Rule = Callable[[Any], Any]


class Fault(ValueError):
    """A parameter cannot have this value. The message goes on from the parameter's name and says what it must be."""


def _whole(value: object) -> int:
    """Return the value if it is a whole number.

    Raises:
        Fault: it is anything else, such as true or false.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise Fault(f"must be a whole number, not {shown(value)}")


def shown(value: object) -> str:
    """Write the value as a person would in JSON, shortened."""
    text = json.dumps(value) if value is None or isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - only a line's width


def _whole_or_digits(value: object) -> int:
    # Keepa's own page exports these as strings, and the server takes them.
    return int(value) if isinstance(value, str) and _FEW_DIGITS.fullmatch(value) else _whole(value)


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise Fault(f"must be true or false, not {shown(value)}")


def _between(low: int, high: int) -> Rule:
    def rule(value: object) -> int:
        number = _whole(value)
        if not low <= number <= high:
            raise Fault(f"must be from {low} to {high}, not {number}")
        return number

    return rule


def _domain(value: object) -> int:
    number = _whole_or_digits(value)
    if number not in DEAL_DOMAINS:
        raise Fault(f"must be a domain with deals, not {number}; these are {sorted(DEAL_DOMAINS)}")
    return number


def _date_range(value: object) -> int:
    number = _whole_or_digits(value)
    if number not in range(4):
        raise Fault(f"must be 0 (24 hours), 1 (7 days), 2 (31 days) or 3 (90 days), not {number}")
    return number


def _sort_type(value: object) -> int:
    number = _whole(value)
    if number == -1:
        raise Fault("1 (newest first) cannot be reversed")
    if number not in {1, 2, 3, 4, -2, -3, -4}:
        raise Fault(
            "must be 1 (newest first), 2 (delta), 3 (sales rank) or 4 (percent), "
            f"or one of the last three with a minus to reverse it, not {number}"
        )
    return number


def _list(value: object) -> list[Any]:
    if isinstance(value, list | tuple):
        return list(value)
    raise Fault(f"must be a list, not {shown(value)}")


def _whole_numbers(value: object) -> list[int]:
    numbers = _list(value)
    for number in numbers:
        if not isinstance(number, int) or isinstance(number, bool):
            raise Fault(f"must be a list of whole numbers; {shown(number)} is not one")
    return numbers


def _price_types(value: object) -> list[int]:
    if isinstance(value, int) and not isinstance(value, bool):
        raise Fault(f"must be a list with exactly one price type: [{value}]")
    types = _whole_numbers(value)
    if len(types) != 1:
        raise Fault(f"must be a list with exactly one price type, not {types}; write one selection for each")
    if types[0] not in PRICE_TYPES:
        raise Fault(f"must be a price type with deals, not {types[0]}; these are {sorted(PRICE_TYPES)}")
    return types


def _categories(value: object) -> list[int]:
    ids = sorted(set(_whole_numbers(value)))
    if len(ids) > MAX_CATEGORIES:
        raise Fault(f"must have at most {MAX_CATEGORIES} categories, not {len(ids)}")
    odd = [entry for entry in ids if not 0 < entry <= _INT64]
    if odd:
        raise Fault(f"must be ids of categories, which are above 0, not {odd[:3]}")
    return ids


def _conditions(value: object) -> list[int]:
    conditions = sorted(set(_whole_numbers(value)))
    if _USED_GOOD_IN_DOCS in conditions:
        raise Fault("must have 4 for 'used, good'; 24 is an error in the documentation")
    if not set(conditions) <= set(range(1, 6)):
        raise Fault(f"must be of 1 (new), 2 (like new), 3 (very good), 4 (good) and 5 (acceptable), not {conditions}")
    return conditions


def _texts(value: object) -> list[str]:
    texts = _list(value)
    for text in texts:
        if not isinstance(text, str) or not text.strip():
            raise Fault(f"must be a list of texts that are not blank; {shown(text)} is not one")
    return sorted({_sound(text) for text in texts})


def _sound(text: str) -> str:
    if any(0xD800 <= ord(char) <= 0xDFFF for char in text):  # noqa: PLR2004 - the surrogates of UTF-16
        raise Fault(f"must be whole characters; {shown(text)} has half of one")
    return text


def _title(value: object) -> str:
    if not isinstance(value, str):
        raise Fault(f"must be a text, not {shown(value)}")
    words = _sound(value).split()
    if len(words) > MAX_TITLE_WORDS:
        raise Fault(f"must have at most {MAX_TITLE_WORDS} words, not {len(words)}")
    return " ".join(words)


def _range(value: object) -> list[int]:
    ends = _whole_numbers(value)
    if len(ends) != 2:  # noqa: PLR2004 - two ends
        raise Fault(f"must be [min, max], not {ends}")
    if max(abs(end) for end in ends) > _INT32:
        raise Fault(f"must be from -{_INT32} to {_INT32}, not {ends}")
    return ends


RULES: Final[dict[str, Rule]] = {
    "page": _between(0, LAST_PAGE),
    "domainId": _domain,
    "priceTypes": _price_types,
    "dateRange": _date_range,
    "sortType": _sort_type,
    "isFilterEnabled": _flag,
    "includeCategories": _categories,
    "excludeCategories": _categories,
    "minRating": _between(-1, 50),
    "warehouseConditions": _conditions,
    **dict.fromkeys(TEXT_FILTERS, _texts),
    **dict.fromkeys(FLAG_FILTERS, _flag),
    "isRangeEnabled": _flag,
    **dict.fromkeys(RANGES, _range),
    "titleSearch": _title,
}
