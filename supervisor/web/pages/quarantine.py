"""What could not be used: by reason, one by one with what was received, and the two ways out of it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final, get_args
from urllib.parse import urlencode

from supervisor.queries import parsing
from supervisor.queries.printing.plain_text import readable, size
from supervisor.web.page import Listing, Moved, NotHere, Page, Refusal
from supervisor.web.views import links, quarantine_orders, writing
from supervisor.web.views.given import Given, one_of
from tasks.keepa import locales
from tasks.keepa.request import is_asin
from tasks.store import quarantine
from tasks.store.quarantine import FaultFilter, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from supervisor.web.page import Visit
    from tasks.store.quarantine import Fault

_PATH: Final = "/quarantine"
_KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
_ROWS: Final = 50
_SAMPLE: Final = 5
_AT_ONCE: Final = 500
_SHOWN_BYTES: Final = 64 * 1024
_COLUMNS: Final = ("id", "kind", "domain", "key", "reason", "raw_bytes", "first_at", "last_at", "times")
_FILTERS: Final = ("kind", "domain", "key", "reason", "id")
_OUTCOMES: Final = ("read", "queued", "settled", "left", "dropped")
_SEPARATOR: Final = "~"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_MOST_DIGITS: Final = 17  # microseconds of the year 5138


def _filter(given: Given) -> FaultFilter:
    ids = given.choose_all("id", parsing.number)
    return FaultFilter(
        ids=ids or None,
        kind=given.choose("kind", None, one_of(*_KINDS)),
        domain=given.choose("domain", None, parsing.domain),
        key=given.choose("key", None, str),
        reason=given.choose("reason", None, str),
    )


def _data(visit: Visit) -> Mapping[str, Any]:
    given = Given(visit.query, visit.lists)
    which = _filter(given)
    with visit.database.reading() as conn:
        found = quarantine.find(conn, which, limit=_ROWS + 1, before=given.choose("before", None, _place))
        reasons = quarantine.by_reason(conn, which)
    shown = found[:_ROWS]
    last = shown[-1] if len(found) > len(shown) else None
    status = visit.run.look().status
    kept = [(name, text) for name in _FILTERS for text in visit.lists.get(name, ()) if text]
    return {
        "faults": [_shown(one) for one in shown],
        "reasons": [
            {**asdict(one), "address": given.address(_PATH, **_of_reason(one), before=None)} for one in reasons
        ],
        "kinds": _KINDS,
        "shops": locales.SHOPS,
        "which": which,
        "stored": None if status.counts is None else status.counts.rows.get("quarantine"),
        "counted_at": None if status.counts is None else status.counts.at,
        "next": None if last is None else given.address(_PATH, before=_text(last)),
        "first": given.address(_PATH, before=None) if "before" in visit.query else None,
        "orders": {verb: f"{_PATH}/{verb}?{urlencode(kept)}" for verb in ("retry", "drop")},
        "came": _came(given),
        "exports": [(kind, given.address(f"{_PATH}.{kind.lower()}", before=None)) for kind in ("CSV", "JSON")],
    }


def _of_reason(one: quarantine.ReasonCount) -> dict[str, str]:
    return {"kind": one.kind, "reason": one.reason}


def _shown(one: Fault) -> dict[str, Any]:
    """The fault as the template has it."""
    return {
        **asdict(one),
        "shop": locales.shop(one.domain) if one.domain else "",
        "about": readable(locales.label(one.key)),
        "reason": readable(one.reason),
        "page": links.product(one.domain, one.key) if one.domain and is_asin(one.key) else None,
        "size": "nothing" if one.raw_bytes is None else size(one.raw_bytes),
    }


def _came(given: Given) -> dict[str, int]:
    """What the last order came to, as its redirect says."""
    found = {name: given.choose(f"was_{name}", None, _whole) for name in _OUTCOMES}
    return {name: number for name, number in found.items() if number is not None}


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= quarantine_orders.MOST):
        raise ValueError(f"{text!r} is no number of faults")
    return int(text)


def _place(text: str) -> tuple[datetime, int]:
    """The moment and the number of a fault, as `_text` wrote them."""
    at, _, number = text.partition(_SEPARATOR)
    if not (at.isascii() and at.isdigit() and len(at) <= _MOST_DIGITS):
        raise ValueError(f"{text!r} is no place in the list: begin at its first page")
    return _EPOCH + int(at) * _MICROSECOND, parsing.number(number)


def _text(one: Fault) -> str:
    """Where the fault stands in the list."""
    return f"{(one.last_at - _EPOCH) // _MICROSECOND}{_SEPARATOR}{one.id}"


def _listing(visit: Visit) -> Listing:
    which = _filter(Given(visit.query, visit.lists))

    def rows() -> Iterator[Sequence[object]]:
        before = None
        with visit.database.exporting() as conn:
            while found := quarantine.find(conn, which, limit=_AT_ONCE, before=before):
                yield from ([getattr(one, name) for name in _COLUMNS] for one in found)
                before = found[-1].last_at, found[-1].id

    return Listing("faults", _COLUMNS, rows())


def _one(visit: Visit) -> tuple[Fault, bytes | None]:
    try:
        number = parsing.number(visit.path["number"])
    except ValueError as error:
        raise Refusal(f"the number of a fault: {error}") from None
    with visit.database.reading() as conn:
        found = quarantine.find(conn, FaultFilter(ids=[number]), limit=1)
        raw = quarantine.raw(conn, number) if found else None
    if not found:
        raise NotHere(f"there is no fault {number} in quarantine: it was retried, dropped, or never was")
    return found[0], raw


def _one_data(visit: Visit) -> Mapping[str, Any]:
    fault, raw = _one(visit)
    text = None if raw is None else raw[:_SHOWN_BYTES].decode("utf-8", "backslashreplace")
    return {
        "fault": _shown(fault),
        "raw": text,
        "advice": _advice(fault),
        "more": 0 if raw is None else max(0, len(raw) - _SHOWN_BYTES),
        "orders": {verb: f"{_PATH}/{verb}?id={fault.id}" for verb in ("retry", "drop")},
    }


def _advice(fault: Fault) -> str:
    """What a retry does about it, or what else to do."""
    from tasks.ingest.retry import retry_advice

    return retry_advice.advice(fault.kind, fault.key, has_bytes=bool(fault.raw_bytes))


def _one_listing(visit: Visit) -> Listing:
    fault, raw = _one(visit)
    text = None if raw is None else raw.decode("utf-8", "backslashreplace")
    return Listing("faults", (*_COLUMNS, "raw"), [[*(getattr(fault, name) for name in _COLUMNS), text]])


def _order_data(verb: str, visit: Visit) -> Mapping[str, Any]:
    if not visit.settings.has_control:
        raise Refusal("WEB_CONTROL is off: this page takes no orders")
    which = _filter(Given(visit.query, visit.lists))
    with visit.database.reading() as conn:
        seen = quarantine_orders.look(conn, which)
        sample = quarantine.find(conn, which, limit=_SAMPLE)
    if not seen.numbers:
        raise NotHere("no such fault is in quarantine: there is nothing to do")
    fields = [(name, text) for name in _FILTERS for text in visit.lists.get(name, ()) if text]
    return {
        "verb": verb,
        "count": len(seen.numbers),
        "has_more": seen.has_more,
        "mark": seen.mark,
        "sample": [_shown(one) for one in sample],
        "fields": fields,
    }


def _words(which: FaultFilter) -> str:
    """The filter as a person would write it."""
    parts = {name: value for name, value in asdict(which).items() if value is not None}
    return " ".join(f"{name}={value}" for name, value in parts.items()) or "all"


def _act(verb: str, visit: Visit) -> Moved:
    which = _filter(Given(visit.form, {name: [text] for name, text in visit.form.items()}))
    mark = visit.form.get("seen", "")
    if verb == "drop":
        came = {"dropped": quarantine_orders.drop(visit, which, mark)}
    else:
        counts = quarantine_orders.retry(visit, which, mark, may_pay=visit.form.get("refetch") == "yes")
        came = {outcome.value: number for outcome, number in counts.items()}
    outcome = ", ".join(f"{number} {name}" for name, number in came.items())
    writing.note(visit, f"quarantine {verb} {_words(which)}", outcome)
    told = {f"was_{name}": number for name, number in came.items()}
    return Moved(f"{_PATH}?{urlencode(told)}")


def _order_page(verb: str) -> Page:
    path = f"{_PATH}/{verb}"
    return Page(
        path=path,
        title=f"{verb.capitalize()} faults",
        template="quarantine_order.html",
        data=partial(_order_data, verb),
        actions={path: partial(_act, verb)},
        in_navigation=False,
    )


PAGES: Final = (
    Page(path=_PATH, title="Quarantine", template="quarantine.html", data=_data, listing=_listing),
    _order_page("retry"),
    _order_page("drop"),
    Page(
        path=_PATH + "/{number}",
        title="Fault",
        template="fault.html",
        data=_one_data,
        listing=_one_listing,
        in_navigation=False,
    ),
)
