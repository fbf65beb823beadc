"""Product objects: the whole of what `/product` says of one ASIN, and what finding it out costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tasks.simulator.api import buybox, details, offers, stats, unknown
from tasks.simulator.api.costs import Outcome
from tasks.simulator.api.deal import DAY, Sheet, categories, rank_drops
from tasks.simulator.api.history import Track, tracks
from tasks.simulator.market import attributes, identity
from tasks.simulator.market import price_types as pt
from tasks.simulator.market.market import Parent
from tasks.simulator.market.price_timeline import minute_of

if TYPE_CHECKING:
    from tasks.simulator.api.product_query import ProductQuery, StatsSpan
    from tasks.simulator.api.refresh import Refreshes
    from tasks.simulator.market.item import Item
    from tasks.simulator.market.market import Market
    from tasks.simulator.market.price_timeline import State, Timeline

Json = dict[str, object]
NO_ACCESS: Final = 3
INVALID: Final = 4
VARIATION_PARENT: Final = 5
_EMPTIED: Final = (  # by `history=0`
    "csv", "monthlySoldHistory", "parentAsinHistory", "couponHistory", "buyBoxSellerIdHistory", "buyBoxUsedHistory",
    "salesRankReferenceHistory",
)  # fmt: skip
_LEAF_EACH: Final = 3  # ranks in a sub-category are read less often: 132 points beside 359 in a recorded body
_DELAYED: Final = 4  # the highest value of `availabilityAmazon`
_SOLD_SHARE: Final = 128  # of 256 products outside books
_STOCKED_SHARE: Final = 20
_RATED_SHARE: Final = 100


class Answer(NamedTuple):
    """A product object and how it was come by."""

    body: Json
    outcome: Outcome


def answer(market: Market, asin: str, query: ProductQuery, now_ms: int, refreshes: Refreshes | None = None) -> Answer:
    """What the server says of an ASIN, known or not; without `refreshes` no product moves on because of it."""
    found = market.find(asin)
    if found is None:
        is_readable = identity.is_asin(asin)
        return Answer(_empty(asin, query, INVALID), Outcome(is_readable=is_readable, is_found=False))
    if isinstance(found, Parent):
        return Answer(_parent(found, query), Outcome())
    timeline = market.timeline(found, query.domain)
    state = timeline.state(now_ms)
    if state is None or found.is_closed:
        return Answer(_empty(asin, query, NO_ACCESS), Outcome())
    if refreshes is not None:
        state = refreshes.known(timeline, state, now_ms)
    age_min = minute_of(now_ms) - state.last_update
    if refreshes is not None:
        state = refreshes.fetched(timeline, state, query, now_ms)
    return _found(_Request(market, found, timeline, state, query, age_min))


class _Request(NamedTuple):
    market: Market
    item: Item
    timeline: Timeline
    state: State
    query: ProductQuery
    age_min: int  # of what was known before this request


def _found(r: _Request) -> Answer:
    found, state, query = r.item, r.state, r.query
    shown = tracks(r.timeline, state, query)
    body = _body(r, shown)
    has_unknown = r.market.scope.has_unknown
    listing = offers.listing(found, shown, state, query, has_unknown=has_unknown) if query.offers else None
    body["liveOffersOrder"] = None if listing is None else listing.live
    body["offersSuccessful"] = listing is not None and listing.is_complete
    if listing is not None:
        body["offers"] = listing.offers
    body |= buybox.histories(found, shown, state, query)
    if query.stats is not None:
        body["stats"] = _stats(r, shown, listing, query.stats)
    if has_unknown:
        body |= unknown.of_product(found.index)
    if not query.has_history:
        _empty_history(body)
    outcome = Outcome(
        offers=0 if listing is None else len(listing.live),
        is_collected=listing is None or listing.is_complete,
        age_min=r.age_min,
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
    csv = [shown[kind].csv(kind, since) if kind in shown else None for kind in range(r.market.scope.slots)]
    ranks = {str(root): csv[pt.SALES]} if found.root is not None else {}
    if path:
        leaf = Track(rank.minutes[::_LEAF_EACH], [1 + value // 40 for value in rank.values[::_LEAF_EACH]], 0)
        ranks[str(path[-1]["catId"])] = leaf.csv(pt.SALES, since)
    prices = [track.minutes[-1] for kind, track in shown.items() if kind in {pt.AMAZON, pt.NEW, pt.USED}]
    parent = r.market.parent_asin(found)
    subject = details.Subject(found, state, lambda draw: identity.asin(seed, draw * 257 + found.index, is_book=False))
    body: Json = {
        **details.details(subject),
        **details.asked(subject, query, parent, shown),
        **attributes.plain(found, r.market.code(found)),
        "availabilityAmazon": _availability(d, shown.get(pt.AMAZON)),
        "categories": categories(found),
        "categoryTree": path,
        "csv": csv,
        "domainId": query.domain,
        "hasReviews": any(series.type == pt.COUNT_REVIEWS for series in found.series),
        "lastEbayUpdate": _ebay_minute(found, state, shown),
        "lastPriceChange": max(prices),
        "lastRatingUpdate": state.anchor - 10 * d[32],
        "lastStockUpdate": state.last_update if query.stock else 0,
        "lastUpdate": state.last_update,
        "listedSince": found.since - 1_000 * (d[31] - 40),
        "parentAsin": parent,
        "productType": 0,
        "rootCategory": root,
        "salesRankReference": root if found.root is not None else -1,
        "salesRankReferenceHistory": [found.since, root - 1, found.since + 9_000, root],
        "salesRanks": dict(sorted(ranks.items(), key=lambda pair: int(pair[0]))),
        "trackingSince": found.since,
    }
    return body | _sold(found, state)


def _sold(found: Item, state: State) -> Json:
    """How many are sold a month, of those products that say so."""
    d = found.draws
    if found.is_book or d[35] >= _SOLD_SHARE:
        return {}
    sold = 50 * (1 + d[36] % 12)
    return {
        "lastSoldUpdate": state.last_update,
        "monthlySold": sold,
        "monthlySoldHistory": [found.since + 200_000, 50, state.anchor - 40_000 - d[37], sold],
    }


def _availability(d: bytes, amazon: Track | None) -> int:
    """Amazon's offer: in stock (0), now and then later (1 to 4), or none (-1)."""
    if amazon is None or amazon.values[-1] < 0:
        return -1
    return d[60] & 7 if d[60] & 7 <= _DELAYED else 0


def _ebay_minute(found: Item, state: State, shown: dict[int, Track]) -> int:
    """When eBay was looked at last; below 0 where it has no match, and 0 for some."""
    if pt.EBAY_NEW in shown or pt.EBAY_USED in shown:
        return state.anchor - 60 * found.draws[30]
    return -(state.anchor - 900 * found.draws[30]) if found.draws[30] & 1 else 0


def _stats(r: _Request, shown: dict[int, Track], listing: offers.Listing | None, span: StatsSpan) -> Json:
    drops = rank_drops(Sheet(r.timeline, r.state), ("30", "90", "180", "365"))
    body: Json = {
        **stats.build(shown, r.state, span, r.market.scope.slots),
        **drops,
        **buybox.stats(r.item, shown, r.state, listing, r.query),
        "deltaPercent90_monthlySold": r.item.draws[36] % 40 - 20 if _sold(r.item, r.state) else None,
        "lastOffersUpdate": r.state.last_update,
        "lightningDealInfo": [r.item.lightning, r.item.fixed_end(pt.LIGHTNING)] if r.item.lightning else None,
    }
    if r.market.scope.has_unknown:
        body |= unknown.of_stats(r.item.index)
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
