"""The parameters of a search with Keepa's Product Finder, by name and by what each takes. Pure.

Source: the request of the official client (`ProductFinderRequest`), which a test compares with this. It has 1,364
names, nearly all of them made of parts.
"""

from __future__ import annotations

import difflib
import itertools
import math
from typing import TYPE_CHECKING, Final

from tasks.errors import in_whole_characters

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PRICES: Final = (
    "AMAZON", "BUY_BOX_SHIPPING", "BUY_BOX_USED_SHIPPING", "COLLECTIBLE", "COUNT_COLLECTIBLE", "COUNT_NEW",
    "COUNT_REFURBISHED", "COUNT_REVIEWS", "COUNT_USED", "EBAY_NEW_SHIPPING", "EBAY_USED_SHIPPING", "LIGHTNING_DEAL",
    "LISTPRICE", "NEW", "NEW_FBA", "NEW_FBM_SHIPPING", "PRIME_EXCL", "RATING", "REFURBISHED", "REFURBISHED_SHIPPING",
    "RENT", "SALES", "TRADE_IN", "USED", "USED_ACCEPTABLE_SHIPPING", "USED_GOOD_SHIPPING", "USED_NEW_SHIPPING",
    "USED_VERY_GOOD_SHIPPING", "WAREHOUSE",
)  # fmt: skip
_OF_PRICES: Final = (
    "avg1", "avg7", "avg30", "avg90", "avg180", "avg365", "current", "delta1", "delta7", "delta30", "delta90",
    "deltaLast", "deltaPercent1", "deltaPercent7", "deltaPercent30", "deltaPercent90", "lastPriceChange",
)  # fmt: skip
_FLAGS_OF_PRICES: Final = ("backInStock", "isLowest")
_RANGES: Final = (
    "availabilityAmazonMinDelayInDays", "businessDiscount", "buyBoxEligibleOfferCountsNewFBA",
    "buyBoxEligibleOfferCountsNewFBM", "buyBoxEligibleOfferCountsUsedFBA", "buyBoxEligibleOfferCountsUsedFBM",
    "buyBoxStandardDeviation30", "buyBoxStandardDeviation90", "buyBoxStandardDeviation365", "buyBoxStatsAmazon30",
    "buyBoxStatsAmazon90", "buyBoxStatsAmazon180", "buyBoxStatsAmazon365", "buyBoxStatsSellerCount30",
    "buyBoxStatsSellerCount90", "buyBoxStatsSellerCount180", "buyBoxStatsSellerCount365", "buyBoxStatsTopSeller30",
    "buyBoxStatsTopSeller90", "buyBoxStatsTopSeller180", "buyBoxStatsTopSeller365", "couponOneTimeAbsolute",
    "couponOneTimePercent", "couponSNSPercent", "deltaPercent90_monthlySold", "fbaFees", "flipability30",
    "flipability90", "flipability365", "imageCount", "itemDimension", "itemHeight", "itemLength", "itemWeight",
    "itemWidth", "lastBusinessDiscountUpdate", "lastOffersUpdate", "lastPriceChange", "lastRatingUpdate",
    "lastUpdate", "lightningEnd", "lightningStart", "listedSince", "monthlySold", "nextUpdate", "numberOfItems",
    "numberOfPages", "numberOfTrackings", "offerCountFBA", "offerCountFBM", "outOfStockCountAmazon30",
    "outOfStockCountAmazon90", "outOfStockPercentage90", "outOfStockPercentage90_NEW", "outOfStockPercentage90_USED",
    "outOfStockPercentage90_BB", "outOfStockPercentage90_BB_USED", "outOfStockPercentageInInterval",
    "packageDimension", "packageHeight", "packageLength", "packageQuantity", "packageWeight", "packageWidth",
    "publicationDate", "releaseDate", "salesRankDrops30", "salesRankDrops90", "salesRankDrops180",
    "salesRankDrops365", "salesRankTopPct", "totalOfferCount", "trackingSince", "unitValue", "variationCount",
    "variationRatingCount", "variationReviewCount", "videoCount",
)  # fmt: skip
_FLAGS: Final = (
    "batteriesIncluded", "batteriesRequired", "buyBoxIsAmazon", "buyBoxIsBackorder", "buyBoxIsFBA", "buyBoxIsPreorder",
    "buyBoxIsPrimeEligible", "buyBoxIsPrimeExclusive", "buyBoxIsUnqualified", "buyBoxUsedIsFBA", "hasAPlus",
    "hasAPlusFromManufacturer", "hasMainVideo", "hasParentASIN", "hasReviews", "isAdultProduct", "isDeal",
    "isEligibleForSuperSaverShipping", "isEligibleForTradeIn", "isHazMat", "isHeatSensitive", "isHighestOffer",
    "isLowestOffer", "isMerchOnDemand", "isPrimeExclusive", "isSNS", "launchpad", "newPriceIsMAP", "singleVariation",
)  # fmt: skip
_OTHERS: Final = (
    "activeIngredients", "author", "availabilityAmazon", "binding", "blackList", "brand", "brandStoreName",
    "brandStoreUrlName", "buyBoxSellerId", "buyBoxShippingCountry", "buyBoxStatsTopSellerId30",
    "buyBoxStatsTopSellerId90", "buyBoxStatsTopSellerId180", "buyBoxStatsTopSellerId365", "buyBoxUsedCondition",
    "buyBoxUsedSellerId", "categories_exclude", "categories_include", "color", "dealType", "edition", "format",
    "genre", "historicalParentASIN", "historicalSellerIds", "itemForm", "itemTypeKeyword", "label", "languages",
    "manufacturer", "material", "minMatch", "model", "partNumber", "pattern", "platform", "productGroup",
    "productType", "publisher", "returnRate", "rootCategory", "salesRankReference", "scent", "sellerIds",
    "sellerIdsFBA", "sellerIdsFBM", "sellerIdsLowestFBA", "sellerIdsLowestFBM", "size", "specialIngredients",
    "studio", "style", "targetAudienceKeyword", "title", "title_flag", "type", "unitType", "warehouseCondition",
    "websiteDisplayGroup", "websiteDisplayGroupName",
)  # fmt: skip
_LISTED: Final = frozenset({"categories_include", "categories_exclude"})
_ENDS: Final = ("_gte", "_lte")
_PAGING: Final = frozenset({"page", "perPage"})
_SORT: Final = "sort"
_MOST_SORTS: Final = 3
_PAIR: Final = 2
_SHOWN: Final = 60


