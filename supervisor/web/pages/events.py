"""What happened: orders with who gave them and what came of them, deaths, and faults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from supervisor.logs.phrases import describe_life, name_of
from supervisor.web.page import Listing, Page, Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from supervisor.report import Report
    from supervisor.web.page import Visit

_KINDS: Final = ("order", "death", "fault")


class _Event(dict[str, Any]):
    """One event: `at`, `kind`, `who`, `what`, `outcome`, `shape`."""


def _events(last: Report | None, kind: str) -> list[_Event]:
    if last is None:
        return []
    found = [*_orders(last), *_deaths(last), *_faults(last)]
    return sorted((one for one in found if kind in {"", one["kind"]}), key=lambda one: str(one["at"]), reverse=True)


def _orders(last: Report) -> list[_Event]:
    return [
        _Event(
            at=one.at,
            kind="order",
            who=one.by,
            what=one.order,
            outcome="being carried out" if one.words is None else one.words,
            shape="wait" if one.code is None else "good" if one.code == 0 else "bad",
        )
        for one in last.orders
    ]


def _deaths(last: Report) -> list[_Event]:
    return [
        _Event(
            at=one.at,
            kind="death",
            who=name_of(one.role, one.slot),
            what=f"{one.words}; {describe_life(one.lived_s, one.doing)}",
            outcome=f"then {one.next}",
            shape="bad",
        )
        for one in last.deaths
    ]


def _faults(last: Report) -> list[_Event]:
    return [
        _Event(
            at=one.at,
            kind="fault",
            who=name_of(one.role, one.slot),
            what=one.words or one.event.replace("_", " "),
            outcome=("over" if one.until is not None else "") + (f" {one.times} times" if one.times > 1 else ""),
            shape="off" if one.until is not None else "wait",
        )
        for one in last.faults
    ]


def _kind(visit: Visit) -> str:
    kind = visit.query.get("kind", "")
    if kind and kind not in _KINDS:
        raise Refusal(f"there is no kind {kind!r}; there are {', '.join(_KINDS)}")
    return kind


def _data(visit: Visit) -> Mapping[str, Any]:
    kind = _kind(visit)
    return {"events": _events(visit.run.look().status.report, kind), "kind": kind, "kinds": _KINDS}


def _listing(visit: Visit) -> Listing:
    columns = ("at", "kind", "who", "what", "outcome")
    events = _events(visit.run.look().status.report, _kind(visit))
    return Listing("events", columns, [[one[name] for name in columns] for one in events])


PAGE: Final = Page(path="/events", title="Events", template="events.html", data=_data, listing=_listing)
