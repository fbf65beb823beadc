"""Requests as values: where they go, what they send, what they are booked as; without the key. Pure.

A request is booked under the name that its cost is learned under, with a first guess of that cost. The guess holds
until the ledger has seen real charges, and is high on purpose: too many reserved tokens come back within seconds, and
too few are debt.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeAlias
from urllib.parse import quote

from ledger import Shape
from tasks.keepa import detail

if TYPE_CHECKING:
    from tasks.keepa.selection.selection import Selection

Detail: TypeAlias = str  # as `tasks.keepa.detail` reads it
DEAL_TOKENS: Final = 5  # a page, full, empty or past the end. Source: API documentation and recorded envelopes.
PRODUCT_TOKENS: Final = 1  # an ASIN; statistics and history are free. Source: API documentation.
# The most that an item of a call can cost, with room for dearer prices: ten pages of offers at 6, and a few options at
# 1 or 2 each, make about 65 an ASIN. Source: API documentation.
_MAX_TOKENS: Final = {
    "/deal": 50,
    "/product": 150,
    "/bestsellers": 500,
    "/seller": 500,
    "/query": 5_000,
    "/lightningdeal": 5_000,
}


Method = Literal["GET", "POST"]

DOMAINS: Final = frozenset(
    {1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12}
)  # Amazon locales; 7 was China. Source: API documentation.
MAX_ASINS: Final = 100  # in one call. Source: API documentation.
MAX_ASINS_OFFERS: Final = (
    20  # with offers, which the server collects while we wait. Source: the official client's limit.
)
# Servers and proxies commonly cut a request line at 8 KB; half of that leaves room for what they add.
LONGEST_GET: Final = 4_000

_ASIN: Final = re.compile("[0-9A-Z]{10}")


class Request(Protocol):
    """One call of the API."""

    @property
    def endpoint(self) -> str:
        """The path, such as `/deal`."""
        ...

    @property
    def method(self) -> Method:
        """How it is sent."""
        ...

    @property
    def items(self) -> int:
        """How many things it pays for."""
        ...

    @property
    def shape(self) -> Shape:
        """What its cost is estimated and learned as."""
        ...

    def params(self) -> dict[str, str]:
        """What goes into the URL, the key apart."""
        ...

    def body(self) -> bytes | None:
        """What goes into the body of a POST."""
        ...


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """The bucket's state; free."""

    endpoint: Literal["/token"] = "/token"
    method: Method = "GET"
    items: int = 0

    @property
    def shape(self) -> Shape:
        """Booked as nothing."""
        return token_shape()

    def params(self) -> dict[str, str]:
        """Nothing."""
        return {}

    def body(self) -> bytes | None:
        """Nothing."""
        return None


@dataclass(frozen=True, slots=True)
class DealRequest:
    """One page of a selection. A short selection travels in the URL, a long one as the body of a POST."""

    selection: Selection
    page: int

    def __post_init__(self) -> None:
        if self.page < 0:
            raise ValueError(f"page {self.page}: pages count from 0")

    @property
    def endpoint(self) -> str:
        """`/deal`."""
        return "/deal"

    @property
    def method(self) -> Method:
        """GET unless the encoded selection would make the URL too long."""
        return "POST" if len(quote(self._json(), safe="")) > LONGEST_GET else "GET"

    @property
    def items(self) -> int:
        """One page."""
        return 1

    @property
    def shape(self) -> Shape:
        """Booked as one page."""
        return deal_shape()

    def params(self) -> dict[str, str]:
        """The selection, if it fits into the URL."""
        return {"selection": self._json()} if self.method == "GET" else {}

    def body(self) -> bytes | None:
        """The selection, if it does not."""
        return self._json().encode() if self.method == "POST" else None

    def _json(self) -> str:
        return self.selection.to_json(page=self.page)


