"""From the rules of a run to the filters that the database is asked with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from supervisor.queries.deal_defaults import usual
from supervisor.queries.selection_names import SelectionNames
from tasks.notify.deal_filter import filter_of
from tasks.notify.look import AT_ONCE, LiveRule
from tasks.planning import streams
from tasks.store import selections

if TYPE_CHECKING:
    from supervisor.config.notify_settings import NotifySettings
    from tasks.store.connection import Connection


def live_rules(conn: Connection, settings: NotifySettings) -> list[LiveRule]:
    """The rules that tell of deals, with the numbers that their selections have by now."""
    found = streams.streams(settings.selections, settings.domains)
    names = SelectionNames(found, selections.known(conn))
    return [
        LiveRule(
            rule, filter_of(rule, names.by_number(), usual(names.called(rule.conditions.get("selection"))), AT_ONCE)
        )
        for rule in settings.rules
        if rule.deals
    ]
