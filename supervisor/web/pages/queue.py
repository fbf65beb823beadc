"""The queue of products to fetch, by who asks for them; and how what nobody asks for any more is removed."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from supervisor.queries.selection_names import SelectionNames
from supervisor.web.page import Changed, Listing, Moved, NotHere, Page, Refusal
from supervisor.web.views import writing
from supervisor.web.views.given import Given
from tasks.keepa.locales import shop
from tasks.planning import streams
from tasks.store import asker_names, selections
from tasks.store.queue import counts, leftovers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from supervisor.web.page import Visit
    from tasks.planning.streams import WantedStreams
    from tasks.store.connection import Connection
    from tasks.store.queue.leftovers import QueuedStream

_PATH: Final = "/queue"
_DROP: Final = "/queue/drop"
_MOST: Final = 100_000  # at once; more of them take longer than a person waits for a page
_COLUMNS: Final = ("selection", "shop", "selection_key", "domain", "is_chosen", "pending", "leased", "since")


def _wanted(visit: Visit) -> WantedStreams | None:
    """What the settings ask for: selections, sources and lists."""
    settings = visit.settings
    beside = [*(one.key for one in streams.sources_of(settings.sources)), *settings.watch_keys]
    return streams.wanted_streams(streams.streams(settings.selections, settings.domains), beside)


def _rows(conn: Connection, visit: Visit) -> list[dict[str, Any]]:
    found = streams.streams(visit.settings.selections, visit.settings.domains)
    sources = {one.key: one.name for one in streams.sources_of(visit.settings.sources)}
    names = {**asker_names.former(conn), **SelectionNames(found, selections.known(conn)).by_key(), **sources}
    return [_row(one, names) for one in leftovers.queued_streams(conn, _wanted(visit))]


def _row(one: QueuedStream, names: Mapping[str, str]) -> dict[str, Any]:
    key = one.selection_key or ""
    return {**asdict(one), "selection": names.get(key) or key or "not known", "shop": shop(one.domain)}


def _data(visit: Visit) -> Mapping[str, Any]:
    with visit.database.reading() as conn:
        rows = _rows(conn, visit)
        is_estimate = counts.are_estimates(conn)
    return {
        "rows": rows,
        "left": sum(one["pending"] for one in rows if not one["is_chosen"]),
        "is_estimate": is_estimate,
        "dropped": Given(visit.query, visit.lists).choose("dropped", None, _whole),
    }


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= _MOST):
        raise ValueError(f"{text!r} is no number of products")
    return int(text)


def _listing(visit: Visit) -> Listing:
    with visit.database.reading() as conn:
        rows = _rows(conn, visit)
    return Listing("queue", _COLUMNS, [[one[name] for name in _COLUMNS] for one in rows])


def _drop_data(visit: Visit) -> Mapping[str, Any]:
    if not visit.settings.has_control:
        raise Refusal("WEB_CONTROL is off: this page takes no orders")
    with visit.database.reading() as conn:
        count = _count(conn, visit)
        rows = _rows(conn, visit)
    if not count:
        raise NotHere("everything in the queue is asked for: there is nothing to remove")
    return {"count": count, "rows": [one for one in rows if not one["is_chosen"]]}


def _count(conn: Connection, visit: Visit) -> int:
    count = leftovers.count(conn, _wanted(visit), most=_MOST + 1)
    if count > _MOST:
        raise Refusal(f"more than {_MOST:,} products would be removed, which takes long: use `sluicegate queue drop`")
    return count


def _drop(visit: Visit) -> Moved:
    """Remove what nobody asks for, if it is as many products as the form said.

    Raises:
        Changed: they are more or fewer by now; nothing was removed.
    """
    seen = visit.form.get("seen", "")
    with writing.writing(visit) as conn, conn.transaction():
        count = _count(conn, visit)
        dropped = leftovers.drop(conn, _wanted(visit)) if str(count) == seen else count
        if str(dropped) != seen:  # also when more were listed in between
            raise _changed(seen, dropped)
    writing.note(visit, "queue drop", f"{dropped:,} products were removed from the queue")
    return Moved(f"{_PATH}?dropped={dropped}")


def _changed(seen: str, count: int) -> Changed:
    said = seen[:20] if seen.isascii() and seen.isdigit() else "nothing"
    return Changed(
        f"nothing was removed: the form said {said}, and it is {count:,} products by now; load the page again and look"
    )


PAGES: Final = (
    Page(path=_PATH, title="Queue", template="queue.html", data=_data, listing=_listing, in_navigation=False),
    Page(
        path=_DROP,
        title="Remove from the queue",
        template="queue_drop.html",
        data=_drop_data,
        actions={_DROP: _drop},
        in_navigation=False,
    ),
)
