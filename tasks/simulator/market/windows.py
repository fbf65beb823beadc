"""Figures over a stretch of time: means weighted by how long each value held, time out of stock, drops of rank."""

from __future__ import annotations

import operator
from bisect import bisect_right
from itertools import compress
from typing import Final

MINUTES_PER_DAY: Final = 1_440


class Window:
    """The values of one rhythm of change between two minutes."""

    __slots__ = ("first", "span", "weights")

    def __init__(self, minutes: list[int], begin: int, end: int) -> None:
        """Weigh the values that hold at `minutes` by the time they hold between `begin` and `end`."""
        first = max(0, bisect_right(minutes, begin) - 1)
        ends = [*minutes[first + 1 :], end]
        weights = list(map(operator.sub, ends, minutes[first:]))
        if minutes[first] < begin:
            weights[0] = ends[0] - begin
        self.first = first
        self.span = end - max(begin, minutes[0])
        if self.span <= 0:  # nothing is known before the end: the last value stands for all
            weights[-1] = self.span = 1
        self.weights = weights

    def mean(self, values: list[int]) -> int:
        """The mean while in stock, rounded down; -1 when it never was. A negative value means out of stock."""
        held = values[self.first :]
        if max(held) < 0:
            return -1
        total = sum(map(operator.mul, held, self.weights))
        gone = self._gone(held)
        return (total + gone) // (self.span - gone) if gone < self.span else -1

    def out_of_stock(self, values: list[int]) -> int:
        """Percent of the time without an offer, rounded."""
        held = values[self.first :]
        return round_half_up(100 * self._gone(held), self.span)

    def _gone(self, held: list[int]) -> int:
        return sum(compress(self.weights, [value == -1 for value in held]))


def means(minutes: list[int], prices: list[int], end: int, spans: tuple[int, ...]) -> list[int]:
    """The mean over each last `spans` minutes before `end` while in stock, rounded down, -1 when it never was.

    A price of 0 means out of stock.
    """
    if len(prices) == 1:
        return [prices[0] or -1] * len(spans)
    weights = list(map(operator.sub, [*minutes[1:], end], minutes))
    held = list(map(operator.mul, prices, weights))
    in_stock = (
        None if 0 not in prices else [weight if price else 0 for weight, price in zip(weights, prices, strict=True)]
    )
    out = []
    for span in spans:
        begin = end - span
        first = max(0, bisect_right(minutes, begin) - 1)
        before = max(0, begin - minutes[first])
        total = sum(held[first:]) - prices[first] * before
        if in_stock is None:
            stocked = end - max(begin, minutes[0])
        else:
            stocked = sum(in_stock[first:]) - (before if prices[first] else 0)
        if end <= minutes[0]:  # nothing is known before the end: the last value stands for all
            out.append(prices[-1] or -1)
        else:
            out.append(total // stocked if stocked else -1)
    return out


def percent(part: int, whole: int) -> int:
    """`part` in percent of `whole`, rounded as Java rounds: halves upward."""
    return (200 * part + whole) // (2 * whole)


def round_half_up(numerator: int, denominator: int) -> int:
    """The quotient rounded to the nearest integer, halves towards plus infinity; `denominator` above 0."""
    return (2 * numerator + denominator) // (2 * denominator)
