"""Who has the buy box: histories in the product, prices and counts in its stats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tasks.simulator.market import identity
from tasks.simulator.market import price_types as pt

if TYPE_CHECKING:
    from tasks.simulator.api.history import Track
    from tasks.simulator.api.offers import Listing
    from tasks.simulator.api.product_query import ProductQuery
    from tasks.simulator.market.item import Item
    from tasks.simulator.market.timeline import State

Json = dict[str, object]
_UNKNOWN: Final = -2  # no offers were asked for
_NOBODY: Final = "-1"
_GOOD: Final = 4
_LONGEST: Final = 40
_SELLERS: Final = 6  # who take turns at a product
_NULLS: Final = (
    "buyBoxAvailabilityMessage", "buyBoxCondition", "buyBoxIsBackorder", "buyBoxIsFreeShippingEligible",
    "buyBoxIsPrimeEligible", "buyBoxIsPrimeExclusive", "buyBoxIsWarehouseDeal", "buyBoxShippingCountry",
)  # fmt: skip
_FACTS: Final = ("buyBoxIsAmazon", "buyBoxIsFBA", "buyBoxIsMAP", "buyBoxIsPreorder", "buyBoxIsShippable",
                 "buyBoxIsUnqualified", "buyBoxIsUsed")  # fmt: skip


def histories(found: Item, tracks: dict[int, Track], query: ProductQuery) -> Json:
    """The buy box fields of a product object."""
    new, used = tracks.get(pt.BUY_BOX), tracks.get(pt.BUY_BOX_USED)
    out: Json = {"buyBoxEligibleOfferCounts": [max(0, found.new_offers), 0, 0, found.used_offers, 0, 0, 0, 0]}
    out["buyBoxSellerIdHistory"] = _turns(found, new) if new is not None and (query.offers or query.buy_box) else None
    if used is not None and query.offers:
        out["buyBoxUsedHistory"] = _used_turns(found, used)
    return out


def stats(found: Item, tracks: dict[int, Track], state: State, listing: Listing | None, query: ProductQuery) -> Json:
    """The buy box and offer figures of the stats."""
    out: Json = dict.fromkeys(_NULLS)
    out |= {"sellerIdsLowestFBA": None, "sellerIdsLowestFBM": None}
    if listing is None and not query.buy_box:
        return out | dict.fromkeys(_FACTS) | _unasked(found)
    new = tracks.get(pt.BUY_BOX)
    total = new.values[-1] if new is not None else -1
    shipping = new.shipping if new is not None and total > 0 else -1
    is_won = total > 0
    out |= {
        "buyBoxIsAmazon": False,
        "buyBoxIsFBA": False,
        "buyBoxIsMAP": False,
        "buyBoxIsPreorder": False,
        "buyBoxIsShippable": is_won,
        "buyBoxIsUnqualified": not is_won,
        "buyBoxIsUsed": False,
        "buyBoxPrice": total - shipping if is_won else -1,
        "buyBoxSellerId": _seller(found, len(new.values) - 1) if new is not None and is_won else None,
        "buyBoxShipping": shipping,
        "lastBuyBoxUpdate": state.last_update,
    }
    if new is not None:
        out["buyBoxStats"] = _winners(found, new, state)
    return (_unasked(found) if listing is None else _asked(found, tracks, listing, state)) | out


def _unasked(found: Item) -> Json:
    return {
        "buyBoxPrice": _UNKNOWN,
        "buyBoxSellerId": None,
        "buyBoxShipping": _UNKNOWN,
        "lastBuyBoxUpdate": None,
        "offerCountFBA": _UNKNOWN,
        "offerCountFBM": _UNKNOWN,
        "retrievedOfferCount": _UNKNOWN,
        "totalOfferCount": found.new_offers + found.used_offers,
        "tradeInPrice": _UNKNOWN,
    }


def _asked(found: Item, tracks: dict[int, Track], listing: Listing, state: State) -> Json:
    """The fields that are there only when offers were collected."""
    fba = 1 if listing.new > 1 and pt.NEW_FBA in tracks else 0
    out: Json = {
        "buyBoxIsPrimePantry": None,
        "buyBoxMaxOrderQuantity": None,
        "buyBoxMinOrderQuantity": None,
        "buyBoxUsedStats": {},
        "isAddonItem": False,
        "offerCountFBA": fba,
        "offerCountFBM": listing.new - fba,
        "retrievedOfferCount": len(listing.live),
        "totalOfferCount": len(listing.live),
        "tradeInPrice": -1,
    }
    used = tracks.get(pt.BUY_BOX_USED)
    if used is not None:
        out["buyBoxUsedStats"] = _winners(found, used, state, condition=_GOOD)
        if used.values[-1] > 0:
            out |= {
                "buyBoxUsedCondition": _GOOD,
                "buyBoxUsedIsFBA": False,
                "buyBoxUsedPrice": used.values[-1] - used.shipping,
                "buyBoxUsedSellerId": _seller(found, len(used.values) - 1),
                "buyBoxUsedShipping": used.shipping,
            }
    return out


def _seller(found: Item, turn: int) -> str:
    return identity.seller(found.index * _SELLERS + turn % _SELLERS)


def _turns(found: Item, track: Track) -> list[str]:
    """Minute and seller in turn, both as text."""
    out: list[str] = []
    for turn in range(max(0, len(track.values) - _LONGEST), len(track.values)):
        out += [str(track.minutes[turn]), _seller(found, turn) if track.values[turn] > 0 else _NOBODY]
    return out


def _used_turns(found: Item, track: Track) -> list[str]:
    """Groups of four: minute, seller, condition, whether Amazon ships; all empty while nobody has it."""
    out: list[str] = []
    for turn in range(max(0, len(track.values) - _LONGEST), len(track.values)):
        holder = [_seller(found, turn), str(_GOOD), "0"] if track.values[turn] > 0 else ["", "", ""]
        out += [str(track.minutes[turn]), *holder]
    return out


def _winners(found: Item, track: Track, state: State, condition: int | None = None) -> Json:
    """What the sellers won of late; the percentages add up to 100."""
    prices = [value for value in track.values[-_SELLERS:] if value > 0]
    out: Json = {}
    for turn, price in enumerate(prices):
        entry: Json = {"avgNewOfferCount": -1, "avgPrice": price, "avgUsedOfferCount": -1, "isFBA": False}
        entry |= {"lastSeen": state.last_update, "percentageWon": 100 / len(prices)}
        if condition is not None:
            entry["condition"] = condition
        out[_seller(found, turn)] = dict(sorted(entry.items()))
    return out
