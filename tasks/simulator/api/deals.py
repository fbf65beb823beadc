"""Deal pages: a selection's rows filtered, sorted and cut into pages, as JSON without the envelope."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from tasks.simulator.api import filters
from tasks.simulator.api.deal import SPANS, Sheet, row
from tasks.simulator.api.index import Shelves
from tasks.simulator.market import catalog, rng
from tasks.simulator.market.price_timeline import minute_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tasks.simulator.api.deal_query import DealQuery
    from tasks.simulator.api.index import Facts
    from tasks.simulator.market.market import Market
    from tasks.simulator.market.price_timeline import State

PAGE_ROWS: Final = 150
MOST_ROWS: Final = 10_000  # what can be reached of a selection, however many match
_ROW_CACHE: Final = 8_192  # 2.3 kB each
_RESULT_CACHE: Final = 12
_NAMES: Final = {catalog.UNKNOWN_ROOT_ID: "?", **{root.id: root.name for root in catalog.ROOTS}}
_LAST_RANGE: Final = 3


class Result(NamedTuple):
    """A selection at one moment: indexes of the products in order, and rows per root without the category filter."""

    indexes: list[int]
    roots: Counter[int]


class Deals:
    """The deal pages of a market. Not for several threads at once."""

    def __init__(self, market: Market, *, duplicates: float = 0.0) -> None:
        """Serve `market`; a part `duplicates` of the pages repeats the last row of the page before."""
        self._market = market
        self._duplicates = duplicates
        self._shelves = Shelves(market)
        self._rows: dict[tuple[int, int, int], tuple[State, bytes]] = {}
        self._results: dict[tuple[DealQuery, int], Result] = {}
        self._encoder = msgspec.json.Encoder()

    def page(self, query: DealQuery, now_ms: int) -> bytes:
        """The value of `deals` for one page of the selection."""
        result = self.select(query, now_ms)
        begin = query.page * PAGE_ROWS - self._repeats(query, now_ms)
        end = min(begin + PAGE_ROWS, MOST_ROWS)
        rows = [self._row(query, index, now_ms) for index in result.indexes[begin:end]]
        ids = list(result.roots)
        head = self._encoder.encode(
            {
                "categoryCount": [result.roots[root] for root in ids],
                "categoryIds": ids,
                "categoryNames": [_NAMES[root] for root in ids],
            }
        )
        return head[:-1] + b',"dr":[' + b",".join(rows) + b'],"drDateIndex":[]}'

    def select(self, query: DealQuery, now_ms: int) -> Result:
        """Which products the selection finds, in its order."""
        index = self._shelves.index(query.domain, query.kind)
        facts = index.at(now_ms)
        key = (replace(query, page=0), hash((index.version, minute_of(now_ms))))
        result = self._results.get(key)
        if result is None:
            result = self._results[key] = self._find(query, facts, now_ms)
            while len(self._results) > _RESULT_CACHE:
                del self._results[next(iter(self._results))]
        return result

    def _find(self, query: DealQuery, facts: list[Facts], now_ms: int) -> Result:
        market = self._market
        oldest = minute_of(now_ms) - SPANS[query.date_range]
        matches = filters.tests(market, query, now_ms)
        found = [fact for fact in facts if fact.created >= oldest and all(test(fact) for test in matches)]
        roots = Counter(fact.root for fact in found)
        if query.include or query.exclude:
            found = [fact for fact in found if filters.is_in_categories(market, query, fact)]
        found.sort(key=order(query))
        if "singleVariation" in query.flags:
            found = filters.one_per_family(market, found)
        return Result([fact.product for fact in found], roots)

    def _row(self, query: DealQuery, index: int, now_ms: int) -> bytes:
        market = self._market
        found = market.item(index)
        state = market.state(found, query.domain, now_ms)
        if state is None:
            raise LookupError(f"product {index} is not tracked yet")
        key = (query.domain, query.kind, index)
        held = self._rows.pop(key, None)
        if held is None or held[0] != state:
            deal = row(market, Sheet(market.timeline(found, query.domain), state), query.kind)
            held = (state, self._encoder.encode(deal))
        self._rows[key] = held
        if len(self._rows) > _ROW_CACHE:
            del self._rows[next(iter(self._rows))]
        return held[1]

    def _repeats(self, query: DealQuery, now_ms: int) -> int:
        """By how many rows the pages up to this one are pushed back, each repeating one row and losing none."""
        if not self._duplicates:
            return 0
        hour, seed = minute_of(now_ms) // 60, self._market.scope.seed
        return sum(
            rng.share(seed, "repeat", hour, query.kind, page) < self._duplicates for page in range(1, query.page + 1)
        )


def order(query: DealQuery) -> Callable[[Facts], tuple[int, int]]:
    """The sort key of a selection; ties fall in the order of the catalogue.

    Only the newest-first order cannot be inverted. There is no order by `lastUpdate`.
    """
    at = min(query.date_range, _LAST_RANGE)
    sign = -1 if query.sort > 0 else 1
    match abs(query.sort):
        case 1:
            return lambda fact: (-fact.created, fact.product)
        case 2:
            return lambda fact: (sign * fact.deltas[at], fact.product)
        case 3:
            return lambda fact: (-sign * fact.rank, fact.product)
        case 4:
            return lambda fact: (sign * fact.percents[at], fact.product)
        case _:
            return lambda fact: (rng.mix(fact.product, 0), fact.product)
