"""Every setting: its value, its default, where the value came from, and what it may be. Secrets are masked."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from supervisor.web.page import Listing, Page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from supervisor.web.page import Visit

_COLUMNS: Final = ("name", "value", "default", "source", "accepted", "meaning")


def _data(visit: Visit) -> Mapping[str, Any]:
    groups = [(name, list(rows)) for name, rows in groupby(visit.settings.rows, key=lambda row: row.group)]
    last = visit.run.look().status.report
    return {"groups": groups, "overrides": {} if last is None else last.overrides}


def _listing(visit: Visit) -> Listing:
    return Listing("settings", _COLUMNS, [[getattr(row, name) for name in _COLUMNS] for row in visit.settings.rows])


PAGE: Final = Page(path="/settings", title="Settings", template="settings.html", data=_data, listing=_listing)
