"""How much of a product is asked for, as people write it: `stats`, `history` or `offers`, and options. Pure.

    stats+rating        figures, and a fresh look at the rating
    history+days=90     the history of the last 90 days
    offers+stock        the sellers, and how many pieces each has

Two that mean the same are written in the same way, since the queue, the spool and the learned costs know a detail by
its text. Costs and names are those of the API documentation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, Literal

BASES: Final = ("stats", "history", "offers")  # each has what those before it have
OPTIONS: Final = ("buybox", "days=N", "only-live-offers", "rating", "stock")
EXPECTED: Final = f"{', '.join(BASES)}, with options after a +: {', '.join(OPTIONS)}"

# Tokens an ASIN. Offers cost 6 for each page of ten that is found: recorded batches averaged 3.9 to 10.4.
_TOKENS: Final = {"stats": 1, "history": 1, "offers": 10}
_BUY_BOX, _RATING, _STOCK = 2, 1, 2  # the last two only where there is something fresh
_STATS_DAYS: Final = 90
_OFFERS: Final = 20  # the least the server accepts: two pages, the live offers of most products
_OFFER_PAGE: Final = 6
_OFFERS_A_PAGE: Final = 10
_MAX_DAYS: Final = 36_500
# Sent only when they are asked for, at no cost.
_FREE: Final = {"videos": "1", "aplus": "1"}
_ON: Final = "1"


Coverage = Literal["none", "part", "whole"]


class NoDetail(ValueError):
    """The text is no detail; the message says what is expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a detail is made of.

    Attributes:
        base: one of `BASES`.
        buy_box: who has the buy box, and at what price; offers have that anyway.
        days: only the last days of the history; None for all of it.
        only_live: only the offers that stand now, and not those that are gone.
        rating: a fresh look at rating and number of reviews.
        stock: how many pieces each seller has.
    """

    base: str
    buy_box: bool = False
    days: int | None = None
    only_live: bool = False
    rating: bool = False
    stock: bool = False

    def __str__(self) -> str:
        """The text that it is known by."""
        named = {
            "buybox": self.buy_box,
            f"days={self.days}": self.days is not None,
            "only-live-offers": self.only_live,
            "rating": self.rating,
            "stock": self.stock,
        }
        return "+".join([self.base, *(name for name, is_on in named.items() if is_on)])

    @property
    def has_history(self) -> bool:
        """Whether histories come along."""
        return self.base != "stats"

    @property
    def has_offers(self) -> bool:
        """Whether offers do."""
        return self.base == "offers"


def detail(text: str) -> str:
    """The text that the detail is known by.

    Without a base it is the least that has the options: `stock` is `offers+stock`.

    Raises:
        NoDetail: it is none.
    """
    return str(parts(text))


@lru_cache(maxsize=256)
def parts(text: str) -> Parts:
    """What a detail is made of.

    Raises:
        NoDetail: it is none.
    """
    words = [word.strip().lower() for word in text.replace(",", "+").split("+")]
    bases = [word for word in words if word in BASES]
    options = [word for word in words if word not in BASES]
    if len(bases) > 1:
        raise NoDetail(f"{' and '.join(bases)}: each has all of the one before it, so name the last; {EXPECTED}")
    found = Parts(base=bases[0] if bases else _least(options))
    for option in options:
        found = _with(found, option)
    if found.stock and not found.has_offers:
        raise NoDetail(f"stock is that of the offers: write offers+stock instead of {text}")
    if found.only_live and not found.has_offers:
        raise NoDetail(f"only-live-offers is about offers: write offers+only-live-offers instead of {text}")
    if found.days is not None and not found.has_history:
        raise NoDetail(f"days is about the history: write history+days={found.days} instead of {text}")
    return replace(found, buy_box=found.buy_box and not found.has_offers)


def is_detail(text: str) -> bool:
    """Whether the text is a detail, written as it is known by."""
    try:
        return detail(text) == text
    except NoDetail:
        return False


def history_coverage(text: str) -> Coverage:
    """How much of a history a reply holds that was asked for with this detail.

    A part when it is a detail of another build: a part is put behind what is there, and takes nothing away.
    """
    try:
        found = parts(text)
    except NoDetail:
        return "part"
    return "none" if not found.has_history else "whole" if found.days is None else "part"


def params(text: str) -> dict[str, str]:
    """What goes into the request."""
    found = parts(text)
    asked = {"stats": str(_STATS_DAYS), "history": str(int(found.has_history))}
    asked |= _FREE if found.has_history else {}
    asked |= {"offers": str(_OFFERS)} if found.has_offers else {}
    asked |= {"buybox": _ON} if found.buy_box else {}
    asked |= {} if found.days is None else {"days": str(found.days)}
    asked |= {"only-live-offers": _ON} if found.only_live else {}
    asked |= {"rating": _ON} if found.rating else {}
    return asked | ({"stock": _ON} if found.stock else {})


def tokens(text: str) -> int:
    """What an ASIN is expected to cost before the ledger has learned better."""
    found = parts(text)
    return _TOKENS[found.base] + _BUY_BOX * found.buy_box + _RATING * found.rating + _STOCK * found.stock


def most_tokens(text: str) -> int:
    """What an ASIN can cost at the most: of offers as many pages are paid for as are found of those asked for."""
    found = parts(text)
    base = _OFFER_PAGE * -(-_OFFERS // _OFFERS_A_PAGE) if found.has_offers else _TOKENS[found.base]
    return base + _BUY_BOX * found.buy_box + _RATING * found.rating + _STOCK * found.stock


def cost_name(text: str) -> str:
    """The name that its cost is learned by: what is free is left out, because the ledger has room for few names."""
    return str(replace(parts(text), days=None, only_live=False))


def covering(wanted: str, queued: str) -> str | None:
    """The detail that serves both, at the cost of `wanted` alone; None when there is none. History is free."""
    one, other = parts(wanted), parts(queued)
    has_all = (
        (one.has_offers or not other.has_offers)
        and (one.buy_box or one.has_offers or not other.buy_box)
        and (one.rating or not other.rating)
        and (one.stock or not other.stock)
    )
    if not has_all:
        return None
    base = max(one.base, other.base, key=BASES.index)
    spans = [each.days for each in (one, other) if each.has_history]
    days = None if None in spans else max((span for span in spans if span is not None), default=None)
    return str(
        replace(one, base=base, days=days, only_live=one.only_live and (other.only_live or not other.has_offers))
    )


def _least(options: list[str]) -> str:
    """The least base that has these options."""
    if {"stock", "only-live-offers"} & set(options):
        return "offers"
    return "history" if any(option.startswith("days") for option in options) else "stats"


def _with(found: Parts, option: str) -> Parts:
    """The same with one option more.

    Raises:
        NoDetail: there is no such option.
    """
    name, equals, number = option.partition("=")
    if name == "days" and equals:
        if not (
            number.isascii()
            and number.isdigit()
            and 0 < int(number[:9]) <= _MAX_DAYS
            and len(number) <= len(str(_MAX_DAYS))
        ):
            raise NoDetail(
                f"days={number[:20]}: a whole number from 1 to {_MAX_DAYS} is expected, as in history+days=90"
            )
        return replace(found, days=int(number))
    match option:
        case "buybox":
            return replace(found, buy_box=True)
        case "only-live-offers":
            return replace(found, only_live=True)
        case "rating":
            return replace(found, rating=True)
        case "stock":
            return replace(found, stock=True)
        case _:
            raise NoDetail(f"{option[:40]!r} is no detail; expected {EXPECTED}")
