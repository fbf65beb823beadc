"""The filters of a selection, each a small question about the facts of one product."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tasks.simulator.api.deal import DAY, Sheet, categories
from tasks.simulator.api.index import value_now
from tasks.simulator.market import attributes, prose
from tasks.simulator.market import price_types as pt
from tasks.simulator.market.price_timeline import minute_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tasks.simulator.api.deal_query import DealQuery
    from tasks.simulator.api.index import Facts
    from tasks.simulator.market.market import Market

_LAST_RANGE: Final = 3


def tests(market: Market, query: DealQuery, now_ms: int) -> list[Callable[[Facts], bool]]:
    """What a product must answer with yes, cheap questions first; categories are asked apart."""
    return [
        _eligible(query, minute_of(now_ms) - DAY),
        *_ranges(query),
        *_flags(market, query, now_ms),
        *_words(market, query),
    ]


def _eligible(query: DealQuery, day_ago: int) -> Callable[[Facts], bool]:
    """A deal is a price that fell below its mean; the flags ask for risen ones, or those that vanished within a day."""
    at = min(query.date_range, _LAST_RANGE)
    if "isOutOfStock" in query.flags:
        return lambda fact: fact.current < 0 < fact.means[at] and fact.created >= day_ago
    if "isRisers" in query.flags:
        return lambda fact: fact.deltas[at] < 0 < fact.current
    return lambda fact: fact.deltas[at] > 0 < fact.current


def _ranges(query: DealQuery) -> list[Callable[[Facts], bool]]:
    at = min(query.date_range, _LAST_RANGE)
    read: dict[str, Callable[[Facts], int]] = {
        "currentRange": lambda fact: fact.current,
        "deltaRange": lambda fact: fact.deltas[at],
        "deltaLastRange": lambda fact: fact.last,
        "deltaPercentRange": lambda fact: fact.percents[at],
        "salesRankRange": lambda fact: fact.rank,
    }
    return [_between(read[name], low, high) for name, low, high in query.ranges]


def _between(read: Callable[[Facts], int], low: int, high: int) -> Callable[[Facts], bool]:
    if high == -1:  # open above
        return lambda fact: read(fact) >= low
    return lambda fact: low <= read(fact) <= high


def _flags(market: Market, query: DealQuery, now_ms: int) -> list[Callable[[Facts], bool]]:
    def has(kind: int) -> Callable[[Facts], bool]:
        return lambda fact: any(series.type == kind for series in market.item(fact.product).series)

    def now(fact: Facts, kind: int) -> int:
        found = market.item(fact.product)
        state = market.state(found, query.domain, now_ms)
        return -1 if state is None else value_now(market.timeline(found, query.domain), state, kind)

    known: dict[str, Callable[[Facts], bool]] = {
        "isBackInStock": lambda fact: fact.is_back,
        "isLowest90": lambda fact: _is_lowest_90(market, query, fact, now_ms),
        "hasReviews": has(pt.RATING),
        "filterErotic": lambda fact: not attributes.is_adult(market.item(fact.product)),
        "isPrimeExclusive": has(pt.PRIME_EXCLUSIVE),
        "isLowestOffer": lambda fact: fact.current <= now(fact, pt.NEW) or now(fact, pt.NEW) < 0,
        "mustHaveAmazonOffer": lambda fact: now(fact, pt.AMAZON) > 0,
        "mustNotHaveAmazonOffer": lambda fact: now(fact, pt.AMAZON) < 0,
        "isLowest": lambda fact: fact.current <= min(_all(market, query, fact, now_ms)),
        "isHighest": lambda fact: fact.current >= max(_all(market, query, fact, now_ms)),
    }
    out = [test for name, test in known.items() if name in query.flags]
    if query.conditions:
        out.append(
            lambda fact: (
                now(fact, pt.WAREHOUSE) > 0 and warehouse_condition(market.item(fact.product).draws) in query.conditions
            )
        )
    if query.min_rating >= 0:
        out.append(lambda fact: now(fact, pt.RATING) >= query.min_rating)
    return out


def warehouse_condition(draws: bytes) -> int:
    """The condition of a product's warehouse offer: 2 to 5."""
    return 2 + draws[30] % 4


def _is_lowest_90(market: Market, query: DealQuery, fact: Facts, now_ms: int) -> bool:
    """Whether the price was never lower within 90 days."""
    found = market.item(fact.product)
    timeline, state = market.timeline(found, query.domain), market.state(found, query.domain, now_ms)
    if state is None:
        return False
    sheet = Sheet(timeline, state)
    return any(series.type == query.kind and sheet.is_lowest(series) for series in found.series)


def _all(market: Market, query: DealQuery, fact: Facts, now_ms: int) -> list[int]:
    """Every price the product ever had."""
    found = market.item(fact.product)
    timeline, state = market.timeline(found, query.domain), market.state(found, query.domain, now_ms)
    series = next((series for series in found.series if series.type == query.kind), None)
    if state is None or series is None:
        return [fact.current]
    return [price for price in timeline.values(series, timeline.first_slot(), state.slot) if price > 0]


def _words(market: Market, query: DealQuery) -> list[Callable[[Facts], bool]]:
    out: list[Callable[[Facts], bool]] = []
    if query.title_words:
        out.append(lambda fact: _has_all(prose.title(market.item(fact.product)).casefold(), query.title_words))
    for name, wanted in query.texts:
        out.append(_text(market, name, wanted))
    return out


def _has_all(title: str, words: tuple[str, ...]) -> bool:
    """Whether each word is in the title, be it as a part of a longer one."""
    return all(word in title for word in words)


def _text(market: Market, name: str, wanted: frozenset[str]) -> Callable[[Facts], bool]:
    def test(fact: Facts) -> bool:
        value = attributes.texts(market.item(fact.product)).get(name)
        return value is not None and value.casefold() in wanted

    return test


def is_in_categories(market: Market, query: DealQuery, fact: Facts) -> bool:
    """Whether the category filter lets a product pass: a root covers its children, others what they hold themselves."""
    held = {fact.root, *categories(market.item(fact.product))}
    if query.exclude & held:
        return False
    return not query.include or bool(query.include & held)


def one_per_family(market: Market, found: list[Facts]) -> list[Facts]:
    """The first of each family of variations, and all products without one."""
    seen: set[str] = set()
    out = []
    for fact in found:
        parent = market.parent_asin(market.item(fact.product))
        if parent is None or parent not in seen:
            out.append(fact)
        if parent is not None:
            seen.add(parent)
    return out
