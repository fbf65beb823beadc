"""Where the tokens go: by tier and hour, by kind of request, what a row costs, and what will expire."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ledger.localtime import minute
from supervisor.queries.token_outlook import name_shown, outlook, span_s, tokens_per_row
from supervisor.web import chosen_key
from supervisor.web.page import Listing, Page
from supervisor.web.views import bars, tokens_of_keys
from supervisor.web.views.given import Given, one_of
from tasks.store import stream_figures
from tasks.store.calls import sums

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ledger import Snapshot
    from supervisor.web.page import Visit
    from tasks.store.calls.sums import By, Spent, Step, Sum

_PATH: Final = "/tokens"
_DAY: Final = timedelta(days=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_STEPS: Final[dict[Step, timedelta]] = {"hour": timedelta(hours=1), "day": _DAY}
_COLUMNS: Final = ("begin", "name", "tokens", "calls", "rows")


class _Range(NamedTuple):
    since: timedelta
    step: Step


_RANGES: Final = {
    "24h": _Range(_DAY, "hour"),
    "7d": _Range(timedelta(days=7), "hour"),
    "30d": _Range(timedelta(days=30), "day"),
    "1y": _Range(timedelta(days=365), "day"),
}


def _chosen(given: Given) -> tuple[str, By]:
    return given.choose("range", "24h", one_of(*_RANGES)), given.choose("by", sums.BYS[0], one_of(*sums.BYS))


def _data(visit: Visit) -> Mapping[str, Any]:
    given = Given(visit.query, visit.lists)
    chosen, by = _chosen(given)
    shown = _RANGES[chosen]
    keys = visit.run.look().status.keys
    key = chosen_key.named(visit.query, keys)
    one = None if key is None else key.name
    with visit.database.reading() as conn:
        spent = sums.by_time(conn, since=shown.since, step=shown.step, by=by, key=one)
        by_name = sums.sums(conn, since=shown.since, by=by, key=one)
        shapes = by_name if by == "shape" else sums.sums(conn, since=shown.since, by="shape", key=one)
        flow = sums.flow(conn, since=shown.since, key=one) if key is not None or not keys else None
        of_a_day = by_name if shown.since == _DAY else sums.sums(conn, since=_DAY, by="tier", key=one)
        by_key = sums.sums(conn, since=_DAY, by="key") if keys else []
        span = span_s(stream_figures.first_call(conn), visit.now)
    names = [one.name for one in by_name if one.tokens > 0]
    columns = _columns(spent, shown, visit.now)
    snapshot = None if keys and key is None else visit.run.look().status.snapshot if key is None else key.snapshot
    total = sum(one.tokens for one in by_name)
    return {
        "chosen": chosen,
        "by": by,
        "bys": [(one, given.address(_PATH, by=one)) for one in sums.BYS],
        "ranges": [(name, given.address(_PATH, range=name)) for name in _RANGES],
        "key": key,
        "keys": tokens_of_keys.rows(keys, by_key, span, lambda name: given.address(_PATH, key=name)),
        "all_keys": given.address(_PATH, key=None),
        "step": shown.step,
        "names": [name_shown(by, name) for name in names],
        "bars": bars.bars(columns, names),
        "width": bars.WIDTH,
        "height": bars.HEIGHT,
        "ends": [columns[0][0], columns[-1][0]],
        "spent": spent[::-1],
        "unnamed": name_shown(by, ""),
        "sums": [_row(by, one) for one in by_name],
        "shapes": [_row("shape", one) for one in shapes],
        "total": total,
        "sentence": _sentence(by, by_name, total, chosen),
        "flow": flow,
        "snapshot": snapshot,
        "outlook": _outlook(snapshot, of_a_day, span),
        "exports": [(kind, given.address(f"{_PATH}.{kind.lower()}")) for kind in ("CSV", "JSON")],
    }


def _columns(spent: Sequence[Spent], shown: _Range, now: datetime) -> list[tuple[str, dict[str, int]]]:
    """What was spent in each hour or day, those without a call included."""
    found: dict[datetime, dict[str, int]] = {}
    for one in spent:
        found.setdefault(one.begin, {})[one.name] = one.tokens
    step, begin = _STEPS[shown.step], now - shown.since
    first = _EPOCH + (begin - _EPOCH) // step * step
    begins = (first + number * step for number in range((now - first) // step + 1))
    return [(minute(one), found.get(one, {})) for one in begins]


def _row(by: By, one: Sum) -> dict[str, Any]:
    return {
        **asdict(one),
        "name": name_shown(by, one.name),
        "tokens_per_row": tokens_per_row(one.tokens, one.rows),
        "off_percent": one.off_percent,
    }


def _sentence(by: By, found: Sequence[Sum], total: int, chosen: str) -> str:
    """The picture in words."""
    if not total:
        return f"Nothing was spent in the last {chosen}."
    parts = ", ".join(f"{name_shown(by, one.name)} {one.tokens:,}" for one in found if one.tokens)
    return f"{total:,} tokens were spent in the last {chosen}: {parts}."


def _outlook(snapshot: Snapshot | None, of_a_day: Sequence[Sum], span: float) -> Any:  # noqa: ANN401 - of the pure module
    return None if snapshot is None else outlook(snapshot, sum(one.tokens for one in of_a_day), span)


def _listing(visit: Visit) -> Listing:
    chosen, by = _chosen(Given(visit.query, visit.lists))
    shown = _RANGES[chosen]
    key = chosen_key.named(visit.query, visit.run.look().status.keys)
    with visit.database.reading() as conn:
        spent = sums.by_time(conn, since=shown.since, step=shown.step, by=by, key=None if key is None else key.name)
    return Listing("spent", _COLUMNS, [[getattr(one, name) for name in _COLUMNS] for one in spent])


PAGE: Final = Page(path=_PATH, title="Tokens", template="tokens.html", data=_data, listing=_listing)
