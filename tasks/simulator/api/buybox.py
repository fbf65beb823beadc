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
    from tasks.simulator.market.price_timeline import State

Json = dict[str, object]
_UNKNOWN: Final = -2  # no offers were asked for
_NOBODY, _STRANGER = "-1", "-2"
_GOOD: Final = 4
_LONGEST: Final = 120
_SELLERS: Final = 6  # who take turns at a product
_STRANGE_EACH: Final = 17  # turns: one of so many goes to a seller who was not known yet
_MOST_STOCK: Final = 10
_CONDITIONS: Final = 11  # 0 to 10, see `Offer`
_NULLS: Final = (
    "buyBoxAvailabilityMessage", "buyBoxCondition", "buyBoxIsBackorder", "buyBoxIsFreeShippingEligible",
    "buyBoxIsPrimeEligible", "buyBoxIsPrimeExclusive", "buyBoxIsWarehouseDeal", "buyBoxShippingCountry",
)  # fmt: skip
_FACTS: Final = ("buyBoxIsAmazon", "buyBoxIsFBA", "buyBoxIsMAP", "buyBoxIsPreorder", "buyBoxIsShippable",
                 "buyBoxIsUnqualified", "buyBoxIsUsed")  # fmt: skip


def histories(found: Item, tracks: dict[int, Track], state: State, query: ProductQuery) -> Json:
    """The buy box fields of a product object."""
    new, used = tracks.get(pt.BUY_BOX), tracks.get(pt.BUY_BOX_USED)
    is_asked = query.offers > 0 or query.buy_box
    since = 0 if query.days is None else state.anchor - query.days * 1_440
    out: Json = {"buyBoxEligibleOfferCounts": [max(0, found.new_offers), 0, 0, found.used_offers, 0, 0, 0, 0]}
    out["buyBoxSellerIdHistory"] = _turns(found, new, since) if new is not None and is_asked else None
    if used is not None and is_asked:
        out["buyBoxUsedHistory"] = _used_turns(found, used, since)
    return out


def stats(found: Item, tracks: dict[int, Track], state: State, listing: Listing | None, query: ProductQuery) -> Json:
    """The buy box and offer figures of the stats."""
    out: Json = dict.fromkeys(_NULLS)
    out |= {"sellerIdsLowestFBA": None, "sellerIdsLowestFBM": None}
    if listing is None and not query.buy_box:
        return out | dict.fromkeys(_FACTS) | _unasked(found)
    new = tracks.get(pt.BUY_BOX)
    out |= _unasked(found) if listing is None else _asked(found, tracks, listing, state)
    out |= _winner(found, tracks, new)
    out["lastBuyBoxUpdate"] = state.last_update
    if new is not None:
        out["buyBoxStats"] = _winners(found, new, state)
    if query.stock and listing is not None:
        out |= _stock(listing, is_won=bool(out["buyBoxIsShippable"]))
    return out


