"""The marketplace offers of a product: live ones that bear out its current prices, and old ones that stay listed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tasks.simulator.api import unknown
from tasks.simulator.api.history import cut
from tasks.simulator.market import identity, prose, rng
from tasks.simulator.market import price_types as pt

if TYPE_CHECKING:
    from tasks.simulator.api.history import Track
    from tasks.simulator.api.product_query import ProductQuery
    from tasks.simulator.market.item import Item
    from tasks.simulator.market.price_timeline import State

Json = dict[str, object]
NEW: Final = 1
_GOOD: Final = 4
_SELLERS: Final = 40_000
_AMAZON: Final = "ATVPDKIKX0DER"
_WAREHOUSE: Final = "A2L77EE7U53NWQ"
_LONGEST: Final = 295  # changes of price that a recorded offer remembers at most
_MOST_STOCK: Final = 10  # what Keepa tells of Amazon and of the buy box at most
_OLD: Final = (2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 20, 24, 32, 40, 104, 128)  # offers that are gone: 32 and 120 recorded
_CHANGES: Final = (1, 1, 1, 2, 2, 3, 4, 5, 6, 8, 11, 15, 20, 27, 60, 230)
_STEP_MIN: Final = 2_900  # minutes between changes of price
_OLD_CONDITIONS: Final = (1, 2, 3, 3, 3, 4, 4, 4, 4, 5, 5, 3, 6, 8, 9, 10)
_AWAY: Final = 3_000  # in steps of its draw: how long ago an old offer was seen last


class Listing(NamedTuple):
    """The offers of a product, and which of them can be bought now."""

    offers: list[Json]
    live: list[int]  # places in `offers`, in the order of the shop's page
    new: int  # live new ones
    is_complete: bool  # False: the collection failed

    def on_sale(self) -> list[Json]:
        """The live offers in the order of the shop's page."""
        return [self.offers[at] for at in self.live]


class _Maker(NamedTuple):
    item: Item
    tracks: dict[int, Track]
    state: State
    query: ProductQuery
    has_unknown: bool


def live_counts(found: Item, tracks: dict[int, Track]) -> tuple[int, int]:
    """How many new and used offers are there now."""
    if found.new_offers + found.used_offers == 0:
        return 0, 0
    new, used = tracks.get(pt.COUNT_NEW), tracks.get(pt.COUNT_USED)
    return max(0, new.values[-1]) if new else 0, max(0, used.values[-1]) if used else 0


def listing(
    found: Item, tracks: dict[int, Track], state: State, query: ProductQuery, *, has_unknown: bool = False
) -> Listing:
    """Offers for a request: at most `query.offers` live ones; old ones unless only live ones are wanted."""
    new, used = live_counts(found, tracks)
    if new + used == 0:
        return Listing([], [], 0, is_complete=False)
    new = min(new, query.offers)
    used = min(used, query.offers - new)
    maker = _Maker(found, tracks, state, query, has_unknown)
    on_sale = [_live(maker, number, is_new=True) for number in range(new)]
    on_sale += [_live(maker, number, is_new=False) for number in range(used)]
    old = [] if query.only_live else _gone(maker)
    # The list is in no order that means anything: live ones lie between old ones, and the page orders them anew.
    offers = sorted([*on_sale, *old], key=lambda offer: rng.mix(int(str(offer["offerId"])), found.index))
    places = {offer["offerId"]: at for at, offer in enumerate(offers)}
    return Listing([_sent(maker, offer) for offer in offers], [places[o["offerId"]] for o in on_sale], new, True)


def _gone(maker: _Maker) -> list[Json]:
    """The offers that are gone and stay listed; with `days` those that were seen since."""
    found, query = maker.item, maker.query
    old = [_old(found, number, maker.state) for number in range(_OLD[found.draws[21] & 15])]
    if query.days is None:
        return old
    since = maker.state.anchor - query.days * 1_440
    return [offer for offer in old if int(str(offer["lastSeen"])) >= since]


def _sent(maker: _Maker, offer: Json) -> Json:
    """The offer as it is sent: cut to the days asked for, its keys in order."""
    if maker.query.days is not None:
        prices = offer["offerCSV"]
        if isinstance(prices, list):
            offer["offerCSV"] = cut(prices, 3, maker.state.anchor - maker.query.days * 1_440)
    if maker.has_unknown:
        offer |= unknown.of_offer(int(str(offer["offerId"])))
    return dict(sorted(offer.items()))


