"""A source in words: what it asks for, how often, and what each time costs. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.keepa.locales import shop
from tasks.keepa.source.request import listing_shape, page_size
from tasks.keepa.source.source import REFRESH

if TYPE_CHECKING:
    from tasks.keepa.source.source import Source


def explain(one: Source) -> str:
    """What it asks for, in one sentence without its full stop."""
    return f"{_what(one)} at {shop(one.domain)}, every {one.query.get('refresh', REFRESH)}, for {_cost(one)}"


def products(one: Source, each: float, detail: str, *, listed: int | None = None) -> str:
    """What backfill does with its products, in words, when one of them costs `each` tokens.

    So many were `listed` when it was read last, if it was.
    """
    fetched = f"fetches each of its products once ({detail}), for {each:.3g} token{'s' * (each != 1)}"
    if listed is not None:
        return f"{fetched}: {listed * each:,.0f} tokens for the {listed:,} that it listed last"
    if not one.is_counted:
        return f"{fetched}; how many they are is known once it was read ({one.most:,} at the most)"
    return f"{fetched}: up to {one.most * each:,.0f} tokens for {one.most:,} products"


def _what(one: Source) -> str:
    match one.kind:
        case "bestsellers":
            days = one.query.get("range", 0)
            rank = f"by their mean rank of {days} days" if days else "by their rank"
            return f"up to {one.most:,} best sellers of the category {one.query['categoryId']} {rank}"
        case "seller":
            return f"what the seller {one.query['sellerId']} offers"
        case "category":
            return f"up to {one.most:,} products of the category {one.query['categoryId']} that sell best"
        case "product-finder":
            count = len(one.search)
            return f"up to {one.most:,} products that a search with {count} condition{'s' * (count != 1)} finds"
        case "lightning-deals":
            return "the lightning deals"


def _cost(one: Source) -> str:
    """What asking once costs at the most, without the products: these are fetched by backfill."""
    tokens = listing_shape(one).prior
    if one.kind not in {"product-finder", "category"}:
        return f"{tokens:g} tokens each time"
    size = page_size(one)
    return f"up to {tokens:g} tokens for each {size:,} products"
