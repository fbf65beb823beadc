"""Requests for lists of products: best sellers, storefronts, searches, lightning deals, as the server reads them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from tasks.simulator.api import deal_query, fields
from tasks.simulator.api.fields import MALFORMED, OUT_OF_RANGE, Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

Endpoint = Literal["/bestsellers", "/seller", "/query", "/lightningdeal"]
ENDPOINTS: Final[frozenset[Endpoint]] = frozenset({"/bestsellers", "/seller", "/query", "/lightningdeal"})
_RANGES: Final = frozenset({0, 30, 90, 180})  # 200 gives 400
_MOST_SELLERS: Final = 100
_SELLER: Final = re.compile("A[0-9A-Z]{9,20}")
_ASIN: Final = re.compile("[0-9A-Z]{10}")
_PER_PAGE: Final = range(50, 10_001)
_MOST_REACHED: Final = 10_000
_USUAL_PAGE: Final = 50
_DIRECTIONS: Final = frozenset({"asc", "desc"})
_MOST_SORTS: Final = 3
_PAIR: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingQuery:
    """A request for a list of products.

    Attributes:
        category: of the best sellers.
        days: over how many the sales rank is averaged; 0 is the present rank.
        sellers: the sellers asked for.
        has_storefront: whether the sellers' products are asked for too.
        asin: the one product whose lightning deal is asked for; empty for all.
        finder: the filters of a search.
        sort: the fields that a search is sorted by, each with whether it falls.
    """

    endpoint: Endpoint
    domain: int
    category: int = 0
    days: int = 0
    sellers: tuple[str, ...] = ()
    has_storefront: bool = False
    asin: str = ""
    finder: tuple[tuple[str, Any], ...] = ()
    sort: tuple[tuple[str, bool], ...] = ()
    page: int = 0
    per_page: int = _USUAL_PAGE


def parse(endpoint: Endpoint, method: str, params: Mapping[str, str], body: bytes) -> ListingQuery:
    """The query in a request; unknown parameters in the URL are ignored, as the server does.

    Raises:
        Refusal: 400 or 405, with the parameter's name.
    """
    domain = fields.among(params, "domain", deal_query.DOMAINS)
    match endpoint:
        case "/bestsellers":
            days = fields.among(params, "range", _RANGES, default=0)
            return ListingQuery(
                endpoint=endpoint, domain=domain, category=fields.integer(params, "category"), days=days
            )
        case "/seller":
            return _sellers(domain, params)
        case "/query":
            return _search(domain, body if method == "POST" else params.get("selection", "").encode())
        case "/lightningdeal":
            asin = params.get("asin", "")
            if asin and not _ASIN.fullmatch(asin):
                raise Refusal(MALFORMED, "asin")
            return ListingQuery(endpoint=endpoint, domain=domain, asin=asin)


def _sellers(domain: int, params: Mapping[str, str]) -> ListingQuery:
    sellers = tuple(part.strip() for part in params.get("seller", "").split(",") if part.strip())
    if not sellers or not all(map(_SELLER.fullmatch, sellers)):
        raise Refusal(MALFORMED, "seller")
    if len(sellers) > _MOST_SELLERS:
        raise Refusal(OUT_OF_RANGE, "seller: more than 100")
    has_storefront = fields.integer(params, "storefront", 0) == 1
    if has_storefront and len(sellers) > 1:
        raise Refusal(MALFORMED, "storefront: of one seller only")
    return ListingQuery(endpoint="/seller", domain=domain, sellers=sellers, has_storefront=has_storefront)


def _search(domain: int, text: bytes) -> ListingQuery:
    try:
        raw = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refusal(MALFORMED, "selection: not JSON") from error
    if not isinstance(raw, dict):
        raise Refusal(MALFORMED, "selection: not an object")
    page, per_page = fields.integer(raw, "page", 0), fields.integer(raw, "perPage", _USUAL_PAGE)
    if per_page not in _PER_PAGE or page < 0 or page * per_page > _MOST_REACHED:
        raise Refusal(OUT_OF_RANGE, "page, perPage")
    filters = tuple(
        sorted((name, _frozen(value)) for name, value in raw.items() if name not in {"page", "perPage", "sort"})
    )
    return ListingQuery(
        endpoint="/query", domain=domain, finder=filters, sort=_sort(raw.get("sort")), page=page, per_page=per_page
    )


def _sort(value: object) -> tuple[tuple[str, bool], ...]:
    """The fields to sort by, each with whether it falls; one may stand by itself, as in `["current_SALES", "asc"]`."""
    if value is None:
        return ()
    if not isinstance(value, list):
        raise Refusal(MALFORMED, "sort")
    pairs = [value] if value and all(isinstance(one, str) for one in value) else value
    if len(pairs) > _MOST_SORTS:
        raise Refusal(OUT_OF_RANGE, "sort")
    out = []
    for pair in pairs:
        if not isinstance(pair, list) or len(pair) != _PAIR or pair[1] not in _DIRECTIONS:
            raise Refusal(MALFORMED, "sort")
        out.append((str(pair[0]), pair[1] == "desc"))
    return tuple(out)


def _frozen(value: object) -> object:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
