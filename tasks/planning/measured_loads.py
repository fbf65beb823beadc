"""Pure: the loads of selections that have been collected for a while, from what they list and what calls have cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tasks.planning.cost_plan import cost_plan
from tasks.planning.cost_values import DAY_S, Allowance, Rules, StreamLoad

if TYPE_CHECKING:
    from collections.abc import Sequence

PACE_S: Final = 6 * 3_600.0  # over which new deals are counted: a product has its last change alone, so less than a day
LONGEST_S: Final = DAY_S  # calls of a day, or of the later half of the time there is: the first half loads histories
SHORTEST_S: Final = 3_600.0  # less says nothing
_TRUST: Final = (0.5, 3.0)  # by how much calls may correct what deals tell


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSeen:
    """What is known of a selection in one locale.

    Attributes:
        deals: deals that it has.
        news: deals of the last `PACE_S` seconds.
        of_the_day: deals of the last day: too few, but more of them than of some hours, to compare selections by.
        pending: products that wait for their history.
    """

    name: str
    deals: int
    news: int
    of_the_day: int
    pending: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """Products that calls fetched within some seconds, by who paid; what upsert fetched for lists is not in it."""

    seconds: float
    by_upsert: int = 0
    by_backfill: int = 0

    def per_day(self, items: int) -> float:
        """So many in this time, as so many a day."""
        return items * DAY_S / self.seconds if self.seconds > 0 else 0.0


def window_s(age_s: float) -> float:
    """Return the seconds before now whose calls are looked at, given for how long there have been any; 0 for none."""
    length_s = min(LONGEST_S, age_s / 2)
    return length_s if length_s >= SHORTEST_S else 0.0


def measured_loads(
    seen: Sequence[StreamSeen], fetched: Fetched, rules: Rules, allowance: Allowance
) -> tuple[StreamLoad, ...]:
    """Return the loads; what calls tell of all selections together is divided among them as their new deals are.

    What was fetched is less than what was wanted while there are not enough tokens: then only what deals tell counts.
    """
    counted = _loads(seen, 1.0, 0.0)
    total = sum(load.news_per_day for load in counted)
    if not fetched.seconds or not total:
        return counted
    by_upsert = fetched.per_day(fetched.by_upsert) / total if rules.detail_tokens else 1.0
    is_short = cost_plan(counted, rules, allowance).details_part < 1
    factor = min(max(by_upsert, 1.0 if is_short else _TRUST[0]), _TRUST[1])
    is_loading = sum(one.pending for one in seen) > 0
    return _loads(seen, factor, 0.0 if is_loading else fetched.per_day(fetched.by_backfill))


def _loads(seen: Sequence[StreamSeen], factor: float, products_per_day: float) -> tuple[StreamLoad, ...]:
    news_per_day = factor * sum(one.news for one in seen) * DAY_S / PACE_S
    of_the_day = sum(one.of_the_day for one in seen)
    return tuple(
        StreamLoad(
            name=one.name,
            deals=one.deals,
            news_per_day=news_per_day * one.of_the_day / of_the_day if of_the_day else 0.0,
            products_per_day=products_per_day * one.of_the_day / of_the_day if of_the_day else 0.0,
            pending=one.pending,
        )
        for one in seen
    )
