"""What stands beside the selections of the settings and spends as well: lists of products, and sources of products."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tasks.keepa.source import source
from tasks.keepa.source.request import listing_shape, page_size
from tasks.planning.cost_plan import DAY_S
from tasks.planning.learned_costs import product_tokens

if TYPE_CHECKING:
    from ledger import Snapshot
    from supervisor.config.settings import Settings
    from tasks.keepa.source.source import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """Tokens a day besides those of selections.

    Attributes:
        products: products of the lists, as far as it is known: not those of tables.
        lists: what keeping them as fresh as asked for costs; upsert pays it.
        sources: what asking the sources costs at the most, without the products they list; backfill pays it.
        tables: lists that are tables, whose length is not known.
    """

    products: int = 0
    lists: float = 0.0
    sources: float = 0.0
    tables: tuple[str, ...] = ()


def beside(settings: Settings, snapshot: Snapshot | None) -> Beside:
    """What the lists and sources of the settings cost, with costs as they were learned."""
    lists = settings.loaded_lists
    each = {one.detail: product_tokens(one.detail, snapshot) for one in lists}
    return Beside(
        products=sum(one.products for one in lists),
        lists=sum(one.products * each[one.detail] * DAY_S / one.refresh_s for one in lists),
        sources=sum(_per_day(source.parse(one.query, name=one.name)) for one in settings.loaded_sources),
        tables=tuple(one.name for one in lists if one.table),
    )


def sentences(found: Beside) -> list[str]:
    """The same in words; nothing without lists and sources."""
    lines = []
    if found.products:
        lines.append(
            f"lists: keeping {found.products:,} products as fresh as asked takes up to {found.lists:,.0f} tokens a day "
            "more; `sluicegate watch check` says how long one pass takes"
        )
    if found.tables:
        lines.append(f"not counted, as the length of a table is not known: {'; '.join(found.tables)}")
    if found.sources:
        lines.append(
            f"sources: asking them takes up to {found.sources:,.0f} tokens a day more, and their products are histories"
        )
    return lines


def _per_day(one: Source) -> float:
    pages = -(-one.most // page_size(one)) if one.kind in {"product-finder", "category"} else 1
    return pages * listing_shape(one).prior * DAY_S / one.refresh_s
