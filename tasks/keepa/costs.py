"""What each kind of request is booked as: the name its cost is learned under, and a first guess. Pure.

The guesses hold until the ledger has seen real charges, and lie on the high side: a reserve too high is given back
within seconds, one too low is debt.
"""

from __future__ import annotations

from typing import Final, Literal

from ledger import Shape

Detail = Literal["stats", "history", "offers"]

DEAL_TOKENS: Final = 5  # a page, full, empty or past the end. Source: API documentation and recorded envelopes.
PRODUCT_TOKENS: Final = 1  # an ASIN; statistics and history are free. Source: API documentation.
# An ASIN with offers costs 6 per page of ten offers found: recorded batches averaged 3.9 to 10.4 tokens an ASIN.
OFFERS_TOKENS: Final = 10

# The most that an item of a call can cost, with room for dearer prices: ten pages of offers at 6, and a few options at
# 1 or 2 each, make about 65 an ASIN. Source: API documentation.
_MOST_TOKENS: Final = {"/deal": 50, "/product": 150}

_PRODUCT_PRIORS: Final[dict[Detail, int]] = {
    "stats": PRODUCT_TOKENS,
    "history": PRODUCT_TOKENS,
    "offers": OFFERS_TOKENS,
}


def most_tokens(endpoint: str, items: int) -> int:
    """What a call for so many pages or ASINs can cost at the very most; a reply that tells more cannot be right."""
    return _MOST_TOKENS.get(endpoint, 0) * max(items, 1)


def token_shape() -> Shape:
    """Of `/token`, which is free."""
    return Shape(name="token", items=0, prior=0.0)


def deal_shape() -> Shape:
    """Of one page of `/deal`."""
    return Shape(name="deal", items=1, prior=DEAL_TOKENS)


def product_shape(detail: Detail, asins: int) -> Shape:
    """Of `/product` for so many ASINs."""
    return Shape(name=f"product:{detail}", items=asins, prior=_PRODUCT_PRIORS[detail])
