"""A selection as the server understands it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tasks.simulator.api import fields
from tasks.simulator.api.fields import MALFORMED, OUT_OF_RANGE, Refusal
from tasks.simulator.market import price_types as pt

if TYPE_CHECKING:
    from collections.abc import Mapping

DOMAINS: Final = frozenset({1, 2, 3, 4, 5, 6, 8, 9, 10, 11})
_DATE_RANGES: Final = frozenset(range(5))  # 4 is said to work
_SORTS: Final = frozenset({-4, -3, -2, -1, 0, 1, 2, 3, 4})
_USUAL_SORT: Final = 4
_MOST_WORDS: Final = 50
_MOST_RATING: Final = 50
_ENDS: Final = 2
_LEAST_PERCENT: Final = 10
_LEAST_RANK_PERCENT: Final = 80
RANGES: Final = ("currentRange", "deltaRange", "deltaLastRange", "deltaPercentRange", "salesRankRange")
FLAGS: Final = (
    "isLowest", "isLowest90", "isLowestOffer", "isHighest", "isOutOfStock", "isBackInStock", "hasReviews",
    "filterErotic", "singleVariation", "isRisers", "isPrimeExclusive", "mustHaveAmazonOffer", "mustNotHaveAmazonOffer",
)  # fmt: skip
TEXTS: Final = (
    "material", "type", "manufacturer", "brand", "productGroup", "model", "color", "size", "unitType", "scent",
    "itemForm", "pattern", "style", "itemTypeKeyword", "targetAudienceKeyword", "edition", "format", "author",
    "binding", "languages", "brandStoreName", "brandStoreUrlName", "websiteDisplayGroup", "websiteDisplayGroupName",
    "salesRankDisplayGroup",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class DealQuery:
    """A selection as the server understood it; filters of a group that is switched off are gone."""

    domain: int
    kind: int
    date_range: int
    sort: int
    page: int
    include: frozenset[int]
    exclude: frozenset[int]
    title_words: tuple[str, ...]
    flags: frozenset[str] = frozenset()
    texts: tuple[tuple[str, frozenset[str]], ...] = ()
    conditions: frozenset[int] = frozenset()
    min_rating: int = -1
    ranges: tuple[tuple[str, int, int], ...] = ()


def parse(body: str | bytes) -> DealQuery:
    """The query in the JSON of a selection.

    Raises:
        Refusal: 400 or 405, with the field's name.
    """
    try:
        raw = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refusal(MALFORMED, "selection: not JSON") from error
    if not isinstance(raw, dict):
        raise Refusal(MALFORMED, "selection: not an object")
    kind = _kind(raw)
    page = fields.integer(raw, "page", 0)
    if page < 0:
        raise Refusal(OUT_OF_RANGE, "page")
    is_filtered, is_ranged = fields.flag(raw, "isFilterEnabled"), fields.flag(raw, "isRangeEnabled")
    return DealQuery(
        domain=fields.among(raw, "domainId", DOMAINS),
        kind=kind,
        date_range=fields.among(raw, "dateRange", _DATE_RANGES, default=0),
        sort=fields.among(raw, "sortType", _SORTS, default=_USUAL_SORT),
        page=page,
        include=fields.ids(raw, "includeCategories"),
        exclude=fields.ids(raw, "excludeCategories"),
        title_words=_words(raw),
        flags=frozenset(name for name in FLAGS if fields.flag(raw, name) and is_filtered),
        texts=tuple((name, fields.texts(raw, name)) for name in TEXTS if raw.get(name) and is_filtered),
        conditions=fields.ids(raw, "warehouseConditions") if is_filtered else frozenset(),
        min_rating=_rating(raw) if is_filtered else -1,
        ranges=tuple(_range(raw, name, kind) for name in RANGES if raw.get(name) is not None) if is_ranged else (),
    )


def _kind(raw: Mapping[str, Any]) -> int:
    """The price type: one in a list or by itself, as the Python client sends it; Amazon's price when left out."""
    kinds = pt.AMAZON if raw.get("priceTypes") is None else raw["priceTypes"]
    if isinstance(kinds, list):
        if len(kinds) != 1:
            raise Refusal(MALFORMED, "priceTypes: exactly one")
        kinds = kinds[0]
    kind = fields.integer({"priceTypes": kinds}, "priceTypes")
    if kind not in pt.DEAL_TYPES:
        raise Refusal(MALFORMED, "priceTypes")
    return kind


def _words(raw: Mapping[str, Any]) -> tuple[str, ...]:
    text = raw.get("titleSearch")
    if text is None:
        return ()
    if not isinstance(text, str):
        raise Refusal(MALFORMED, "titleSearch")
    words = tuple(text.casefold().split())
    if len(words) > _MOST_WORDS:
        raise Refusal(OUT_OF_RANGE, "titleSearch")
    return words


def _rating(raw: Mapping[str, Any]) -> int:
    value = fields.integer(raw, "minRating", -1)
    if not -1 <= value <= _MOST_RATING:
        raise Refusal(OUT_OF_RANGE, "minRating")
    return value


def _range(raw: Mapping[str, Any], name: str, kind: int) -> tuple[str, int, int]:
    bounds = raw[name]
    if not isinstance(bounds, list) or len(bounds) != _ENDS:
        raise Refusal(MALFORMED, name)
    low, high = (fields.integer({name: bound}, name) for bound in bounds)
    least = _LEAST_RANK_PERCENT if kind == pt.SALES else _LEAST_PERCENT
    if name == "deltaPercentRange" and low < least:
        raise Refusal(OUT_OF_RANGE, name)
    return name, low, high
