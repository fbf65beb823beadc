"""A source of products in words: what it asks for, what that costs, and what its products cost besides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from supervisor.database import ledger_source
from tasks.keepa.locales import shop
from tasks.keepa.source.explanation import explain, products
from tasks.planning.learned_costs import product_tokens

if TYPE_CHECKING:
    from supervisor.config.run_plan import RunPlan
    from tasks.keepa.source.source import Source


class ProductPrice(NamedTuple):
    """Tokens that backfill pays for one product, as the ledger has learned it, and what it fetches of it."""

    tokens: float
    detail: str


class SourceOutput(msgspec.Struct, frozen=True, kw_only=True):
    """Another source of products, with the fields of a selection.

    Attributes:
        products: how many products it adds at the most; null when that is known only once it was read.
        tokens_each: what fetching one of them costs, once.
        tokens_once: what fetching all of them costs, once; null as `products`.
    """

    name: str
    key: str
    domain: int
    shop: str
    asks_for: str
    products: int | None
    tokens_each: float
    tokens_once: float | None
    query: dict[str, Any]


def product_price(plan: RunPlan) -> ProductPrice:
    """What one product costs backfill with these settings."""
    detail = plan.settings.backfill_detail
    return ProductPrice(product_tokens(detail, ledger_source.snapshot_of(plan)), detail)


def source_line(one: Source, price: ProductPrice) -> str:
    """What the source asks for, how often and for how much, and what its products cost."""
    return f"{one.label} asks for {explain(one)}. Backfill {products(one, *price)}."


def for_programs(one: Source, price: ProductPrice) -> SourceOutput:
    """The same for programs."""
    most = one.most if one.is_counted else None
    return SourceOutput(
        name=one.name,
        key=one.key,
        domain=one.domain,
        shop=shop(one.domain),
        asks_for=explain(one),
        products=most,
        tokens_each=price.tokens,
        tokens_once=None if most is None else most * price.tokens,
        query=dict(one.query),
    )
