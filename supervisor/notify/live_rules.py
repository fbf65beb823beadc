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
    from tasks.notify.deal_filter import RuleFilter
    from tasks.rule_settings import RuleSettings
    from tasks.store.connection import Connection


def live_rules(conn: Connection, settings: NotifySettings) -> list[LiveRule]:
    """The rules that tell of deals, with the numbers that their selections have by now."""
    found = streams.streams(settings.selections, settings.domains)
    names = SelectionNames(found, selections.known(conn))
    return [
        LiveRule(rule, _filter(rule, names) if rule.deals else None)
        for rule in settings.rules
        if rule.deals or rule.followed
    ]


def _filter(rule: RuleSettings, names: SelectionNames) -> RuleFilter:
    return filter_of(rule, names.by_number(), usual(names.called(rule.conditions.get("selection"))), AT_ONCE)
