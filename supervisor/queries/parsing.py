"""Reads the arguments of the commands that ask the database: products, locales, price types, counts. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from supervisor.config.options import OPTIONS
from supervisor.queries.product import page_address as product_page
from tasks.keepa.locales import SHOPS
from tasks.keepa.prices import ALL_NAMES, NOT_MONEY
from tasks.keepa.product_code import is_code, product_code
from tasks.keepa.request import is_asin
from tasks.store.partitions import tables

if TYPE_CHECKING:
    from decimal import Decimal

_NUMBERS: Final = {name: number for number, name in ALL_NAMES.items()}
_PREFIX: Final = "amazon."
MOST: Final = 1_000_000  # things that may be asked for
_MOST_ROWS: Final = 2**63 - 1
_PERCENT: Final = 100
_KEEP: Final = "_KEEP_D"
_AMOUNT: Final = re.compile(r"-?[0-9]{1,9}(?:\.[0-9]{1,2})?", re.ASCII)
_ISBN_10: Final = re.compile(r"(?=.{13}$)[0-9]+-[0-9]+-[0-9]+-[0-9Xx]")  # with hyphens, as on a book


def asin(text: str) -> str:
    """The ASIN in capitals.

    Raises:
        ValueError: it is not one.
    """
    found = text.strip().upper()
    if not is_asin(found):
        raise ValueError(f"{text!r} is no ASIN: an ASIN has ten digits and letters, such as B08N5WRWNW")
    return found


def product(text: str) -> tuple[str, int | None]:
    """The ASIN in capitals, given as such or as the address of a product's page, and the locale that this names.

    Raises:
        ValueError: it is neither.
    """
    stripped = text.strip()
    return product_page.read(stripped) if product_page.is_address(stripped) else (asin(stripped), None)


class Wanted(NamedTuple):
    """A product that somebody names: by its ASIN or by its code, and in one shop if `domain` is known by that."""

    asin: str = ""
    code: str = ""
    domain: int | None = None


def amount(text: str) -> Decimal:
    """An amount of money, 0 or more.

    Raises:
        ValueError: it is not one.
    """
    found = signed_amount(text)
    if found < 0:
        raise ValueError(f"{text!r} is below 0")
    return found


def signed_amount(text: str) -> Decimal:
    """A number with at most two decimals, which may be below 0.

    Raises:
        ValueError: it is not one.
    """
    from decimal import Decimal  # most commands need none, and it takes milliseconds to load

    if _AMOUNT.fullmatch(text.strip()) is None:
        raise ValueError(f"{text!r} is no number such as 20 or 12.50")
    return Decimal(text.strip())


def whole_amount(text: str) -> int:
    """A whole number, 0 or more.

    Raises:
        ValueError: it is not one.
    """
    return _whole(text, low=0, high=MOST)


def sell_at(text: str) -> tuple[Literal["buy-box", "mean", "price"], Decimal | None]:
    """At what a product is sold again: the price of the buy box, a mean, or an amount.

    Raises:
        ValueError: it is none of these.
    """
    word = text.strip().lower().replace("_", "-")
    if word == "buy-box":
        return "buy-box", None
    if word == "mean":
        return "mean", None
    try:
        return "price", amount(text)
    except ValueError:
        raise ValueError(f"{text!r} is no price: expected an amount such as 24.99, buy-box or mean") from None


def wanted(text: str) -> Wanted:
    """A product, given as its ASIN, as the address of its page, or as its EAN or UPC.

    Ten digits are an ASIN, also where they are no ISBN-10: such ASINs exist.

    Raises:
        ValueError: it is none of these.
    """
    stripped = text.strip()
    if is_code(stripped):
        return Wanted(code=product_code(stripped))
    try:
        found, domain = product(stripped.replace("-", "") if _ISBN_10.fullmatch(stripped) else stripped)
    except ValueError as error:
        if product_page.is_address(stripped):
            raise
        raise ValueError(f"{error}; nor is it an EAN or UPC, which have 8, 12, 13 or 14 digits") from None
    return Wanted(asin=found, domain=domain)


def domain(text: str) -> int:
    """Keepa's number of a locale, given as such, as `de`, or as `amazon.de`.

    Raises:
        ValueError: there is no such locale.
    """
    stripped = text.strip().lower()
    for number, shop in SHOPS.items():
        if stripped in {str(number), shop, shop.removeprefix(_PREFIX), shop.rpartition(".")[2]}:
            return number
    known = ", ".join(shop.removeprefix(_PREFIX) for shop in SHOPS.values())
    raise ValueError(f"{text!r} is no Amazon shop that Keepa knows; there are {known}")


def price_type(text: str) -> str:
    """Keepa's name of a price type, given as such in any case, or as its number.

    Raises:
        ValueError: there is no such price type.
    """
    stripped = text.strip().upper().replace("-", "_")
    if stripped in _NUMBERS:
        return stripped
    if stripped.isascii() and stripped.isdigit() and int(stripped) in ALL_NAMES:
        return ALL_NAMES[int(stripped)]
    raise ValueError(f"{text!r} is no price type; there are {', '.join(_NUMBERS)}")


def money_type(text: str) -> str:
    """Keepa's name of a price type whose values are prices, as `price_type` reads it.

    Raises:
        ValueError: there is no such price type.
    """
    name = price_type(text)
    if _NUMBERS[name] in NOT_MONEY:
        raise ValueError(f"{name} is no price but a rank, a count or a rating: `history` shows it")
    return name


def is_money(name: str) -> bool:
    """Whether the values of a price type of this name are prices."""
    return name in _NUMBERS and _NUMBERS[name] not in NOT_MONEY


def count(text: str) -> int:
    """A number of things, from 1.

    Raises:
        ValueError: it is not one.
    """
    return _whole(text, low=1, high=MOST)


def partitions(text: str) -> int:
    """The number of parts of a table, from 2 to 256.

    Raises:
        ValueError: it is not one.
    """
    return _whole(text, low=tables.FEWEST, high=tables.MOST)


def number(text: str) -> int:
    """The number of a row, from 1.

    Raises:
        ValueError: it is not one.
    """
    return _whole(text, low=1, high=_MOST_ROWS)


def percent(text: str) -> int:
    """A percentage from 1 to 100.

    Raises:
        ValueError: it is not one.
    """
    return _whole(text.strip().removesuffix("%"), low=1, high=_PERCENT)


def kept_days(text: str) -> tuple[str, int]:
    """A setting that says how many days rows are kept, and the days, given as `NAME=DAYS`.

    Raises:
        ValueError: it is none, or not so many days.
    """
    name, is_given, days = (part.strip() for part in text.partition("="))
    known = [option for option in OPTIONS if option.name.endswith(_KEEP)]
    option = next((one for one in known if one.name == name.upper()), None)
    if option is None or not is_given:
        raise ValueError(f"{text!r} is no NAME=DAYS; the names are {', '.join(one.name for one in known)}")
    try:
        return option.name, int(str(option.kind.parse(days)))
    except ValueError:
        raise ValueError(f"{option.name}: {days!r} cannot be used; expected {option.kind.expected}") from None


def _whole(text: str, *, low: int, high: int) -> int:
    stripped = text.strip()
    if not (stripped.isascii() and stripped.isdigit() and low <= int(stripped) <= high):
        raise ValueError(f"{text!r} is no whole number from {low} to {high}")
    return int(stripped)
