"""What each parameter of a deal query may be. Pure: a value goes in, the normalised value or a fault comes out.

Source of names, types and limits: the API documentation of deals. The server ignores a name it does not know and
answers a bad value with a bare "invalid parameter", so both are found here, where they can be named.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

MAX_CATEGORIES: Final = 500
MAX_TITLE_WORDS: Final = 50
PAGE_ROWS: Final = 150  # a page with fewer rows is the last
MAX_ROWS: Final = 10_000  # no row beyond this can be reached by paging
LAST_PAGE: Final = (MAX_ROWS - 1) // PAGE_ROWS
SALES: Final = 3  # the price type that is a rank
LEAST_PERCENT: Final = 10
LEAST_PERCENT_RANK: Final = 80
OPEN: Final = -1  # as upper end of a rank range: no upper end

PRICE_TYPES: Final = frozenset({0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 18, 19, 20, 21, 22, 32, 33})
DEAL_DOMAINS: Final = frozenset({1, 2, 3, 4, 5, 6, 8, 9, 10, 11})
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
    """A value its parameter cannot have; the message says what it can."""


def whole(value: object) -> int:
    """The value as a whole number.

    Raises:
        Fault: it is anything else; true and false are no numbers.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise Fault(f"a whole number is wanted, not {shown(value)}")


def shown(value: object) -> str:
    """The value as a person would write it in JSON, shortened."""
    text = {True: "true", False: "false"}[value] if isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - only a line's width


def _whole_or_digits(value: object) -> int:
    # Keepa's own page exports these as strings, and the server takes them.
    return int(value) if isinstance(value, str) and _FEW_DIGITS.fullmatch(value) else whole(value)


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise Fault(f"true or false is wanted, not {shown(value)}")


def _between(low: int, high: int) -> Rule:
    def rule(value: object) -> int:
        number = whole(value)
        if not low <= number <= high:
            raise Fault(f"{number} is not within {low} to {high}")
        return number

    return rule


def _domain(value: object) -> int:
    number = _whole_or_digits(value)
    if number not in DEAL_DOMAINS:
        raise Fault(f"{number} has no deals; domains with deals are {sorted(DEAL_DOMAINS)}")
    return number


def _date_range(value: object) -> int:
    number = _whole_or_digits(value)
    if number not in range(4):
        raise Fault(f"{number} is no range: 0 = 24 hours, 1 = 7 days, 2 = 31 days, 3 = 90 days")
    return number


def _sort_type(value: object) -> int:
    number = whole(value)
    if number == -1:
        raise Fault("1 (newest first) cannot be inverted")
    if number not in {1, 2, 3, 4, -2, -3, -4}:
        raise Fault(f"{number} is no order: 1 newest first, 2 delta, 3 sales rank, 4 percent; minus inverts 2 to 4")
    return number


def _list(value: object) -> list[Any]:
    if isinstance(value, list | tuple):
        return list(value)
    raise Fault(f"a list is wanted, not {shown(value)}")


def _price_types(value: object) -> list[int]:
    if isinstance(value, int) and not isinstance(value, bool):
        raise Fault(f"a list with exactly one price type is wanted: [{value}]")
    types = [whole(entry) for entry in _list(value)]
    if len(types) != 1:
        raise Fault(f"{types}: exactly one price type is possible; make one selection for each")
    if types[0] not in PRICE_TYPES:
        raise Fault(f"{types[0]} has no deals; price types with deals are {sorted(PRICE_TYPES)}")
    return types


def _categories(value: object) -> list[int]:
    ids = sorted({whole(entry) for entry in _list(value)})
    if len(ids) > MAX_CATEGORIES:
        raise Fault(f"{len(ids)} categories; at most {MAX_CATEGORIES}")
    odd = [entry for entry in ids if not 0 < entry <= _INT64]
    if odd:
        raise Fault(f"{odd[:3]}: a category id is above 0")
    return ids


def _conditions(value: object) -> list[int]:
    conditions = sorted({whole(entry) for entry in _list(value)})
    if _USED_GOOD_IN_DOCS in conditions:
        raise Fault("24 is a slip of the documentation: used, good is 4")
    if not set(conditions) <= set(range(1, 6)):
        raise Fault(f"{conditions}: 1 new, 2 like new, 3 very good, 4 good, 5 acceptable")
    return conditions


def _texts(value: object) -> list[str]:
    texts = _list(value)
    for text in texts:
        if not isinstance(text, str) or not text.strip():
            raise Fault(f"a list of texts is wanted, not with {shown(text)} in it")
    return sorted({_sound(text) for text in texts})


def _sound(text: str) -> str:
    if any(0xD800 <= ord(char) <= 0xDFFF for char in text):  # noqa: PLR2004 - the surrogates of UTF-16
        raise Fault(f"{shown(text)} holds half a character")
    return text


def _title(value: object) -> str:
    if not isinstance(value, str):
        raise Fault(f"a text is wanted, not {shown(value)}")
    words = _sound(value).split()
    if len(words) > MAX_TITLE_WORDS:
        raise Fault(f"{len(words)} words; at most {MAX_TITLE_WORDS}")
    return " ".join(words)


def _range(value: object) -> list[int]:
    ends = [whole(entry) for entry in _list(value)]
    if len(ends) != 2:  # noqa: PLR2004 - two ends
        raise Fault(f"[min, max] is wanted, not {ends}")
    if max(abs(end) for end in ends) > _INT32:
        raise Fault(f"{ends}: at most {_INT32}")
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