def _winner(found: Item, tracks: dict[int, Track], new: Track | None) -> Json:
    """Who has the buy box now, and on what terms."""
    total = new.values[-1] if new is not None else -1
    is_won, draw = total > 0, found.draws[60]
    is_amazon = is_won and pt.AMAZON in tracks and tracks[pt.AMAZON].values[-1] > 0 and draw & 1 == 1
    has_fba = any(
        series.type == pt.NEW_FBA for series in found.series
    )  # told or not: it does not depend on the request
    is_fba = is_amazon or (is_won and has_fba and draw & 2 == 2)  # noqa: PLR2004 - a bit
    shipping = -1 if new is None or not is_won else new.shipping
    out: Json = {
        "buyBoxIsAmazon": is_amazon,
        "buyBoxIsFBA": is_fba,
        "buyBoxIsMAP": False,
        "buyBoxIsPreorder": False,
        "buyBoxIsShippable": is_won,
        "buyBoxIsUnqualified": not is_won,
        "buyBoxIsUsed": not is_won and pt.BUY_BOX_USED in tracks,
        "buyBoxPrice": total - shipping if is_won else -1,
        "buyBoxSellerId": _seller(found, len(new.values) - 1) if new is not None and is_won else None,
        "buyBoxShipping": shipping,
    }
    if not is_won or not draw & 12:
        return out
    out |= {
        "buyBoxAvailabilityMessage": ("IN_STOCK", "In Stock.", "Nur noch 3 auf Lager")[draw % 3],
        "buyBoxCondition": 1,
        "buyBoxIsFreeShippingEligible": shipping == 0,
        "buyBoxIsPrimeEligible": is_fba,
        "buyBoxIsPrimeExclusive": False,
        "buyBoxIsWarehouseDeal": False,
        "buyBoxShippingCountry": "US",
        "buyBoxShippingTime": 24 * (1 + draw % 6),
    }
    if draw & 16:
        out |= {
            "buyBoxSavingBasis": total * 5 // 4,
            "buyBoxSavingBasisType": ("LIST_PRICE", "WAS_PRICE")[draw >> 5 & 1],
            "buyBoxSavingPercentage": 20,
        }
    return out


def _stock(listing: Listing, *, is_won: bool) -> Json:
    """The sums of the stocks of the live offers, by condition."""
    shipped = {True: [0] * _CONDITIONS, False: [0] * _CONDITIONS}
    amazon = _UNKNOWN
    for offer in listing.on_sale():
        stock, condition = offer["stockCSV"], offer["condition"]
        if isinstance(stock, list) and isinstance(condition, int):
            shipped[bool(offer["isFBA"])][condition] += stock[-1]
            if offer["isAmazon"]:
                amazon = min(_MOST_STOCK, stock[-1])
    return {
        "stockAmazon": amazon,
        "stockBuyBox": 1 + sum(shipped[False]) % _MOST_STOCK if is_won else _UNKNOWN,
        "stockPerCondition3rdFBA": shipped[True],
        "stockPerConditionFBM": shipped[False],
    }


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
    new = [offer for offer in listing.on_sale() if offer["condition"] == 1]
    fba = [str(offer["sellerId"]) for offer in new if offer["isFBA"]]
    fbm = [str(offer["sellerId"]) for offer in new if not offer["isFBA"]]
    out: Json = {
        "buyBoxIsPrimePantry": None,
        "buyBoxMaxOrderQuantity": None,
        "buyBoxMinOrderQuantity": None,
        "buyBoxUsedStats": {},
        "isAddonItem": False,
        "offerCountFBA": len(fba),
        "offerCountFBM": len(fbm),
        "retrievedOfferCount": len(listing.live),
        "sellerIdsLowestFBA": fba[:1] or None,
        "sellerIdsLowestFBM": fbm[:1] or None,
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


def _shown(track: Track, since: int) -> range:
    """The turns that a history tells: those since then, and always the last."""
    first = max(0, len(track.values) - _LONGEST)
    return range(
        next((at for at in range(first, len(track.values)) if track.minutes[at] >= since), len(track.values) - 1),
        len(track.values),
    )


def _turns(found: Item, track: Track, since: int) -> list[str]:
    """Minute and seller in turn, both as text."""
    out: list[str] = []
    for turn in _shown(track, since):
        seller = _STRANGER if turn % _STRANGE_EACH == 1 else _seller(found, turn)
        out += [str(track.minutes[turn]), seller if track.values[turn] > 0 else _NOBODY]
    return out


def _used_turns(found: Item, track: Track, since: int) -> list[str]:
    """Groups of four: minute, seller, condition, whether Amazon ships; all empty while nobody has it."""
    out: list[str] = []
    for turn in _shown(track, since):
        holder = [_seller(found, turn), str(_GOOD), str(int(turn % 5 == 3))] if track.values[turn] > 0 else ["", "", ""]  # noqa: PLR2004
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
