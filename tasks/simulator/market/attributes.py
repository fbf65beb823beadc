"""What a product is called and looks like: the fields of a product object that have nothing to do with prices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tasks.simulator.market import catalog, identity, prose, rng

if TYPE_CHECKING:
    from tasks.simulator.market.item import Item

Json = dict[str, object]
_FIRST_YEAR: Final = 1_965
_RARE, _SOME, _OFTEN = 12, 50, 128  # of 256 products
# What only a part of the products has: how many of 256, whether books have it too, and what it can be.
_RARE_TEXTS: Final[dict[str, tuple[int, bool, tuple[str, ...]]]] = {
    "brandStoreName": (_SOME, True, ("Alderbrook Store", "Kestrel & Sons", "Oakham")),
    "brandStoreUrlName": (_SOME, True, ("Alderbrook", "KestrelSons", "Oakham")),
    "edition": (_SOME, True, ("First Edition", "2nd", "Reprint", "Édition limitée")),
    "format": (_SOME, True, ("Import", "Illustrated", "Large Print", "Box set")),
    "itemForm": (_SOME, False, ("Liquid", "Solid", "Gel", "Powder")),
    "material": (_OFTEN, False, ("Steel", "Wood", "Cotton", "Plastic")),
    "pattern": (_SOME, False, ("Striped", "Floral", "Solid")),
    "scent": (_RARE, False, ("Lavender", "Citron Vert", "Unscented")),
    "size": (_OFTEN, False, ("Large", '12" x 8"', "One Size", "40 mm")),
    "style": (_SOME, False, ("Modern", "Vintage", "Rustic")),
    "targetAudienceKeyword": (_SOME, True, ("adults", "kids", "unisex-children")),
    "unitType": (_SOME, False, ("Count", "Ounce", "Fl Oz")),
}  # fmt: skip
_ABSENT: Final = _RARE_TEXTS.keys() - {"edition", "format", "size"}  # those are null where there is none
_LANGUAGES: Final = ("English",) * 12 + ("Spanish", "German", "French", "Japanese")


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
        "itemTypeKeyword": shelf.subs[d[9] % len(shelf.subs)].casefold().replace(" ", "-"),
        "languages": language(found),
        "manufacturer": brand,
        "model": None if is_book else f"{brand[:2].upper()}-{found.index}",
        "productGroup": shelf.group,
        "salesRankDisplayGroup": shelf.display,
        "type": shelf.kind,
        "websiteDisplayGroup": shelf.display,
        "websiteDisplayGroupName": shelf.group,
        **{name: _rare(found, salt, *row) for salt, (name, row) in enumerate(_RARE_TEXTS.items(), 600)},
    }


def _rare(found: Item, salt: int, share: int, is_for_books: bool, words: tuple[str, ...]) -> str | None:  # noqa: FBT001 - a row of the table
    draw = rng.mix(found.index, salt)
    if draw & 255 >= share or (found.is_book and not is_for_books):
        return None
    return words[(draw >> 8) % len(words)]


def language(found: Item) -> str | None:
    """The language of a book."""
    return _LANGUAGES[found.draws[57] & 15] if found.is_book else None


def image(found: Item) -> str:
    """The file name of the product's first picture, the same in deals and products."""
    return identity.image(int.from_bytes(found.draws[:6], "little"))


def plain(found: Item, code: str) -> Json:
    """Everything that stays the same from request to request; keys in no order."""
    d, is_book = found.draws, found.is_book
    words = texts(found)
    author, spoken = words["author"], words.pop("languages")
    del words["unitType"]  # part of `unitCount`
    material = words["material"]
    pictures = _pictures(found)
    title = prose.title(found)
    upc = None if is_book or d[58] & 1 else code[1:]
    return {
        **{name: value for name, value in words.items() if value is not None or name not in _ABSENT},
        **_sizes(d, is_book=is_book),
        **_flags(found),
        "asin": found.asin,
        "description": prose.description(found),
        "eanList": [code],
        "fbaFees": {"lastUpdate": found.since + 10_000, "pickAndPackFee": 300 + d[36]},
        "features": prose.features(found),
        "g": d[37] * 3,
        "gtinList": ["0" + code] if d[58] & 2 else None,
        "images": pictures,
        "imagesCSV": ",".join(str(picture.get("l", picture["m"])) for picture in pictures),
        "languages": spoken and [[spoken, "Published"], [spoken, "Original Language"], [spoken, "Unknown"]],
        "numberOfItems": -1 if is_book else 1 + d[39] % 4,
        "numberOfPages": 60 + d[40] * 2 if is_book else -1,
        "packageQuantity": (1, 1, 1, 1, 0, -1, 2, 12)[d[58] >> 5],
        "partNumber": words["model"],
        "publicationDate": _published(d) if is_book else 0,
        "referralFeePercent": (15, 15, 12, 8)[d[59] & 3],
        "referralFeePercentage": (15.0, 15.0, 12.0, 8.25)[d[59] & 3],
        "releaseDate": _published(d) if d[59] < _SOME else 0,
        "title": title,
        "upcList": None if upc is None else [upc],
        "urlSlug": title.encode("ascii", "ignore").decode().replace(" ", "-").replace("&amp;", "and")[:60],
        "variableClosingFee": 180 if is_book else 0,
        "variationCSV": None,
        "variations": None,
        **({"materials": [material]} if material is not None else {}),
        **({"contributors": [[author, "author"]]} if author is not None else {}),
    }


def _published(d: bytes) -> int:
    """A year for most, a whole date for some, as recorded."""
    year = _FIRST_YEAR + d[41] % 58
    return year if d[41] & 1 else year * 10_000 + (1 + d[42] % 12) * 100 + 1 + d[43] % 28


def _pictures(found: Item) -> list[dict[str, object]]:
    """One to nine pictures; not each has a large size."""
    d, first = found.draws, image(found)
    out = []
    for at in range(1 + (d[60] * d[61] >> 13)):
        name = first if at == 0 else identity.image(int.from_bytes(d[at : at + 6], "little") + at)
        medium: dict[str, object] = {"m": name, "mH": 500, "mW": 300 + d[38] // 2}
        has_large = at == 0 or d[60] & 1
        out.append({"l": name, "lH": 1500, "lW": 1000 + d[38], **medium} if has_large else medium)
    return out


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
        "itemWeight": 120 + d[44] * (3 if is_book else 20) if d[62] & 7 else -1,
        "itemWidth": 120 + d[45] // 4,
        "packageHeight": depth + 4,
        "packageLength": 190 + d[43] // 4,
        "packageWeight": 140 + d[44] * (3 if is_book else 20),
        "packageWidth": 130 + d[45] // 4,
    }


def is_adult(found: Item) -> bool:
    """Whether the product is for adults."""
    return found.draws[62] < 2  # noqa: PLR2004 - of 256


def _flags(found: Item) -> Json:
    d = found.draws
    return {
        "isAdultProduct": is_adult(found),
        "isB2B": d[63] < _RARE,
        "isEligibleForSuperSaverShipping": d[62] < _OFTEN,
        "isEligibleForTradeIn": d[63] > 255 - _RARE,
        "isHeatSensitive": d[61] < 3,  # noqa: PLR2004 - of 256
        "isRedirectASIN": d[60] < 3,  # noqa: PLR2004 - of 256
        "isSNS": not found.is_book and d[59] < _SOME,
        "launchpad": d[58] < 3,  # noqa: PLR2004 - of 256
        "newPriceIsMAP": d[57] == 0,
    }
