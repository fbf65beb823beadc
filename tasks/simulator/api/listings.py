"""Lists of products and what they cost: best sellers, the storefront of a seller, a search, lightning deals.

The lists say the same of the market as deals and products do: a best seller has the lowest rank that `/product` shows,
and a storefront has the products whose live offers name the seller.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tasks.simulator.api import costs, offers
from tasks.simulator.api.deal import Sheet, categories
from tasks.simulator.api.fields import MALFORMED, Refusal
from tasks.simulator.api.history import tracks
from tasks.simulator.api.index import value_now
from tasks.simulator.api.product_query import ProductQuery
from tasks.simulator.market import attributes, prose
from tasks.simulator.market import price_types as pt
from tasks.simulator.market.price_timeline import minute_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tasks.simulator.api.listing_query import ListingQuery
    from tasks.simulator.market.item import Item
    from tasks.simulator.market.market import Market
    from tasks.simulator.market.price_timeline import State

Json = dict[str, Any]
_MOST_BEST: Final = 100_000
_AMAZON: Final = "ATVPDKIKX0DER"
_WAREHOUSE: Final = "A2L77EE7U53NWQ"
_OF_SHOP: Final = {_AMAZON: pt.AMAZON, _WAREHOUSE: pt.WAREHOUSE}
_MEAN_OF: Final = {30: 2, 90: 3, 180: 3}  # which of the means of a deal is over so many days, or nearest to it
_UPCOMING_MIN: Final = 1_440
# The price types as searches name them. Source: the official client's request.
_NAMES: Final = {
    "AMAZON": pt.AMAZON, "NEW": pt.NEW, "USED": pt.USED, "SALES": pt.SALES, "LISTPRICE": pt.LIST,
    "NEW_FBA": pt.NEW_FBA, "COUNT_NEW": pt.COUNT_NEW, "COUNT_USED": pt.COUNT_USED, "RATING": pt.RATING,
    "COUNT_REVIEWS": pt.COUNT_REVIEWS, "BUY_BOX_SHIPPING": pt.BUY_BOX, "WAREHOUSE": pt.WAREHOUSE,
}  # fmt: skip
_TEXTS: Final = ("author", "binding", "brand", "color", "manufacturer", "productGroup", "type")


class Found(NamedTuple):
    """What a request finds: its fields in the reply, and what it costs."""

    fields: Json
    cost: int


class Listings:
    """The lists of one market. Not for several threads at once."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._sellers: dict[int, dict[str, list[str]]] = {}

    def find(self, query: ListingQuery, now_ms: int) -> Found:
        """What the server says.

        Raises:
            Refusal: a search asks for something that there is not.
        """
        match query.endpoint:
            case "/bestsellers":
                return self._best_sellers(query, now_ms)
            case "/seller":
                return self._of_sellers(query, now_ms)
            case "/query":
                return self._search(query, now_ms)
            case "/lightningdeal":
                return self._lightning(query, now_ms)

    def _tracked(self, domain: int, now_ms: int) -> Iterator[tuple[Item, State]]:
        for index in range(len(self._market)):
            found = self._market.item(index)
            state = self._market.state(found, domain, now_ms)
            if state is not None:
                yield found, state

    def _best_sellers(self, query: ListingQuery, now_ms: int) -> Found:
        """The products of a category by rank, the best first; a category that nobody knows has no list."""
        ranked = []
        for found, state in self._tracked(query.domain, now_ms):
            if query.category in _categories(found):
                rank = self._rank(found, state, query)
                if rank > 0:
                    ranked.append((rank, found.index, found.asin))
        if not ranked:
            return Found({}, 0)
        best = {
            "asinList": [asin for _, _, asin in sorted(ranked)[:_MOST_BEST]],
            "categoryId": query.category,
            "domainId": query.domain,
            "lastUpdate": minute_of(now_ms),
        }
        return Found({"bestSellersList": best}, costs.BEST_SELLERS)

    def _rank(self, found: Item, state: State, query: ListingQuery) -> int:
        timeline = self._market.timeline(found, query.domain)
        if not query.days:
            return value_now(timeline, state, pt.SALES)
        series = next((series for series in found.series if series.type == pt.SALES), None)
        return -1 if series is None else Sheet(timeline, state).moving(series).means[_MEAN_OF[query.days]]

    def _of_sellers(self, query: ListingQuery, now_ms: int) -> Found:
        sellers: Json = {}
        cost = 0
        for seller in query.sellers:
            products = self._storefront(seller, query.domain, now_ms)
            if not products:
                continue
            cost += costs.SELLER
            minute = minute_of(now_ms)
            sellers[seller] = {
                "csv": [[minute - 9_000, 97], [minute - 9_000, 1_200]],
                "domainId": query.domain,
                "hasFBA": True,
                "isScammer": False,
                "lastUpdate": minute - 60,
                "sellerId": seller,
                "sellerName": f"Shop {seller[-4:]}",
                "shipsFromChina": False,
                "totalStorefrontAsins": [minute - 60, len(products)],
                "trackedSince": minute - 900_000,
            }
            if query.has_storefront:
                cost += costs.STOREFRONT
                sellers[seller] |= {"asinList": products, "asinListLastSeen": [minute - 60] * len(products)}
        return Found({"sellers": sellers}, cost)

    def _storefront(self, seller: str, domain: int, now_ms: int) -> list[str]:
        kind = _OF_SHOP.get(seller)
        if kind is None:
            return self._by_seller(domain, now_ms).get(seller, [])
        timeline = self._market.timeline
        return [
            found.asin
            for found, state in self._tracked(domain, now_ms)
            if value_now(timeline(found, domain), state, kind) > 0
        ]

    def _by_seller(self, domain: int, now_ms: int) -> dict[str, list[str]]:
        """The products of each seller but the shop itself, as their offers were when first asked for."""
        held = self._sellers.get(domain)
        if held is None:
            held = self._sellers[domain] = {}
            query = ProductQuery(domain=domain, offers=100, has_history=True)
            for found, state in self._tracked(domain, now_ms):
                shown = tracks(self._market.timeline(found, domain), state, query)
                listing = offers.listing(found, shown, state, query, has_unknown=False)
                for name in {str(offer["sellerId"]) for offer in listing.on_sale()} - _OF_SHOP.keys():
                    held.setdefault(name, []).append(found.asin)
        return held

    def _search(self, query: ListingQuery, now_ms: int) -> Found:
        tests = [self._test(name, value, query.domain) for name, value in query.finder]
        keys = [(self._value(name, query.domain), falls) for name, falls in query.sort]
        matches = [pair for pair in self._tracked(query.domain, now_ms) if all(test(*pair) for test in tests)]
        for read, falls in reversed(keys):  # sorts are stable; what has no value comes last
            matches.sort(key=lambda pair: _place(read(*pair), falls=falls))
        begin = query.page * query.per_page
        asins = [found.asin for found, _ in matches[begin : begin + query.per_page]]
        return Found({"asinList": asins, "totalResults": len(matches)}, costs.search(len(asins)))

    def _value(self, name: str, domain: int) -> Callable[[Item, State], int]:
        """How a field is read.

        Raises:
            Refusal: there is no such field.
        """
        kind = _NAMES.get(name.removeprefix("current_"))
        if kind is None or not name.startswith("current_"):
            raise Refusal(MALFORMED, name)
        return lambda found, state: value_now(self._market.timeline(found, domain), state, kind)

    def _test(self, name: str, value: Any, domain: int) -> Callable[[Item, State], bool]:  # noqa: ANN401 - of a JSON
        """What a product must answer with yes.

        Raises:
            Refusal: there is no such filter.
        """
        if name.endswith(("_gte", "_lte")) and isinstance(value, int):
            read, is_least = self._value(name[:-4], domain), name.endswith("_gte")
            return lambda found, state: read(found, state) >= value if is_least else 0 <= read(found, state) <= value
        wanted = value if isinstance(value, tuple) else (value,)
        if name in {"categories_include", "rootCategory"}:
            ids = {int(one) for one in wanted}
            return lambda found, _: bool(ids & _categories(found))
        if name == "categories_exclude":
            ids = {int(one) for one in wanted}
            return lambda found, _: not ids & _categories(found)
        if name == "productType":
            return lambda _found, _state: 0 in wanted
        if name == "title" and isinstance(value, str):
            words = value.casefold().split()
            return lambda found, _: all(word in prose.title(found).casefold() for word in words)
        if name in _TEXTS:
            texts = {str(one).casefold() for one in wanted}
            return lambda found, _: str(attributes.texts(found)[name]).casefold() in texts
        raise Refusal(MALFORMED, name)

    def _lightning(self, query: ListingQuery, now_ms: int) -> Found:
        """The lightning deals that run now or begin within a day."""
        minute = minute_of(now_ms)
        deals = []
        for found, state in self._tracked(query.domain, now_ms):
            end = found.fixed_end(pt.LIGHTNING)
            if not found.lightning or not found.lightning - _UPCOMING_MIN <= minute < end:
                continue
            if query.asin in {"", found.asin}:
                deals.append(self._lightning_deal(found, state, query.domain, minute))
        return Found({"lightningDeals": deals}, costs.LIGHTNING_ONE if query.asin else costs.LIGHTNING_ALL)

    def _lightning_deal(self, found: Item, state: State, domain: int, minute: int) -> Json:
        price = next(fixed.values[0] for fixed in found.fixed if fixed.type == pt.LIGHTNING)
        current = value_now(self._market.timeline(found, domain), state, pt.NEW)
        return {
            "asin": found.asin,
            "currentPrice": current,
            "dealId": f"{found.index:08x}",
            "dealPrice": price,
            "dealState": "AVAILABLE" if minute >= found.lightning else "UPCOMING",
            "domainId": domain,
            "endTime": found.fixed_end(pt.LIGHTNING),
            "isFulfilledByAmazon": True,
            "isMAP": False,
            "isPrimeEligible": True,
            "lastUpdate": minute,
            "percentClaimed": found.draws[9] % 100,
            "percentOff": 30,
            "rating": 0,
            "sellerId": _AMAZON,
            "sellerName": "Amazon",
            "startTime": found.lightning,
            "title": prose.title(found),
            "totalReviews": 0,
        }


def _categories(found: Item) -> set[int]:
    """The categories that hold a product, and those above them."""
    root = found.root
    if root is None:
        return set()
    held = set(categories(found))
    return {root.id, *held, *(root.sub_id(sub) for sub in range(len(root.subs)) if _is_in(root, sub, held))}


def _is_in(root: Any, sub: int, held: set[int]) -> bool:  # noqa: ANN401 - a department
    return any(root.leaf_id(sub, leaf) in held for leaf in range(4))


def _place(value: int, *, falls: bool) -> tuple[bool, int]:
    return value < 0, -value if falls else value
