"""What a request costs, known only when its work is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from tasks.simulator.api.product_query import ProductQuery

DEAL_PAGE: Final = 5  # also for an empty page
BEST_SELLERS: Final = 50
SELLER: Final = 1  # for each that is found
STOREFRONT: Final = 9  # in addition
LIGHTNING_ONE: Final = 1
LIGHTNING_ALL: Final = 500
_SEARCH: Final = 10
_SEARCH_EACH: Final = 100  # ASINs for one more token
_PER_OFFER_PAGE: Final = 6
_PER_FRESH_OFFER_PAGE: Final = 5  # with `update`, when the offers are younger than it asks for
_OFFERS_PER_PAGE: Final = 10
_FRESH_MIN: Final = 60  # a forced update of something younger than an hour costs one more


class Outcome(NamedTuple):
    """What was found for one ASIN, as far as the cost depends on it."""

    is_readable: bool = True  # False: it is no ASIN at all
    is_found: bool = True
    offers: int = 0  # live offers collected
    is_collected: bool = True  # False: the collection of offers failed
    age_min: int = 0  # since the last update
    has_parent: bool = False
    has_fresh_rating: bool = False
    has_fresh_stock: bool = False


def product(query: ProductQuery, outcome: Outcome) -> int:
    """Tokens for one ASIN of a `/product` request."""
    if not outcome.is_readable or (not outcome.is_found and (query.update_h == -1 or query.codes)):
        return 0
    if not outcome.is_found:
        return 1
    cost = _base_cost(query, outcome)
    if query.buy_box and not query.offers:
        cost += 2
    if query.stock and query.offers and outcome.has_fresh_stock:
        cost += 2
    if query.rating and outcome.has_fresh_rating:
        cost += 1
    if query.update_h == 0 and outcome.age_min < _FRESH_MIN:
        cost += 1
    return cost + (1 if query.variations and outcome.has_parent else 0)


def search(asins: int) -> int:
    """Tokens for a page of a search that has so many ASINs."""
    return _SEARCH + -(-asins // _SEARCH_EACH)


def _base_cost(query: ProductQuery, outcome: Outcome) -> int:
    """Tokens before any extras: 1, or those of the pages of offers; a failed collection costs 1."""
    if not query.offers or not outcome.is_collected or not outcome.offers:
        return 1
    pages = -(-outcome.offers // _OFFERS_PER_PAGE)
    is_fresh = query.is_update_asked and query.update_h > 0 and outcome.age_min < query.update_h * 60
    return pages * (_PER_FRESH_OFFER_PAGE if is_fresh else _PER_OFFER_PAGE)
