"""What a product is called and looks like: the fields of a product object that have nothing to do with prices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tasks.simulator.market import catalog, identity, item

if TYPE_CHECKING:
    from tasks.simulator.market.item import Item

Json = dict[str, object]
_FIRST_YEAR: Final = 1_965


def texts(found: Item) -> dict[str, str | None]:
    """The fields that a selection can filter by."""
    d, shelf = found.draws, found.shelf
    is_book = found.is_book
    brand = catalog.BRANDS[d[34] & 15]
    return {
        "author": catalog.AUTHORS[d[33] & 15] if is_book else None,
        "binding": shelf.bindings[d[35] & 3] if is_book else None,
        "brand": brand,
        "color": None if is_book else catalog.COLORS[d[33] & 7],
        "edition": None,
        "format": None,
        "itemTypeKeyword": shelf.subs[d[9] % len(shelf.subs)].casefold().replace(" ", "-"),
        "manufacturer": brand,
        "model": None if is_book else f"{brand[:2].upper()}-{found.index}",
        "productGroup": shelf.group,
        "salesRankDisplayGroup": shelf.display,
        "size": None,
        "type": shelf.kind,
        "websiteDisplayGroup": shelf.display,
        "websiteDisplayGroupName": shelf.group,
    }


def image(found: Item) -> str:
    """The file name of the product's picture, the same in deals and products."""
    return identity.image(int.from_bytes(found.draws[:6], "little"))


def plain(found: Item, code: str) -> Json:
    """Everything that stays the same from request to request; keys in no order."""
    d, is_book = found.draws, found.is_book
    words = texts(found)
    author, picture = words["author"], image(found)
    title = item.title(found)
    return {
        **words,
        **_sizes(d, is_book=is_book),
        **_flags(),
        "asin": found.asin,
        "coupon": None,
        "description": f"{title}. Well looked after, ready to ship.",
        "eanList": [code],
        "ebayListingIds": None,
        "fbaFees": {"lastUpdate": found.since + 10_000, "pickAndPackFee": 300 + d[36]},
        "features": None if is_book else ["Easy to clean", "Two years of warranty"],
        "frequentlyBoughtTogether": None,
        "g": d[37],
        "images": [{"l": picture, "lH": 1500, "lW": 1000 + d[38], "m": picture, "mH": 500, "mW": 300 + d[38] // 2}],
        "imagesCSV": picture,
        "languages": [["English", "Published"], ["English", "Original Language"]] if is_book else None,
        "numberOfItems": -1 if is_book else 1 + d[39] % 4,
        "numberOfPages": 60 + d[40] * 2 if is_book else -1,
        "packageQuantity": 1,
        "partNumber": words["model"],
        "promotions": None,
        "publicationDate": _FIRST_YEAR + d[41] % 58 if is_book else 0,
        "referralFeePercent": 15,
        "referralFeePercentage": 15.0,
        "releaseDate": 0,
        "title": title,
        "upcList": None,
        "urlSlug": title.replace(" ", "-").replace("&amp;", "and"),
        "variableClosingFee": 180 if is_book else 0,
        "variationCSV": None,
        "variations": None,
        **({"contributors": [[author, "author"]]} if author is not None else {}),
    }


def tree(found: Item) -> tuple[list[dict[str, int | str]], int]:
    """The path to the product's first category, and the root's id."""
    if found.root is None:
        return [], catalog.UNKNOWN_ROOT_ID
    d = found.draws
    return found.root.tree(d[9] % len(found.root.subs), d[13] % catalog.LEAVES), found.root.id


def _sizes(d: bytes, *, is_book: bool) -> Json:
    depth = 10 + d[42] // 8
    return {
        "itemHeight": depth,
        "itemLength": 180 + d[43] // 4,
        "itemWeight": 120 + d[44] * (3 if is_book else 20),
        "itemWidth": 120 + d[45] // 4,
        "packageHeight": depth + 4,
        "packageLength": 190 + d[43] // 4,
        "packageWeight": 140 + d[44] * (3 if is_book else 20),
        "packageWidth": 130 + d[45] // 4,
    }


def _flags() -> Json:
    return {
        "isAdultProduct": False,
        "isB2B": False,
        "isEligibleForSuperSaverShipping": False,
        "isEligibleForTradeIn": False,
        "isHeatSensitive": False,
        "isRedirectASIN": False,
        "isSNS": False,
        "launchpad": False,
        "newPriceIsMAP": False,
    }
