"""Pure: what one product costs, as the ledger has learned it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tasks.keepa.request import product_shape

if TYPE_CHECKING:
    from ledger import Snapshot
    from tasks.keepa.request import Detail

# Before the ledger has seen charges: an ASIN with offers costs 6.4 to 7.1 tokens on average. Source: recorded batches.
_OFFERS_MEAN: Final = 7.0
_SHAPE_ITEMS: Final = 1


def product_tokens(detail: Detail, snapshot: Snapshot | None) -> float:
    """Tokens that one product costs at that level of detail, as it was learned; before that a usual figure."""
    shape = product_shape(detail, _SHAPE_ITEMS)
    costs = () if snapshot is None else snapshot.costs
    learned = next((one.mean for one in costs if one.shape == shape.name and one.samples), None)
    if learned is not None:
        return learned
    return _OFFERS_MEAN if detail == "offers" else shape.prior
