"""A history as the steps it is: a value holds until the next. Pure."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Steps:
    """Moments in rising order, and what holds from each on: a value, or None for nothing at all."""

    moments: Sequence[float]
    values: Sequence[float | None]

    def since(self, moment: float) -> Steps:
        """From `moment` on, beginning with what held then."""
        at = bisect_right(self.moments, moment)
        if at == 0:
            return self
        return Steps([moment, *self.moments[at:]], self.values[at - 1 :])

    def corners(self, until: float) -> tuple[list[float], list[float], list[int]]:
        """The corners of the line, as moments and values, and at which of them it begins anew after a hole.

        The last value holds until `until`.
        """
        xs: list[float] = []
        ys: list[float] = []
        breaks: list[int] = []
        is_hole = False
        ends = [*self.moments[1:], max(until, *self.moments[-1:])] if self.moments else []
        for start, end, value in zip(self.moments, ends, self.values, strict=True):
            if value is None:
                is_hole = True
                continue
            if is_hole and xs:
                breaks.append(len(xs))
            is_hole = False
            xs += (start, end)
            ys += (value, value)
        return xs, ys, breaks


def ticks(low: float, high: float, count: int) -> list[float]:
    """At most `count` moments, evenly from `low` to `high`; one when there is nothing between them."""
    if high <= low or count < 2:  # noqa: PLR2004 - the two ends
        return [low]
    return [low + (high - low) * at / (count - 1) for at in range(count)]
