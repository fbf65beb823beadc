"""The first page: how the run is now, how the balance was and will be, who waits for how many tokens and until when."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

from supervisor.web import balance_past, chosen_key, keys_table
from supervisor.web.now_view import now_view
from supervisor.web.page import Listing, Page, Refusal
from supervisor.web.views.drawing import Steps, drawn
from supervisor.web.views.given import Given
from tasks.errors import Error, plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from supervisor.status.keys import KeyView
    from supervisor.web.balance_past import Point
    from supervisor.web.page import Visit
    from supervisor.web.views.drawing import Path

_DEFAULT: Final = "15m"
_ROWS: Final = 40  # of the table beside the chart


def _range(visit: Visit) -> str:
    name = visit.query.get("range", _DEFAULT)
    if name not in balance_past.RANGES:
        raise Refusal(f"there is no range {name!r}; there are {', '.join(balance_past.RANGES)}")
    return name


def _data(visit: Visit) -> Mapping[str, Any]:
    chosen = _range(visit)
    look = visit.run.look()
    key = chosen_key.chosen(visit.query, look.status.keys)
    view = now_view(look.status, look.at, has_control=visit.settings.has_control, key=key)
    past, fault = _past(visit, chosen, key)
    address = Given(visit.query, visit.lists).address
    series = [[round(one.at.timestamp(), 1) for one in past], [one.balance for one in past]]
    chart = {"past": series, "span_s": balance_past.RANGES[chosen].total_seconds(), **(view["chart"] or {})}
    return {
        "view": view,
        "chosen": chosen,
        "ranges": [(name, address("/", range=name)) for name in balance_past.RANGES],
        "key": key,
        "key_headings": keys_table.HEADINGS,
        "fault": fault,
        "rows": past[-1 : -_ROWS - 1 : -1],
        "chart": chart,
        "highest": _highest(chart),
        "lines": _lines(chart, look.at.timestamp()),
        "sentence": _sentence(past, view["texts"], chosen),
    }


def _floors(chart: Mapping[str, Any]) -> list[float]:
    return [floor for _, floor in chart.get("floors", ())]


def _highest(chart: Mapping[str, Any]) -> float:
    coming = [value for _, value in chart.get("steps", ())]
    highest: float = max([chart.get("balance", 0), *chart["past"][1], *coming, *_floors(chart)])
    return highest


def _lines(chart: Mapping[str, Any], now_s: float) -> list[Path]:
    """The same chart for a browser that runs no program."""
    (at, balances), coming = chart["past"], chart.get("steps", [])
    since, until = now_s - chart["span_s"], max([now_s, *(at_s for at_s, _ in coming)])
    now = chart.get("balance", balances[-1] if balances else None)
    lines = [Steps("floor", [since, until], [floor, floor]) for floor in _floors(chart)]
    lines.append(Steps("balance", [*at, now_s], [*balances, now]))
    lines.append(Steps("coming", [now_s, *(at_s for at_s, _ in coming)], [now, *(value for _, value in coming)]))
    return drawn(lines, since, until, from_zero=True)


def _past(visit: Visit, chosen: str, key: KeyView | None) -> tuple[list[Point], str]:
    """The points, and why there are none when the database does not give them: the rest of the page needs it not."""
    try:
        with visit.database.reading() as conn:
            return balance_past.read(conn, visit.now, balance_past.RANGES[chosen], _name(key)), ""
    except Error as error:
        return [], plain(error)


def _name(key: KeyView | None) -> str | None:
    return None if key is None else key.name


def _sentence(past: list[Point], texts: Mapping[str, str], chosen: str) -> str:
    """The chart in words."""
    now = f"The balance is {texts['balance']} of {texts['capacity']} tokens, {texts['refill']}."
    if not past:
        return now
    balances = [one.balance for one in past]
    return f"{now} In the last {chosen} it was between {min(balances):,} and {max(balances):,}."


def _listing(visit: Visit) -> Listing:
    key = _name(chosen_key.chosen(visit.query, visit.run.look().status.keys))

    def rows() -> Iterator[tuple[object, ...]]:
        with visit.database.exporting() as conn:
            for point in balance_past.read(conn, visit.now, balance_past.RANGES[_range(visit)], key):
                yield point.at.astimezone(UTC), point.balance, point.cost, point.tier

    return Listing("balance", ("at", "balance", "cost", "tier"), rows())


PAGE: Final = Page(path="/", title="Now", template="now.html", data=_data, listing=_listing)
