"""Fields that a part of the products has: each documented one in its own shape, absent from the others.

Names and types are those of the official client (keepacom/api_backend, `structs/Product.java` of February 2026);
`primeDealEndTime` was seen in a body of May 2026 only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tasks.simulator.api.deal import DAY
from tasks.simulator.market import identity, prose, rng
from tasks.simulator.market import price_types as pt

if TYPE_CHECKING:
    from collections.abc import Callable

    from tasks.simulator.api.history import Track
    from tasks.simulator.api.product_query import ProductQuery
    from tasks.simulator.market.item import Item
    from tasks.simulator.market.price_timeline import State

Json = dict[str, object]
_RARE, _SOME, _OFTEN = 10, 40, 110  # of 256 products
_SALT: Final = 700
_MINUTES: Final = 20_000  # how far back what is told of now began, at most
_REVIEWS_SINCE: Final = 120_000
_CREATORS: Final = ("Main", "Seller", "Customer", "Influencer", "Brand")
_DEAL_KINDS: Final = (("ALL", "LIMITED_TIME_DEAL"), ("PRIME_EXCLUSIVE", "PRIME_EXCLUSIVE"), ("ALL", "SELLING_FAST"))


class Subject(NamedTuple):
    """A product at a moment: what the value of a field may depend on."""

    item: Item
    state: State
    asin: Callable[[int], str]  # of another product, for a draw


class Detail(NamedTuple):
    """A field: for how many of 256 products, whether books have it too, and its value for a draw of 8 bits."""

    share: int
    is_for_books: bool
    value: Callable[[Subject, int], object]


def _one_of(*values: object) -> Callable[[Subject, int], object]:
    return lambda _subject, draw: values[draw % len(values)]


def _some_of(*values: str) -> Callable[[Subject, int], object]:
    return lambda _subject, draw: list(values[: 1 + draw % len(values)])


def _asins(most: int) -> Callable[[Subject, int], object]:
    return lambda subject, draw: [subject.asin(draw + at * 31) for at in range(1 + draw % most)]


def _since(subject: Subject, draw: int) -> int:
    return max(subject.item.since, subject.state.anchor - _MINUTES * draw // 255)


def _deals(subject: Subject, draw: int) -> list[Json]:
    access, kind = _DEAL_KINDS[draw % len(_DEAL_KINDS)]
    begin = _since(subject, draw)
    deal: Json = {"accessType": access, "badge": "Limited time deal", "dealType": kind}
    if draw & 4:
        deal |= {"endTime": begin + 4_320, "percentClaimed": draw * 100 // 255, "startTime": begin}
    return [dict(sorted(deal.items()))]


def _promotions(subject: Subject, draw: int) -> list[Json]:
    promotion: Json = {"amount": -1, "discountPercent": 5 + draw % 10, "type": "SNS"}
    if draw & 1:
        promotion = {"amount": 100 + draw, "discountPercent": -1, "type": "PrimeExclusive"}
    if draw & 2:
        promotion |= {"sellerId": identity.seller(subject.item.index), "snsBulkDiscountPercent": 15}
    return [dict(sorted(promotion.items()))]


def _coupons(subject: Subject, draw: int) -> list[int]:
    begin = _since(subject, draw)
    return [begin - 4_000, 200 + draw, 0, begin - 1_000, 0, 0, begin, -5 - draw % 20, 0]


def _unit_count(_subject: Subject, draw: int) -> Json:
    unit: Json = {"unitType": ("Count", "Ounce", "Fl Oz")[draw % 3], "unitValue": 1.0 + draw % 24}
    return {"eachUnitCount": 1.5, **unit} if draw & 8 else unit


def _formats(subject: Subject, draw: int) -> list[Json]:
    kinds = ("Kindle", "Hardcover", "Audiobook", "Paperback")
    return [{"asin": subject.asin(draw + at), "format": kinds[(draw + at) & 3]} for at in range(1 + draw % 3)]


def _hazards(_subject: Subject, draw: int) -> list[Json]:
    return [{"aspect": "Transportation", "value": ("UN3480", "UN1950", "Class 9")[draw % 3]}]


def _former_parents(subject: Subject, draw: int) -> list[str]:
    return [str(_since(subject, draw)), subject.asin(draw)]


_DETAILS: Final[dict[str, Detail]] = {
    "activeIngredients": Detail(_RARE, False, _one_of("Lavender oil, soy wax", "Zinc oxide 20 %", "Kamille")),
    "audienceRating": Detail(_RARE, True, _one_of("PG-13 (Parents Strongly Cautioned)", "Unrated", "FSK 12")),
    "availabilityAmazonDelay": Detail(_RARE, True, lambda _subject, draw: [24 * (1 + draw % 3), 24 * (4 + draw % 30)]),
    "batteriesIncluded": Detail(_SOME, False, _one_of(True, False)),
    "batteriesRequired": Detail(_SOME, False, _one_of(True, False)),
    "brandStoreUrl": Detail(_SOME, True, lambda _subject, draw: f"/stores/Brand{draw}/page/017EF856-965D-{draw:04X}"),
    "bundleItems": Detail(_RARE, False, _asins(3)),
    "businessDiscount": Detail(_SOME, True, lambda _subject, draw: 1 + draw % 20),
    "competitivePriceThreshold": Detail(_SOME, True, lambda subject, draw: subject.item.price * (200 + draw) // 300),
    "couponHistory": Detail(_SOME, True, _coupons),
    "deals": Detail(_SOME, True, _deals),
    "ebayListingIds": Detail(
        _OFTEN, True, lambda subject, draw: [0, 110_000_000_000 + subject.item.index * 256 + draw]
    ),
    "frequentlyBoughtTogether": Detail(_OFTEN, True, _asins(2)),
    "hazardousMaterials": Detail(_RARE, False, _hazards),
    "includedComponents": Detail(_SOME, False, _one_of("Candle, wick, box", "Charger; câble USB-C", "4 screws")),
    "ingredients": Detail(_RARE, False, lambda _subject, draw: "Water, Natural Flavors, " + prose.sentences(draw, 6)),
    "isHaul": Detail(_RARE, False, _one_of(True)),
    "isMerchOnDemand": Detail(_RARE, False, _one_of(True)),
    "parentAsinHistory": Detail(_RARE, False, _former_parents),
    "primeDealEndTime": Detail(_RARE, True, lambda subject, draw: subject.state.anchor + 60 * draw),
    "productBenefit": Detail(_RARE, False, _one_of("Promotes rest", "Löst Kalk", "Waterproof")),
    "promotions": Detail(_SOME, True, _promotions),
    "recommendedUsesForProduct": Detail(_SOME, False, _one_of("Travel, Camping", "Indoor", "Büro")),
    "returnRate": Detail(_SOME, True, lambda _subject, draw: 1 + (draw & 1)),
    "safetyWarning": Detail(_RARE, False, lambda _subject, draw: prose.sentences(draw, 4)),
    "shortDescription": Detail(_SOME, True, lambda _subject, draw: prose.sentences(draw, 2)),
    "specialFeatures": Detail(_SOME, False, _some_of("Lightweight", "Fast Charging", "Spülmaschinenfest")),
    "specialIngredients": Detail(_RARE, False, _one_of("Beeswax blend", "Natural dyes")),
    "specificUsesForProduct": Detail(_SOME, False, _some_of("Relaxation", "Decoration", "Gifts")),
    "suggestedLowerPrice": Detail(_RARE, True, lambda subject, draw: subject.item.price * (150 + draw // 2) // 300),
    "unitCount": Detail(_OFTEN, False, _unit_count),
}
# Sent as null where there is none, as recorded bodies do; the others are absent.
_NULL: Final = ("coupon", "ebayListingIds", "frequentlyBoughtTogether", "promotions")


def details(subject: Subject) -> Json:
    """The fields of this product; keys in no order."""
    found = subject.item
    out: Json = dict.fromkeys(_NULL)
    for salt, (name, detail) in enumerate(_DETAILS.items(), _SALT):
        draw = rng.mix(found.index, salt)
        if draw & 255 < detail.share and (detail.is_for_books or not found.is_book):
            out[name] = detail.value(subject, draw >> 8)
    if "businessDiscount" in out:
        out["lastBusinessDiscountUpdate"] = _since(subject, found.draws[57])
    coupons = out.get("couponHistory")
    if isinstance(coupons, list):
        out["coupon"] = coupons[-2:]
    if found.is_book and found.draws[58] < _OFTEN:
        out["formats"] = _formats(subject, found.draws[58])
    return out


def asked(subject: Subject, query: ProductQuery, parent: str | None, tracks: dict[int, Track]) -> Json:
    """What only a parameter of the request brings; null where it was asked for and is not there."""
    found, draw = subject.item, rng.mix(subject.item.index, _SALT - 1)
    out: Json = {}
    if query.videos:
        out["videos"] = [_video(draw, at) for at in range(1 + draw % 4)] if draw & 3 else None
    if query.aplus:
        out["aPlus"] = [_module(subject, draw, at) for at in range(1 + draw % 3)] if draw & 6 else None
    if query.variations and parent is not None:
        out["historicalVariations"] = [subject.asin(draw + at) for at in range(1 + draw % 5)]
    if query.rating and pt.COUNT_REVIEWS in tracks and draw & 8:
        out["reviews"] = _reviews(found, subject.state, tracks[pt.COUNT_REVIEWS])
    return out


def _video(draw: int, at: int) -> Json:
    return {
        "creator": _CREATORS[(draw + at) % len(_CREATORS)],
        "duration": 12 + draw % 300,
        "image": identity.image(draw * 7_919 + at),
        "name": ("Innovation", "Kästner", "Home Tests")[(draw + at) % 3],
        "title": prose.sentences(draw + at, 1),
        "url": f"https://m.media-amazon.com/images/S/vse-vms-transcoding/{draw:08x}-{at}/default.jobtemplate.hls.m3u8",
    }


def _module(subject: Subject, draw: int, at: int) -> Json:
    module: Json = {"image": [identity.image(draw * 104_729 + at)], "imageAltText": ["Lamp on a table"]}
    module["text"] = [prose.sentences(draw + at, 5), 'Größe: 12" x 8"']
    if draw & 16:
        module |= {"asin": [subject.asin(draw + at)], "video": [f"https://m.media-amazon.com/{draw:06x}.mp4"]}
    return {"fromManufacturer": bool(at & 1), "module": [dict(sorted(module.items()))]}


def _reviews(found: Item, state: State, track: Track) -> Json:
    """The two histories of a variation's own counts; that of ratings ends in April 2025, as the real ones do."""
    counts = [value // 3 for value in track.values]
    pairs = [number for pair in zip(track.minutes, counts, strict=True) for number in pair]
    begin = found.since
    return {
        "lastUpdate": state.anchor - 3 * DAY,
        "ratingCount": [begin, track.values[0], begin + _REVIEWS_SINCE, track.values[0] + 7],
        "reviewCount": pairs or None,
    }
