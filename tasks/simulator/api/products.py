"""Product objects: the whole of what `/product` says of one ASIN, and what finding it out costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tasks.simulator.api import buybox, offers, stats
from tasks.simulator.api.costs import Outcome
from tasks.simulator.api.deal import DAY, Sheet, categories, rank_drops
from tasks.simulator.api.history import Track, tracks
from tasks.simulator.market import attributes, identity
from tasks.simulator.market import price_types as pt
from tasks.simulator.market.market import Parent
from tasks.simulator.market.timeline import minute_of

if TYPE_CHECKING:
    from tasks.simulator.api.product_query import ProductQuery, StatsSpan
    from tasks.simulator.market.item import Item
    from tasks.simulator.market.market import Market
    from tasks.simulator.market.timeline import State, Timeline

Json = dict[str, object]
NO_ACCESS: Final = 3
INVALID: Final = 4
VARIATION_PARENT: Final = 5
_EMPTIED: Final = (  # by `history=0`
    "csv", "monthlySoldHistory", "parentAsinHistory", "couponHistory", "buyBoxSellerIdHistory", "buyBoxUsedHistory",
    "salesRankReferenceHistory",
)  # fmt: skip
_SOLD_SHARE: Final = 128  # of 256 products outside books
_STOCKED_SHARE: Final = 20
_RATED_SHARE: Final = 100


class Answer(NamedTuple):
    """A product object and how it was come by."""

    body: Json
    outcome: Outcome


def answer(market: Market, asin: str, query: ProductQuery, now_ms: int) -> Answer:
    """What the server says of an ASIN, known or not."""
    found = market.find(asin)
    if found is None:
        is_readable = identity.is_asin(asin)
        return Answer(_empty(asin, query, INVALID), Outcome(is_readable=is_readable, is_found=False))
    if isinstance(found, Parent):
        return Answer(_parent(found, query), Outcome())
    state = market.state(found, query.domain, now_ms)
    if state is None or found.is_closed:
        return Answer(_empty(asin, query, NO_ACCESS), Outcome())
    return _found(_Request(market, found, market.timeline(found, query.domain), state, query, now_ms))


class _Request(NamedTuple):
    market: Market
    item: Item
    timeline: Timeline
    state: State
    query: ProductQuery
    now_ms: int


def _found(r: _Request) -> Answer:
    found, state, query = r.item, r.state, r.query
    shown = tracks(r.timeline, state, query)
    body = _body(r, shown)
    listing = offers.listing(found, shown, state, query) if query.offers else None
    body["liveOffersOrder"] = None if listing is None else listing.live
    body["offersSuccessful"] = listing is not None and listing.is_complete
    if listing is not None:
        body["offers"] = listing.offers
    body |= buybox.histories(found, shown, query)
    if query.stats is not None:
        body["stats"] = _stats(r, shown, listing, query.stats)
    if not query.has_history:
        _empty_history(body)
    age_min = minute_of(r.now_ms) - state.last_update
    outcome = Outcome(
        offers=0 if listing is None else len(listing.live),
        is_collected=listing is None or listing.is_complete,
        age_min=age_min,
        has_parent=body["parentAsin"] is not None,
        has_fresh_rating=found.draws[32] < _RATED_SHARE,
        has_fresh_stock=found.draws[20] < _STOCKED_SHARE,
    )
    return Answer(dict(sorted(body.items())), outcome)


def _body(r: _Request, shown: dict[int, Track]) -> Json:
    found, state, query = r.item, r.state, r.query
    seed, d = r.market.scope.seed, found.draws
    path, root = attributes.tree(found)
    since = None if query.days is None else state.anchor - query.days * DAY
    rank = shown[pt.SALES]
    ranks = {str(root): rank.csv(pt.SALES, since)} if found.root is not None else {}
    if path:
        leaf = Track(rank.minutes, [1 + value // 40 for value in rank.values], 0)
        ranks[str(path[-1]["catId"])] = leaf.csv(pt.SALES, since)
    prices = [track.minutes[-1] for kind, track in shown.items() if kind in {pt.AMAZON, pt.NEW, pt.USED}]
    body: Json = {
        **attributes.plain(found, identity.ean(seed, found.index, is_book=found.is_book)),
        "availabilityAmazon": 0 if pt.AMAZON in shown and shown[pt.AMAZON].values[-1] > 0 else -1,
        "categories": categories(found),
        "categoryTree": path,
        "csv": [shown[kind].csv(kind, since) if kind in shown else None for kind in range(r.market.scope.slots)],
        "domainId": query.domain,
        "hasReviews": any(series.type == pt.COUNT_REVIEWS for series in found.series),
        "lastEbayUpdate": state.anchor - 60 * d[30] if pt.EBAY_NEW in shown or pt.EBAY_USED in shown else 0,
        "lastPriceChange": max(prices),
        "lastRatingUpdate": state.anchor - 10 * d[32],
        "lastStockUpdate": state.last_update if query.stock else 0,
        "lastUpdate": state.last_update,
        "listedSince": found.since - 1_000 * (d[31] - 40),
        "parentAsin": r.market.parent_asin(found),
        "productType": 0,
        "rootCategory": root,
        "salesRankReference": root if found.root is not None else -1,
        "salesRankReferenceHistory": [found.since, root],
        "salesRanks": dict(sorted(ranks.items(), key=lambda pair: int(pair[0]))),
        "trackingSince": found.since,
    }
    if not found.is_book and d[35] < _SOLD_SHARE:
        sold = 50 * (1 + d[36] % 12)
        body["monthlySold"] = sold
        body["monthlySoldHistory"] = [found.since + 200_000, 50, state.anchor - 40_000 - d[37], sold]
        body["lastSoldUpdate"] = state.last_update
    return body


def _stats(r: _Request, shown: dict[int, Track], listing: offers.Listing | None, span: StatsSpan) -> Json:
    drops = rank_drops(Sheet(r.timeline, r.state), ("30", "90", "180", "365"))
    body: Json = {
        **stats.build(shown, r.state, span, r.market.scope.slots),
        **drops,
        **buybox.stats(r.item, shown, r.state, listing, r.query),
        "deltaPercent90_monthlySold": None,
        "lastOffersUpdate": r.state.last_update,
        "lightningDealInfo": None,
    }
    return dict(sorted(body.items()))


def _empty_history(body: Json) -> None:
    """What `history=0` leaves: keys without their lists; of the ranks the last one remains, as recorded."""
    for name in _EMPTIED:
        if name in body:
            body[name] = None
    ranks = body["salesRanks"]
    if isinstance(ranks, dict):
        body["salesRanks"] = {category: points[-2:] for category, points in ranks.items()}


def _empty(asin: str, query: ProductQuery, kind: int) -> Json:
    """The object of a product without data."""
    empty = ("categories", "categoryTree", "csv", "eanList", "images", "imagesCSV", "parentAsin", "title", "variations")
    body: Json = dict.fromkeys(empty)
    body |= {
        "asin": asin,
        "domainId": query.domain,
        "lastPriceChange": 0,
        "lastRatingUpdate": 0,
        "lastUpdate": 0,
        "listedSince": 0,
        "offersSuccessful": False,
        "productType": kind,
        "rootCategory": 0,
        "trackingSince": 0,
    }
    return dict(sorted(body.items()))


def _parent(found: Parent, query: ProductQuery) -> Json:
    body = _empty(found.asin, query, VARIATION_PARENT)
    body["variations"] = [
        {"asin": child, "attributes": [{"dimension": "Style", "value": child}]} for child in found.children
    ]
    return body
