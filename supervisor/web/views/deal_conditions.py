"""The further conditions on deals that an address names, in the words of the options of `sluicegate deals`. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from supervisor.queries import parsing
from supervisor.queries.deal_conditions import RESALE_SORTS
from supervisor.web.views.given import one_of
from tasks.store.best_deals.conditions import Conditions, ResaleTerms

if TYPE_CHECKING:
    from supervisor.web.views.given import Given
    from tasks.store.best_deals.conditions import SellAt

YES_NO: Final = ("yes", "no")
_NAMES: Final = (
    *("title", "category", "brand", "amazon", "max_fba_sellers", "min_rank_drops"),
    *("resale", "min_roi", "min_profit", "sell_at", "per_item", "per_kg"),
)


def conditions(given: Given) -> Conditions:
    """The conditions, and the order if it is by what is left.

    Raises:
        Refusal: one of them cannot be used.
    """
    usual: tuple[SellAt, Decimal | None] = ("buy-box", None)
    sell_at, price = given.choose("sell_at", usual, parsing.sell_at)
    amazon = given.choose("amazon", None, one_of(*YES_NO))
    return Conditions(
        terms=ResaleTerms(
            sell_at=sell_at,
            price=price,
            per_item=given.choose("per_item", Decimal(0), parsing.amount),
            per_kg=given.choose("per_kg", Decimal(0), parsing.amount),
        ),
        min_roi=given.choose("min_roi", None, parsing.signed_amount),
        min_profit=given.choose("min_profit", None, parsing.signed_amount),
        sort=RESALE_SORTS.get(given.query.get("sort", "").strip()),
        has_amazon=None if amazon is None else amazon == "yes",
        max_fba_sellers=given.choose("max_fba_sellers", None, parsing.whole_amount),
        min_rank_drops=given.choose("min_rank_drops", None, parsing.whole_amount),
        brand=given.choose("brand", None, str),
        category=given.choose("category", None, str),
    )


def asks_for_resale(given: Given) -> bool:
    """Whether what is left is to be shown although no condition is about it.

    Raises:
        Refusal: it is neither yes nor no.
    """
    return given.choose("resale", "no", one_of(*YES_NO)) == "yes"


def texts(given: Given) -> dict[str, Any]:
    """What the form shows in each of its fields, and whether any of them is in use."""
    found = {name: given.query.get(name, "").strip() for name in _NAMES}
    return {**found, "any": any(text for name, text in found.items() if name != "title")}


def slow(given: Given) -> list[str]:
    """The options of `sluicegate deals` that make it look through all deals, of what the address asks for."""
    asked = [f"--{name.replace('_', '-')}" for name in _NAMES if name != "resale" and given.query.get(name, "").strip()]
    sort = given.query.get("sort", "").strip()
    return [*asked, *([f"--sort {sort}"] if sort in RESALE_SORTS else [])]
