"""What a rule knows of a product. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

NO_OFFER: Final = Decimal(-1)
"""The price of a product that nobody offers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The columns of `rule_products` but for its key; their comments say what they are."""

    price_type: str
    price: Decimal
    matches: bool
    told_at: datetime | None = None
    told_price: Decimal | None = None
    told_low: Decimal | None = None
    told_high: Decimal | None = None
