"""The `csv` of a product: every price type as the list of its changes."""

from __future__ import annotations

import operator
from itertools import chain, compress
from typing import TYPE_CHECKING, NamedTuple

from tasks.simulator.market import price_types as pt

if TYPE_CHECKING:
    from tasks.simulator.api.product_query import ProductQuery
    from tasks.simulator.market.price_timeline import State, Timeline


class Track(NamedTuple):
    """The changes of one type: strictly increasing minutes, and values with shipping included (-1 = out of stock)."""

    minutes: list[int]
    values: list[int]
    shipping: int

    def csv(self, kind: int, since: int | None = None) -> list[int]:
        """Pairs or triples as the API sends them; with `since` only later changes, and always the last."""
        minutes, values = self.minutes, self.values
        if since is not None:
            first = next((at for at, minute in enumerate(minutes) if minute >= since), len(minutes) - 1)
            minutes, values = minutes[first:], values[first:]
        if kind not in pt.TRIPLES:
            return list(chain.from_iterable(zip(minutes, values, strict=True)))
        prices = [value - self.shipping if value > 0 else -1 for value in values]
        shippings = [self.shipping if value > 0 else -1 for value in values]
        return list(chain.from_iterable(zip(minutes, prices, shippings, strict=True)))


def cut(flat: list[int], step: int, since: int) -> list[int]:
    """The groups of a history, `step` numbers each, that begin at `since` or later, and always the last."""
    first = next((at for at in range(0, len(flat), step) if flat[at] >= since), max(0, len(flat) - step))
    return flat[first:]


def is_shown(kind: int, query: ProductQuery) -> bool:
    """Whether the request paid for a type."""
    if kind == pt.RENT:
        return query.offers > 0 and query.rental
    if query.offers:
        return True
    if kind in pt.NEEDS_RATING:
        return query.rating
    if kind in pt.NEEDS_BUY_BOX:
        return query.buy_box
    return kind not in pt.NEEDS_OFFERS


def tracks(timeline: Timeline, state: State, query: ProductQuery) -> dict[int, Track]:
    """The whole history of every type that the request shows."""
    first = timeline.first_slot()
    out: dict[int, Track] = {}
    for series in timeline.item.series:
        if is_shown(series.type, query):
            minutes = timeline.minutes(series, first, state)
            values = timeline.values(series, first, state.slot)
            out[series.type] = (
                Track(minutes, values, series.shipping)
                if series.type in pt.REPEATING
                else _changes(minutes, values, series.shipping)
            )
    for fixed in timeline.item.fixed:
        if is_shown(fixed.type, query):
            out[fixed.type] = Track(list(fixed.minutes), list(fixed.values), 0)
    return out


def _changes(minutes: list[int], values: list[int], shipping: int) -> Track:
    """The moments at which the value became another one."""
    is_new = [True, *map(operator.ne, values[1:], values)]
    if all(is_new):
        return Track(minutes, values, shipping)
    return Track(list(compress(minutes, is_new)), list(compress(values, is_new)), shipping)
