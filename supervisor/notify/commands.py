"""`notify`: checks rules and targets, shows what waits and what is refused, and tries targets."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from ledger import durations, localtime
from supervisor.config.environment import environment
from supervisor.config.files import rule_files
from supervisor.config.notify_settings import NotifySettings
from supervisor.config.setting_texts import read_texts
from supervisor.config.settings import UnusableSettings
from supervisor.database.access import query_connection, query_plan
from supervisor.notify.live_rules import live_rules
from supervisor.notify.outputs import RuleOutput, RulesOutput, TargetOutput, TargetsOutput, TrialOutput, TriedTarget
from supervisor.notify.service import KEPT
from supervisor.queries.printing import output
from supervisor.queries.printing.output import Column
from tasks.errors import EXIT_FAILED, EXIT_OK, ConfigError, NoRows, NotDelivered, plain
from tasks.notify import followed
from tasks.notify.deliver import deliver
from tasks.notify.message import Message, TrialNotice
from tasks.store.best_deals import best_deals
from tasks.store.notify import outbox
from tasks.store.watch.followed import followed as read_followed

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from supervisor.config.run_plan import RunPlan
    from supervisor.config.settings import Settings
    from tasks.rule_settings import RuleSettings, TargetSettings
    from tasks.store.connection import Connection

_COUNTED: Final = 1_000  # deals that meet a rule are counted up to this
_DAY: Final = timedelta(days=1)
_RULES: Final = (
    Column("rule"), Column("tells of"), Column("to"), Column("deals now", is_number=True), Column("how often"),
)  # fmt: skip
_TARGETS: Final = (
    Column("target"), Column("way"), Column("waiting", is_number=True), Column("sent in 24 h", is_number=True),
    Column("last"), Column("", is_elastic=True),
)  # fmt: skip


def check(chosen: argparse.Namespace) -> int:
    """Tell every fault of the rules, and how many deals meet each; the exit code.

    Raises:
        ConfigError: there are no rules, or they have faults.
        StoreError: the database does not answer.
    """
    plan = _plan_whose_targets_apprise_knows()
    settings = plan.settings
    counts = _counts(plan)
    if chosen.json:
        rules = tuple(_plain(rule, counts.get(rule.name)) for rule in settings.loaded_rules)
        names = tuple(one.name for one in settings.loaded_targets)
        output.as_json(RulesOutput(rules=rules, targets=names, notes=tuple(settings.notes)))
        return EXIT_OK
    output.table(_RULES, [_row(rule, counts) for rule in settings.loaded_rules])
    output.text(*settings.notes)
    return EXIT_OK


def list_(chosen: argparse.Namespace) -> int:
    """Show what waits for each target, what was sent and what is refused; the exit code.

    Raises:
        ConfigError: there are no rules, or they have faults.
        NoRows: there is no database yet.
        StoreError: the database does not answer.
    """
    plan = query_plan()
    settings = _with_rules(plan.settings)
    now = datetime.now(UTC)
    with query_connection(plan) as conn:
        counts = {one.target: one for one in outbox.counts(conn, now - _DAY, now - KEPT)}
        failing = {one.target: one for one in outbox.failing(conn)}
    targets = []
    for target in settings.loaded_targets:
        count, refusal = counts.get(target.name), failing.get(target.name)
        targets.append(
            TargetOutput(
                target=target.name,
                way=target.way,
                waiting=0 if count is None else count.waiting,
                sent_in_24_h=0 if count is None else count.sent,
                last_at=None if count is None else count.last_at,
                refused_since=None if refusal is None else refusal.since,
                why=None if refusal is None else refusal.reason,
            )
        )
    if chosen.json:
        output.as_json(TargetsOutput(targets=tuple(targets)))
        return EXIT_OK
    output.table(_TARGETS, [_target_row(one, now) for one in targets])
    return EXIT_OK


def test(chosen: argparse.Namespace) -> int:
    """Send a message to targets, and say what became of it; the exit code.

    Raises:
        ConfigError: there are no rules, they have faults, or no target is called so.
    """
    settings = _with_rules(query_plan().settings)
    known = {one.name: one for one in settings.loaded_targets}
    unknown = [name for name in chosen.targets if name not in known]
    if unknown:
        called = ", ".join(map(repr, unknown))
        raise ConfigError(f"no target is called {called}; targets.toml has {', '.join(known)}")
    results = {name: _try(known[name]) for name in chosen.targets or known}
    if chosen.json:
        tried = (TriedTarget(target=name, accepted=why is None, why=why) for name, why in results.items())
        output.as_json(TrialOutput(targets=tuple(tried)))
    else:
        output.text(*(f"{name}: {'accepted' if why is None else why}" for name, why in results.items()))
    return EXIT_OK if not any(results.values()) else EXIT_FAILED


def _try(target: TargetSettings) -> str | None:
    """Why the target does not accept a message; None when it does."""
    message = Message(
        id=str(uuid.uuid4()), rule="test", made_at=localtime.utc(datetime.now(UTC)), notices=(TrialNotice(),)
    )
    try:
        deliver(target, message)
    except NotDelivered as error:
        return plain(error)
    return None


def _with_rules(settings: Settings) -> Settings:
    if not settings.loaded_rules:
        raise ConfigError(
            "RULES is not set: name a folder of rules (*.toml) and targets.toml; `sluicegate notify --help` shows both"
        )
    return settings


def _plan_whose_targets_apprise_knows() -> RunPlan:
    """The run with its rules.

    Raises:
        ConfigError: there are no rules, or there are faults; what Apprise has to say is told with all others.
    """
    try:
        plan, faults = query_plan(), list[str]()
        targets = _with_rules(plan.settings).loaded_targets
    except UnusableSettings as error:
        faults = list(error.faults)
        where, _ = read_texts(environment()).found["RULES"]
        targets = rule_files.read(where, [], []).targets
        plan = None
    faults += [fault for target in targets if (fault := _apprise_fault(target)) is not None]
    if faults or plan is None:
        raise UnusableSettings(faults)
    return plan


def _apprise_fault(target: TargetSettings) -> str | None:
    """Why Apprise cannot use the address of a target, without a word of it; None when it can, or need not."""
    if target.way != "apprise":
        return None
    import apprise

    if apprise.Apprise.instantiate(target.url.reveal(), suppress_exceptions=True) is not None:
        return None
    return (
        f"RULES: targets.toml: [{target.name}]: url: Apprise knows no such service, or something is missing in it; "
        "see https://github.com/caronc/apprise/wiki"
    )


def _counts(plan: RunPlan) -> dict[str, int]:
    """How many deals meet each rule now; nothing while there is no database."""
    try:
        with query_connection(plan) as conn:
            return _count(conn, plan)
    except NoRows:
        return {}


def _count(conn: Connection, plan: RunPlan) -> dict[str, int]:
    settings = plan.settings
    wanted = NotifySettings(
        state_dir="",
        host="",
        database_url=settings.database_url,
        rules=settings.loaded_rules,
        targets=(),
        domains=settings.keepa_domains,
        selections=settings.loaded_selections,
    )
    counts = {}
    for rule in live_rules(conn, wanted):
        if rule.filter is None:
            which = followed.which_of(rule.settings)
            counts[rule.settings.name] = sum(followed.meets(rule.settings, one) for one in read_followed(conn, which))
        else:
            found = best_deals.find(conn, replace(rule.filter.deals, top=_COUNTED))
            counts[rule.settings.name] = sum(map(rule.filter.admits, found))
    return counts


def _plain(rule: RuleSettings, deals_now: int | None) -> RuleOutput:
    pace = rule.pace
    return RuleOutput(
        rule=rule.name,
        deals=tuple(rule.deals),
        followed=tuple(rule.followed),
        alarms=tuple(rule.alarms),
        to=tuple(rule.to),
        conditions=dict(rule.conditions),
        at_most=pace.at_most,
        again_after_s=pace.again_s,
        digest_s=pace.digest_s,
        deals_now=deals_now,
    )


def _row(rule: RuleSettings, counts: dict[str, int]) -> Sequence[str]:
    count = counts.get(rule.name)
    pace = rule.pace
    often = f"at most {pace.at_most} an hour"
    if pace.digest_s:
        often += f", every {durations.format_exact(timedelta(seconds=pace.digest_s))}"
    shown = "" if count is None else f"{count:,}" if count < _COUNTED else f"{_COUNTED:,} or more"
    return rule.name, ", ".join((*rule.deals, *rule.followed, *rule.alarms)), ", ".join(rule.to), shown, often


def _target_row(one: TargetOutput, now: datetime) -> Sequence[str]:
    last = "" if one.last_at is None else f"{durations.format_age(now - one.last_at)} ago"
    refusal = "" if one.refused_since is None else f"refuses since {localtime.near(one.refused_since, now)}: {one.why}"
    return one.target, one.way, f"{one.waiting:,}", f"{one.sent_in_24_h:,}", last, refusal