def _live(maker: _Maker, number: int, *, is_new: bool) -> Json:
    """Offer `number` of its kind; the first of each kind is the cheapest and has the history of the price itself."""
    found, tracks, state, query = maker.item, maker.tracks, maker.state, maker.query
    kinds = (pt.NEW_FBM, pt.NEW) if is_new else (pt.USED_GOOD, pt.USED)
    track = next((tracks[kind] for kind in kinds if kind in tracks and tracks[kind].values[-1] > 0), None)
    draw = rng.mix(found.index, number + (0 if is_new else 1_000))
    offer = _blank(found, draw, state.last_update, number + (1 if is_new else 201))
    if track is not None and number == 0:
        offer["offerCSV"] = track.csv(pt.NEW_FBM)[-3 * _LONGEST :]
    else:
        cheapest = track.values[-1] if track is not None else found.price
        began = max(found.since, state.anchor - 10 * found.look_min)
        offer["offerCSV"] = [began, cheapest + 25 * number + draw % 25, 0]
    offer["condition"] = NEW if is_new else _GOOD if number == 0 else 2 + draw % 4
    if number == 1:
        offer |= _of_amazon(tracks, is_new=is_new)
    if not is_new:
        offer["conditionComment"] = prose.sentences(draw, 4)
    offer |= _extras(found, draw, state)
    if query.stock:
        stock = 1 + draw % (_MOST_STOCK if offer["isAmazon"] or number == 0 else 30)
        offer |= {"lastStockUpdate": state.last_update, "stockCSV": [state.last_update, stock]}
        if draw & 4 and state.last_update - 4_000 > found.since:
            offer["stockCSV"] = [state.last_update - 4_000, stock + 2, state.last_update, stock]
    return offer


def _of_amazon(tracks: dict[int, Track], *, is_new: bool) -> Json:
    """What makes the second offer one of Amazon's own or one it ships, where their prices say so."""
    kinds = (pt.AMAZON, pt.NEW_FBA) if is_new else (pt.WAREHOUSE,)
    kind = next((kind for kind in kinds if kind in tracks and tracks[kind].values[-1] > 0), None)
    if kind is None:
        return {}
    offer: Json = {"isFBA": True, "isPrime": True, "offerCSV": tracks[kind].csv(pt.NEW_FBM)[-3 * _LONGEST :]}
    if kind == pt.AMAZON:
        offer |= {"isAmazon": True, "sellerId": _AMAZON}
    elif kind == pt.WAREHOUSE:
        offer |= {"isWarehouseDeal": True, "sellerId": _WAREHOUSE}
    return offer


def _extras(found: Item, draw: int, state: State) -> Json:
    """What some live offers have."""
    offer: Json = {}
    if draw & 1:
        offer["minOrderQty"] = 1
    if draw & 2:
        offer["couponHistory"] = [state.anchor - 2_000, 0]
    if draw & 56 == 8:  # noqa: PLR2004 - one in eight
        offer |= {"coupon": -5 - draw % 20, "couponHistory": [state.anchor - 2_000, -5 - draw % 20]}
    if draw & 56 == 16:  # noqa: PLR2004 - one in eight
        offer["offerDuplicates"] = [
            {"conditionComment": "Second copy", "price": found.price + draw % 900, "shipping": 0}
        ]
    if draw & 504 == 24:  # noqa: PLR2004 - one in sixty-four
        offer |= {"isPrimeExcl": True, "primeExclCSV": [state.anchor - 3_000, found.price]}
    return offer


def _old(found: Item, number: int, state: State) -> Json:
    """An offer that is gone but stays in the list."""
    draw = rng.mix(found.index, number + 5_000)
    seen = max(found.since + 10, state.anchor - 14_000 - (draw & 255) * _AWAY)
    offer = _blank(found, draw, seen, 400 + number)
    offer["condition"] = _OLD_CONDITIONS[draw & 15]
    changes = min(_CHANGES[draw >> 4 & 15], 1 + (seen - found.since) // _STEP_MIN)
    begin = seen - (changes - 1) * _STEP_MIN
    base = max(1, found.price * (60 + draw % 90) // 100)
    shipping = 399 if draw & 64 else 0
    prices = [(begin + at * _STEP_MIN, base + (draw * at * 37) % 400, shipping) for at in range(changes)]
    offer["offerCSV"] = [number for point in prices for number in point]
    if draw & 7 == 0:
        offer["offerCSV"] = [begin - 5, -2, -2, *(number for point in prices for number in point)]
    if draw & 3:
        offer["conditionComment"] = prose.sentences(draw, 5)
    if draw & 48 == 16:  # noqa: PLR2004 - one in four
        offer |= {"isFBA": True, "isPrime": True}
    return offer


def _blank(found: Item, draw: int, seen: int, number: int) -> Json:
    return {
        "condition": 0,
        "isAddonItem": False,
        "isAmazon": False,
        "isFBA": False,
        "isMAP": False,
        "isPreorder": False,
        "isPrime": False,
        "isPrimeExcl": False,
        "isScam": False,
        "isShippable": True,
        "isWarehouseDeal": False,
        "lastSeen": seen,
        "lastStockUpdate": 0,
        "offerCSV": [],
        "offerId": number,
        "sellerId": identity.seller((draw * 251 + found.index) % _SELLERS),
        "shipsFromChina": draw & 1023 == 0,
    }
