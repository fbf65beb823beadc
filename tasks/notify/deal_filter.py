"""From the conditions of a rule to the filter that `deals` uses. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from tasks.store.best_deals.conditions import ANY, Conditions, ResaleTerms
from tasks.store.best_deals.deal_filter import DealFilter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tasks.rule_settings import RuleSettings
    from tasks.store.best_deals.best_deals import BestDeal
    from tasks.store.best_deals.candidates import Over

WITHIN: Final = timedelta(days=1)  # as `deals` has it when nothing else is asked for
_ANY_DISCOUNT: Final = -1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFilter:
    """Which deals a rule is about.

    Attributes:
        deals: what the database is asked.
        max_price: the highest price, None for any.
        products: these ASINs alone; empty for all.
    """

    deals: DealFilter
    max_price: Decimal | None
    products: frozenset[str]

    def admits(self, deal: BestDeal) -> bool:
        """Whether a deal that the database found meets the other conditions too."""
        is_cheap = self.max_price is None or deal.price <= self.max_price
        return is_cheap and (not self.products or deal.asin in self.products)

    def of_any_discount(self, price_type: str) -> DealFilter:
        """The same locale and period, but whatever the deal is like: for products that may meet it no longer."""
        return replace(
            self.deals,
            price_types=[price_type],
            min_discount=_ANY_DISCOUNT,
            selections=None,
            title=(),
            conditions=ANY,
        )


def filter_of(rule: RuleSettings, names: Mapping[int, str], usual: tuple[Sequence[str], Over], most: int) -> RuleFilter:
    """The filter of a rule.

    Args:
        rule: the rule.
        names: the names of selections by their numbers.
        usual: the price types and the period where the rule names none.
        most: how many deals are looked at together.
    """
    asked = rule.conditions
    selections = asked.get("selection")
    max_price = asked.get("max_price")
    return RuleFilter(
        max_price=None if max_price is None else Decimal(max_price),
        products=frozenset(asked.get("products", ())),
        deals=DealFilter(
            price_types=list(asked.get("type", usual[0])),
            over=asked.get("over", usual[1]),
            within=WITHIN,
            top=most,
            domain=asked.get("domain"),
            min_discount=asked.get("min_discount", 1),
            selections=None if selections is None else [n for n, name in names.items() if name in selections],
            names=names,
            title=tuple(asked.get("title", ())),
            conditions=_conditions(asked),
        ),
    )


def _conditions(asked: Mapping[str, Any]) -> Conditions:
    sell_at, price = asked.get("sell_at", ("buy-box", None))
    return Conditions(
        terms=ResaleTerms(
            sell_at=sell_at,
            price=_decimal(price),
            per_item=Decimal(asked.get("per_item", 0)),
            per_kg=Decimal(asked.get("per_kg", 0)),
        ),
        min_roi=_decimal(asked.get("min_roi")),
        min_profit=_decimal(asked.get("min_profit")),
        has_amazon=asked.get("amazon"),
        max_fba_sellers=asked.get("max_fba_sellers"),
        min_rank_drops=asked.get("min_rank_drops"),
        brand=asked.get("brand"),
        category=asked.get("category"),
    )


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
