"""What the page of a product shows of its histories: figures, a chart of few points, and the last changes. Pure."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from supervisor.queries.product import price_figures
from supervisor.web.views.drawing import Path, Steps, drawn
from tasks.keepa.prices import ALL_NAMES, KEEPA_EPOCH_MIN, NAMES, SALES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tasks.store.best_deals.moments import DealMoments
    from tasks.store.histories.price_lines import Line

RANGES: Final[dict[str, timedelta | None]] = {
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": timedelta(days=30),
    "3 months": timedelta(days=91),
    "year": timedelta(days=365),
    "all": None,
}
MOST_POINTS: Final = 1_500  # of a chart
_ROWS: Final = 60  # of the table beside it
_RATING: Final = NAMES.index("RATING")
_REVIEWS: Final = NAMES.index("COUNT_REVIEWS")
_BUY_BOX: Final = NAMES.index("BUY_BOX_SHIPPING")
_AMAZON, _NEW, _USED = (NAMES.index(name) for name in ("AMAZON", "NEW", "USED"))
# As Keepa's own chart begins, and in its colours.
USUAL: Final = (_AMAZON, _NEW, _USED, SALES, _BUY_BOX)
_STYLES: Final = {_AMAZON: "amazon", _NEW: "new", _USED: "used", SALES: "rank", _BUY_BOX: "buy-box"}
_MAIN: Final = (_NEW, _AMAZON, _BUY_BOX, _USED)  # of which the sentence is


class Span(NamedTuple):
    """What is shown: from a Keepa minute to another one."""

    since: int
    until: int


def keepa_minute(at: datetime) -> int:
    """The Keepa minute in which that moment lies."""
    return int(at.timestamp() // 60) - KEEPA_EPOCH_MIN


def moment(minute: int) -> datetime:
    """The beginning of a Keepa minute."""
    return datetime.fromtimestamp((minute + KEEPA_EPOCH_MIN) * 60, UTC)


def amount(line: Line, value: float | None, digits: int) -> Decimal | int | None:
    """A value of the line as people write it: money in its unit, stars of a rating, or a whole number."""
    if value is None:
        return None
    if line.is_money:
        return Decimal(round(value)).scaleb(-digits)
    return Decimal(round(value)).scaleb(-1) if line.price_type == _RATING else round(value)


def span_of(lines: Iterable[Line], name: str, now: datetime) -> Span:
    """What a range of that name shows."""
    until, length = keepa_minute(now), RANGES[name]
    if length is not None:
        return Span(until - int(length.total_seconds() // 60), until)
    return Span(min((line.minutes[0] for line in lines), default=until), until)


def figures(lines: Iterable[Line], span: Span, digits: int) -> list[dict[str, Any]]:
    """A row for each line: what it came to in that time."""
    return [_figures(line, span, digits) for line in lines]


def _figures(line: Line, span: Span, digits: int) -> dict[str, Any]:
    found = price_figures.figures(line.minutes, line.values, *span)
    values = {name: amount(line, getattr(found, name), digits) for name in ("now", "lowest", "highest", "mean")}
    times = {name: None if at is None else moment(at) for name, at in asdict(found).items() if _is_time(name)}
    rest = {"above_percent": found.above_percent, "changes": found.changes}
    return {"type": line.name, "is_money": line.is_money, **values, **times, **rest}


def _is_time(name: str) -> bool:
    return name.endswith(("_at", "_since"))


def main_figures(rows: Iterable[dict[str, Any]]) -> dict[str, Any] | None:
    """The row that the sentence on top is of: the first price there is now."""
    by_type = {row["type"]: row for row in rows if row["now"] is not None}
    return next((by_type[ALL_NAMES[number]] for number in _MAIN if ALL_NAMES[number] in by_type), None)


def chart(lines: Sequence[Line], span: Span, digits: int) -> dict[str, Any]:
    """The lines on one axis, in whole numbers: minutes since its beginning, and values in the smallest unit.

    Each ends at the end of the time with what holds then. They have `MOST_POINTS` together at most.
    """
    most = MOST_POINTS // max(1, len(lines))
    shown = [_reduced(line, span, most) for line in lines]
    axis, columns = price_figures.join(shown)
    begin = axis[0] if axis else span.until
    return {
        "begin": (begin + KEEPA_EPOCH_MIN) * 60,
        "axis": [minute - begin for minute in axis],
        "since": (span.since + KEEPA_EPOCH_MIN) * 60,
        "until": (span.until + KEEPA_EPOCH_MIN) * 60,
        "digits": digits,
        "lines": [
            {
                "name": line.name,
                "style": style(line.price_type),
                "scale": "money" if line.is_money else line.name,
                "values": column,
            }
            for line, column in zip(lines, columns, strict=True)
        ],
    }


def picture(shown: Mapping[str, Any]) -> list[Path]:
    """The same chart for a browser that runs no program."""
    at = [shown["begin"] + 60 * minute for minute in shown["axis"]]
    lines = [Steps(one["style"], at, one["values"], one["scale"]) for one in shown["lines"]]
    return drawn(lines, shown["since"], shown["until"])


def marks(moments: DealMoments | None, span: Span) -> list[tuple[str, datetime]]:
    """What is marked in the chart: the moments of the deal that lie in that time, in their order."""
    if moments is None:
        return []
    found = (
        ("first listed", moments.first_seen_at),
        ("a deal", moments.deal_since),
        ("lightning deal begins", moments.lightning_start),
        ("lightning deal ends", moments.lightning_end),
    )
    shown = [(name, at) for name, at in found if at is not None and span.since <= keepa_minute(at) <= span.until]
    return sorted(shown, key=lambda one: one[1])


def style(price_type: int) -> str:
    """The name of the colour and the dashes of a line."""
    return _STYLES.get(price_type, "other")


def _reduced(line: Line, span: Span, most: int) -> tuple[list[int], list[int]]:
    minutes, values = price_figures.clip(line.minutes, line.values, *span)
    few, beside = price_figures.reduce(minutes, values, most - 1)
    if few and few[-1] < span.until:
        few.append(span.until)
        beside.append(beside[-1])
    return few, beside


def changes(lines: Iterable[Line], span: Span, digits: int) -> Iterator[tuple[str, datetime, Decimal | int | None]]:
    """Each change in that time, after what held at its beginning: type, moment and value, None where there was none."""
    for line in lines:
        for minute, value in zip(*price_figures.clip(line.minutes, line.values, *span), strict=True):
            yield line.name, moment(minute), amount(line, value if value >= 0 else None, digits)


def last_changes(lines: Iterable[Line], span: Span, digits: int) -> list[tuple[str, datetime, Decimal | int | None]]:
    """The latest of them."""
    return sorted(changes(lines, span, digits), key=lambda one: one[1], reverse=True)[:_ROWS]


def reviews(lines: Iterable[Line]) -> tuple[Decimal | None, int | None]:
    """The rating in stars and the number of ratings, as they were last."""
    last = {line.price_type: line.values[-1] for line in lines if line.values[-1] >= 0}
    rating = last.get(_RATING)
    return (None if rating is None else Decimal(rating).scaleb(-1)), last.get(_REVIEWS)
