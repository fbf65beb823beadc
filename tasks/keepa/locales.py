"""Amazon's locales by Keepa's numbers of them, as people know them: by the shop. Pure."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

# As in the table `domains`; a test holds the two together. Source: API documentation.
SHOPS: Final = {
    1: "amazon.com",
    2: "amazon.co.uk",
    3: "amazon.de",
    4: "amazon.fr",
    5: "amazon.co.jp",
    6: "amazon.ca",
    8: "amazon.it",
    9: "amazon.es",
    10: "amazon.in",
    11: "amazon.com.mx",
    12: "amazon.com.br",
}
DEAL_DOMAINS: Final = tuple(sorted(SHOPS.keys() - {12}))  # that one has products only
# Of each locale the ISO 4217 code of its prices, and the digits after the point. As in the table `domains`, likewise.
CURRENCIES: Final = {
    1: ("USD", 2),
    2: ("GBP", 2),
    3: ("EUR", 2),
    4: ("EUR", 2),
    5: ("JPY", 0),
    6: ("CAD", 2),
    8: ("EUR", 2),
    9: ("EUR", 2),
    10: ("INR", 2),
    11: ("MXN", 2),
    12: ("BRL", 2),
}
_DOMAIN: Final = re.compile(r", domain ([0-9]{1,2})\b")
_STREAM: Final = re.compile(r"(.+)/([0-9]{1,2})(?:/([0-9a-f]{8}))?")


def shop(domain: int) -> str:
    """The shop of a locale; of a number that Keepa does not have, that number in words."""
    return SHOPS.get(domain, f"locale {domain}")


def product_url(domain: int, asin: str) -> str | None:
    """The address of a product's page in the shop; None of a locale that Keepa does not have."""
    return f"https://www.{SHOPS[domain]}/dp/{quote(asin, safe='')}" if domain in SHOPS else None


def stream(text: str) -> str:
    """A stream for people, from its name in reports: `name/domain`, and a key behind it where two have one name."""
    found = _STREAM.fullmatch(text)
    if found is None:
        return text
    name, domain, key = found.groups()
    return ", ".join(part for part in (name, shop(int(domain)), key) if part)


def label(text: str) -> str:
    """What quarantine holds a refused selection under (`name, domain 3, ...`), for people."""
    return _DOMAIN.sub(lambda found: f", {shop(int(found[1]))}", text)
