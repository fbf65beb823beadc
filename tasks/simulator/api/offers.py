"""The marketplace offers of a product: live ones that bear out its current prices, and old ones that stay listed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tasks.simulator.market import identity, rng
from tasks.simulator.market import price_types as pt

if TYPE_CHECKING:
    from tasks.simulator.api.history import Track
    from tasks.simulator.api.product_query import ProductQuery
    from tasks.simulator.market.item import Item
    from tasks.simulator.market.timeline import State

Json = dict[str, object]
NEW: Final = 1
_GOOD: Final = 4
_SELLERS: Final = 40_000
_LONGEST: Final = 60  # changes of price an offer remembers
_COMMENTS: Final = ("Ships within a day.", "Clean copy, tight binding.", "Some wear on the corners.")


class Listing(NamedTuple):
    """The offers of a product, and which of them can be bought now."""

    offers: list[Json]
    live: list[int]
    new: int  # live new ones
    is_complete: bool  # False: the collection failed


def live_counts(found: Item, tracks: dict[int, Track]) -> tuple[int, int]:
    """How many new and used offers are there now."""
    if found.new_offers + found.used_offers == 0:
        return 0, 0
    new, used = tracks.get(pt.COUNT_NEW), tracks.get(pt.COUNT_USED)
    return max(0, new.values[-1]) if new else 0, max(0, used.values[-1]) if used else 0


def listing(found: Item, tracks: dict[int, Track], state: State, query: ProductQuery) -> Listing:
    """Offers for a request: at most `query.offers` live ones; old ones unless only live ones are wanted."""
    new, used = live_counts(found, tracks)
    if new + used == 0:
        return Listing([], [], 0, is_complete=False)
    new = min(new, query.offers)
    used = min(used, query.offers - new)
    old = 0 if query.only_live else 2 + found.draws[21] % 6
    offers = [_old(found, number, state) for number in range(old)]
    offers += [_live(found, tracks, state, number, is_new=True) for number in range(new)]
    offers += [_live(found, tracks, state, number, is_new=False) for number in range(used)]
    if query.stock:
        for offer in offers[old:]:
            offer["stockCSV"] = [state.last_update, 1 + found.draws[22] % 30]
    return Listing([dict(sorted(offer.items())) for offer in offers], list(range(old, old + new + used)), new, True)


def _live(found: Item, tracks: dict[int, Track], state: State, number: int, *, is_new: bool) -> Json:
    """Offer `number` of its kind; the first of each kind is the cheapest and has the history of the price itself."""
    kinds = (pt.NEW_FBM, pt.NEW) if is_new else (pt.USED_GOOD, pt.USED)
    track = next((tracks[kind] for kind in kinds if kind in tracks and tracks[kind].values[-1] > 0), None)
    draw = rng.mix(found.index, number + (0 if is_new else 1_000))
    offer = _blank(found, draw, state.last_update, number + (1 if is_new else 201))
    if track is not None and number == 0:
        history = track.csv(pt.NEW_FBM)[-3 * _LONGEST :]
    else:
        cheapest = track.values[-1] if track is not None else found.price
        history = [max(found.since, state.anchor - 3 * found.slot_min), cheapest + 25 * number + draw % 25, 0]
    offer["offerCSV"] = history
    offer["condition"] = NEW if is_new else _GOOD if number == 0 else 2 + draw % 4
    if is_new and number == 1 and pt.NEW_FBA in tracks:
        offer["isFBA"] = offer["isPrime"] = True
    if not is_new:
        offer["conditionComment"] = _COMMENTS[draw % len(_COMMENTS)]
    if draw & 1:
        offer["minOrderQty"] = 1
    if draw & 2:
        offer["couponHistory"] = [state.anchor - 2_000, 0]
    return offer


def _old(found: Item, number: int, state: State) -> Json:
    """An offer that is gone but stays in the list."""
    draw = rng.mix(found.index, number + 5_000)
    seen = max(found.since, state.anchor - 40_000 - draw * 8)
    offer = _blank(found, draw, seen, 400 + number)
    offer["condition"] = 1 + draw % 5
    offer["offerCSV"] = [max(found.since - 1, seen - 5_000), found.price + draw % 500, 0, seen, -1, -1]
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
        "shipsFromChina": False,
    }