def _numbers() -> Iterator[str]:
    for stem, price, end in itertools.product(_OF_PRICES, _PRICES, _ENDS):
        yield f"{stem}_{price}{end}"
    yield from (name + end for name in _RANGES for end in _ENDS)
    # Averages of the sales rank by month, of this year and the two before it.
    yield from (f"srAvg{year}{month:02}{end}" for year in range(3) for month in range(12) for end in _ENDS)


NUMBERS: Final = frozenset(_numbers())
FLAGS: Final = frozenset({*_FLAGS, *(f"{stem}_{price}" for stem in _FLAGS_OF_PRICES for price in _PRICES)})
OTHERS: Final = frozenset(_OTHERS)
NAMES: Final = NUMBERS | FLAGS | OTHERS | _PAGING | {_SORT}


def faults(query: Mapping[str, object]) -> Iterator[str]:
    """Yield what is wrong with a search, a sentence for each parameter."""
    if not set(query) - _PAGING - {_SORT}:
        yield "query: must narrow the search by a parameter, such as categories_include or brand"
    for name, value in query.items():
        why = _fault(name, value)
        if why is not None:
            yield f"query.{name if name in NAMES else _shown(name)}: {why}"


def _fault(name: str, value: object) -> str | None:
    if name in _PAGING:
        return "is chosen by Sluicegate; leave it out, and say with `most` how many products you want"
    if name not in NAMES:
        near = difflib.get_close_matches(name[:_SHOWN], NAMES, n=1)
        return "there is no such parameter" + (f"; did you mean {near[0]}?" if near else "")
    return _sort_fault(value) if name == _SORT else _value_fault(name, value)


def _value_fault(name: str, value: object) -> str | None:
    if name in NUMBERS:
        return None if _is_whole(value) else f"must be a whole number of at most 64 bits, not {_shown(value)}"
    if name in FLAGS:
        return None if isinstance(value, bool) else f"must be true or false, not {_shown(value)}"
    if name in _LISTED:
        return None if _is_numbers(value) else f"must be a list of the numbers of categories, not {_shown(value)}"
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, str) and in_whole_characters(one) != one:
            return f"must be whole characters; {_shown(one)} has half of one"
        is_finite = isinstance(one, float) and math.isfinite(one)
        if not (isinstance(one, str | bool) or _is_whole(one) or is_finite):
            return f"must be a text, a number or a list of these, not {_shown(value)}"
    return None


def _sort_fault(value: object) -> str | None:
    pairs = value if isinstance(value, list) else []
    if not 0 < len(pairs) <= _MOST_SORTS:
        return f'must be a list of one to three pairs, such as [["current_SALES", "asc"]], not {_shown(value)}'
    for pair in pairs:
        if not isinstance(pair, list) or len(pair) != _PAIR or pair[1] not in ("asc", "desc"):
            return f'has {_shown(pair)}, which is no pair such as ["current_SALES", "asc"]'
        if f"{pair[0]}_gte" not in NUMBERS:
            return f"cannot sort by {_shown(pair[0])}: it is no number that a search knows"
    return None


def _is_numbers(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_is_whole, value))


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63


def _shown(value: object) -> str:
    return repr(value)[:_SHOWN]
