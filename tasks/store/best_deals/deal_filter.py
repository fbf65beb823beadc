"""Which deals are asked for, and which of them first. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tasks.keepa.locales import SHOPS
from tasks.keepa.prices import COMPARED_WITH_OTHERS, OTHERS
from tasks.store.best_deals.conditions import ANY, Conditions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta

    from tasks.store.best_deals.candidates import Over, Sort
    from tasks.store.best_deals.position import Position

_LIKE: Final = re.compile(r"[\\%_]")  # what means something in a pattern
_ESCAPED: Final = r"\\\g<0>"


@dataclass(frozen=True, slots=True, kw_only=True)
class DealFilter:
    """Which deals, and which first.

    Attributes:
        price_types: names of the price types that count.
        over: the range whose mean a price is compared with.
        within: how long ago the deal may have been listed last.
        domain: only this locale; None for all.
        min_discount: by how many percent the price must be below the mean.
        top: how many.
        selections: numbers of selections of which one must have listed it; None for any deal.
        names: the names of selections by their numbers.
        title: words that the title must hold, in any case.
        conditions: what else it must be like; they may have an order of their own, which goes before `sort`.
        after: only what comes behind this place in the list; None from its beginning.
    """

    price_types: Sequence[str]
    over: Over
    within: timedelta
    top: int
    domain: int | None = None
    min_discount: int = 1
    sort: Sort = "discount"
    selections: Sequence[int] | None = None
    names: Mapping[int, str] = field(default_factory=dict)
    title: Sequence[str] = ()
    conditions: Conditions = ANY
    after: Position | None = None

    def values(self) -> dict[str, object]:
        """What the statements ask for, by name."""
        return {
            "price_types": list(self.price_types),
            "within": self.within,
            "domains": list(SHOPS) if self.domain is None else [self.domain],
            "min_discount": self.min_discount,
            "top": self.top,
            "compared_with_others": list(COMPARED_WITH_OTHERS),
            "others": OTHERS,
            "selections": None if self.selections is None else list(self.selections),
            "numbers": list(self.names),
            "names": list(self.names.values()),
            "title_patterns": [f"%{_LIKE.sub(_ESCAPED, word)}%" for word in self.title] or None,
            **self.conditions.values(),
            **({} if self.after is None else self.after.values()),
        }
