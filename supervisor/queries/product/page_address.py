"""Reads the address of a product's page, as it is copied from a browser: the product and the shop. Pure."""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

from tasks.keepa.locales import SHOPS

_EXAMPLE: Final = "https://www.amazon.de/dp/B08N5WRWNW"
_SHOWN: Final = 100  # characters of an address
_KEEPA: Final = "keepa.com"
# What stands before the ASIN in the addresses of Amazon's pages: /dp/, /gp/product/, /gp/aw/d/, /gp/offer-listing/,
# /product-reviews/ and the older /exec/obidos/ASIN/, /o/ASIN/ and /gp/product/glance/.
_AT_AMAZON: Final = re.compile(
    r"/(?:dp|d|product|offer-listing|product-reviews|asin|glance)/(?P<asin>[a-z0-9]{10})(?![a-z0-9])", re.IGNORECASE
)
# https://keepa.com/#!product/3-B08N5WRWNW
_AT_KEEPA: Final = re.compile(r"!product/(?P<domain>[0-9]{1,2})-(?P<asin>[a-z0-9]{10})(?![a-z0-9])", re.IGNORECASE)


class Page(NamedTuple):
    """A product in one shop: `domain` is Keepa's number of it."""

    asin: str
    domain: int


def is_address(text: str) -> bool:
    """Whether the text looks like an address: no ASIN has such a character."""
    return "/" in text or "." in text


def read(text: str) -> Page:
    """The product and the shop that an address names.

    Raises:
        ValueError: it is not the page of a product in a shop that Keepa knows.
    """
    shown = repr(text[:_SHOWN])
    try:
        parts = urlsplit(text if "//" in text else f"//{text}")
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        raise ValueError(f"{shown} is no address: the address of a product is like {_EXAMPLE}") from None
    # Links out of a search or a mail hold the page's address in their query.
    path_and_query = unquote(f"{parts.path}?{parts.query}")
    if _is_at(host, _KEEPA):
        found = _AT_KEEPA.search(unquote(parts.fragment))
        if found is None or int(found["domain"]) not in SHOPS:
            raise ValueError(f"{shown} is no product's page: they are like https://keepa.com/#!product/3-B08N5WRWNW")
        return Page(found["asin"].upper(), int(found["domain"]))
    domain = next((number for number, shop in SHOPS.items() if _is_at(host, shop)), None)
    if domain is None:
        raise ValueError(f"{shown} is not at an Amazon shop that Keepa knows: an address is like {_EXAMPLE}")
    found = _AT_AMAZON.search(path_and_query)
    if found is None:
        raise ValueError(f"{shown} is no product's page: its address has /dp/ and the ASIN in it, as in {_EXAMPLE}")
    return Page(found["asin"].upper(), domain)


def _is_at(host: str, shop: str) -> bool:
    return host == shop or host.endswith(f".{shop}")
