"""Requests for the products of a source, as values; without the key. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import quote

from ledger import Shape
from tasks.keepa.request import LONGEST_GET

if TYPE_CHECKING:
    from tasks.keepa.request import Method
    from tasks.keepa.source.source import Kind, Source

Endpoint = Literal["/bestsellers", "/seller", "/query", "/lightningdeal"]
ENDPOINTS: Final[dict[Kind, Endpoint]] = {
    "bestsellers": "/bestsellers",
    "seller": "/seller",
    "product-finder": "/query",
    "category": "/query",
    "lightning-deals": "/lightningdeal",
}
# Tokens of one call: 50 for a list of best sellers, 1 and 9 for a seller with the storefront, 10 and 1 more for each
# hundred of a search, 500 for all lightning deals. Source: API documentation.
_TOKENS: Final[dict[Endpoint, int]] = {"/bestsellers": 50, "/seller": 10, "/query": 10, "/lightningdeal": 500}
_SEARCH_EACH: Final = 100
LEAST_PAGE: Final = 50  # products of a page of a search. Source: API documentation.
MOST_PAGE: Final = 1_000  # so that a page costs 20 tokens, and a death or a wait in between loses no more


@dataclass(frozen=True, slots=True)
class ListingRequest:
    """One page of a source; only searches have more than one."""

    source: Source
    page: int = 0

    @property
    def endpoint(self) -> str:
        """The path that answers this kind."""
        return ENDPOINTS[self.source.kind]

    @property
    def method(self) -> Method:
        """GET unless the encoded search would make the URL too long."""
        return "POST" if len(quote(self._search(), safe="")) > LONGEST_GET else "GET"

    @property
    def items(self) -> int:
        """One page."""
        return 1

    @property
    def shape(self) -> Shape:
        """Booked by kind, a page at a time."""
        return listing_shape(self.source)

    def params(self) -> dict[str, str]:
        """What goes into the URL."""
        query = self.source.query
        params = {"domain": str(self.source.domain)}
        match self.source.kind:
            case "bestsellers":
                return params | {"category": str(query["categoryId"]), "range": str(query.get("range", 0))}
            case "seller":
                return params | {"seller": str(query["sellerId"]), "storefront": "1"}
            case "product-finder" | "category":
                return params | ({"selection": self._search()} if self.method == "GET" else {})
            case "lightning-deals":
                return params

    def body(self) -> bytes | None:
        """The search, if it does not fit into the URL."""
        return self._search().encode() if self.method == "POST" else None

    def _search(self) -> str:
        if ENDPOINTS[self.source.kind] != "/query":
            return ""
        search = self.source.search | {"page": self.page, "perPage": page_size(self.source)}
        return json.dumps(search, sort_keys=True, separators=(",", ":"))


def page_size(source: Source) -> int:
    """How many products a page of a search has."""
    return min(max(source.most, LEAST_PAGE), MOST_PAGE)


def is_last(source: Source, page: int, products: int) -> bool:
    """Whether a page with so many products is the last that is asked for."""
    if ENDPOINTS[source.kind] != "/query":
        return True
    size = page_size(source)
    return products < size or (page + 1) * size >= source.most


def listing_shape(source: Source) -> Shape:
    """Of one page; searches are learned together, for they cost the same but for the number of products."""
    endpoint = ENDPOINTS[source.kind]
    tokens = _TOKENS[endpoint] + (-(-page_size(source) // _SEARCH_EACH) if endpoint == "/query" else 0)
    return Shape(name=endpoint.removeprefix("/"), items=1, prior=tokens)
