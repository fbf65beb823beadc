"""What a later reading of a product says of the price of its deal, in words for people. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tasks.store.best_deals.best_deals import BestDeal

NOTE: Final = (
    "A price now is from a later look at the product than the list. The price, mean and discount beside it are of the "
    "deal as it was listed, until a list brings it again."
)
_NONE: Final = "not offered"


def words(deal: BestDeal) -> str:
    """What the deal costs by a later reading; empty where none says otherwise."""
    if deal.price_now_at is None:
        return ""
    return _NONE if deal.price_now is None else f"{deal.price_now}"