@dataclass(frozen=True, slots=True)
class ProductRequest:
    """Products by ASIN, with as much of each as `detail` says.

    `stats`: figures only. `history`: the whole history, videos and A+ content too, at no further cost. `offers`:
    sellers as well, at about seven times the cost. The server refreshes what it has not looked at for about an hour;
    that is free.
    """

    domain: int
    asins: tuple[str, ...]
    detail: Detail

    def __post_init__(self) -> None:
        limit = max_asins(self.detail)
        if not 0 < len(self.asins) <= limit:
            raise ValueError(f"{len(self.asins)} ASINs: a call with detail {self.detail} takes 1 to {limit}")
        odd = [asin for asin in self.asins if not is_asin(asin)]
        if odd:
            raise ValueError(f"not an ASIN: {odd[:5]}")
        if self.domain not in DOMAINS:
            raise ValueError(f"domain {self.domain}: not one of {sorted(DOMAINS)}")

    @property
    def endpoint(self) -> str:
        """`/product`."""
        return "/product"

    @property
    def method(self) -> Method:
        """GET: a hundred ASINs make a URL of 1.2 KB."""
        return "GET"

    @property
    def items(self) -> int:
        """How many ASINs are asked for."""
        return len(self.asins)

    @property
    def shape(self) -> Shape:
        """Booked by detail, per ASIN."""
        return product_shape(self.detail, len(self.asins))

    def params(self) -> dict[str, str]:
        """Domain, ASINs and what to send of each."""
        return {"domain": str(self.domain), "asin": ",".join(self.asins), **detail.params(self.detail)}

    def body(self) -> bytes | None:
        """Nothing."""
        return None


@dataclass(frozen=True, slots=True)
class CodeRequest:
    """The products of one EAN or UPC, which may be many. Each one found is paid for, so no more than `most` are sent.

    One code a call: nobody has described whether the limit is that of each code or of all.
    """

    domain: int
    code: str
    detail: Detail
    most: int

    def __post_init__(self) -> None:
        if not 0 < self.most <= max_asins(self.detail):
            raise ValueError(
                f"{self.most} products: a call with detail {self.detail} brings 1 to {max_asins(self.detail)}"
            )
        if self.domain not in DOMAINS:
            raise ValueError(f"domain {self.domain}: not one of {sorted(DOMAINS)}")

    @property
    def endpoint(self) -> str:
        """`/product`."""
        return "/product"

    @property
    def method(self) -> Method:
        """GET."""
        return "GET"

    @property
    def items(self) -> int:
        """How many products it can bring."""
        return self.most

    @property
    def shape(self) -> Shape:
        """Booked by detail, per product that it can bring: what a product found costs is known, not how many are."""
        asked = self.detail
        prior, most = detail.tokens(asked), detail.most_tokens(asked)
        return Shape(name=f"code:{detail.cost_name(asked)}", items=self.most, prior=prior, most=most)

    def params(self) -> dict[str, str]:
        """Domain, code, how many products at the most, and what to send of each."""
        asked = {"domain": str(self.domain), "code": self.code, "code-limit": str(self.most)}
        return asked | detail.params(self.detail)

    def body(self) -> bytes | None:
        """Nothing."""
        return None


def max_asins(asked: Detail) -> int:
    """How many ASINs one call with this detail may ask for."""
    return MAX_ASINS_OFFERS if detail.parts(asked).has_offers else MAX_ASINS


def is_asin(text: str) -> bool:
    """Whether `text` has the form of an ASIN. The server takes any text, finds nothing and says nothing."""
    return _ASIN.fullmatch(text) is not None


def max_tokens(endpoint: str, items: int) -> int:
    """What a call for so many pages or ASINs can cost at the very most; a reply that tells more cannot be right."""
    return _MAX_TOKENS.get(endpoint, 0) * max(items, 1)


def token_shape() -> Shape:
    """Of `/token`, which is free."""
    return Shape(name="token", items=0, prior=0.0)


def deal_shape() -> Shape:
    """Of one page of `/deal`."""
    return Shape(name="deal", items=1, prior=DEAL_TOKENS)


def product_shape(asked: Detail, asins: int) -> Shape:
    """Of `/product` for so many ASINs with this detail."""
    prior, most = detail.tokens(asked), detail.most_tokens(asked)
    return Shape(name=f"product:{detail.cost_name(asked)}", items=asins, prior=prior, most=most)
