"""Products move on when they are fetched: the server looks at what it has not looked at for an hour.

The market itself is a pure function of time, and its deals are. A fetch sees early what the market's next look will
find, so that `/product` is ahead of the deal row until then, as it is in reality. What was fetched when is kept here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tasks.simulator.market.price_timeline import minute_of

if TYPE_CHECKING:
    from tasks.simulator.api.product_query import ProductQuery
    from tasks.simulator.market.price_timeline import State, Timeline

NEVER: Final = -1  # the value of `update` that asks for no look
_MOST_KEPT: Final = 20_000


class Refreshes:
    """When products were looked at because somebody fetched them; the oldest are forgotten."""

    def __init__(self) -> None:
        self._minutes: dict[tuple[int, int], int] = {}

    def known(self, timeline: Timeline, state: State, now_ms: int) -> State:
        """Where the product stands before this fetch, for where it stands by itself."""
        minute = self._minutes.get((timeline.domain, timeline.item.index))
        if minute is None or minute > minute_of(now_ms):
            return state
        return timeline.refreshed(state, minute)

    def fetched(self, timeline: Timeline, known: State, query: ProductQuery, now_ms: int) -> State:
        """Where the product stands in the reply: looked at anew when `known` is older than the request allows."""
        now = minute_of(now_ms)
        if not _is_due(query, now - known.last_update):
            return known
        state = timeline.state(now_ms)
        if state is None or now <= known.anchor:
            return known
        key = timeline.domain, timeline.item.index
        self._minutes.pop(key, None)
        self._minutes[key] = now
        if len(self._minutes) > _MOST_KEPT:
            del self._minutes[next(iter(self._minutes))]
        return timeline.refreshed(state, now)


def _is_due(query: ProductQuery, age_min: int) -> bool:
    """Whether the request wants a look: with offers always, unless it says how old they may be."""
    if query.update_h == NEVER:
        return False
    return (query.offers > 0 and not query.is_update_asked) or age_min >= query.update_h * 60
