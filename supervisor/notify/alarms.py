"""Which alarms there are, told from the report of a run, and what is to be sent because of them. Pure.

An alarm is told once when it begins and once when it is over. What is to be sent stays in the book until its target has
accepted it, so that a kill loses none, and repeats only what was being sent at that moment, under the same id.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from ledger import localtime
from supervisor.process.states import State
from supervisor.report import OF_KEY
from tasks.notify.message import AlarmNotice, Message

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from supervisor.report import Report
    from tasks.rule_settings import RuleSettings

MOST_PENDING: Final = 1_000
_NAMESPACE: Final = uuid.UUID("5f0a4f0e-6e0b-5c7e-9a55-1f0c6a4f7e21")  # any that nobody else uses
_RUN_FAILED: Final = "run_failed"
_KEY: Final = "key"
_REFUSED: Final = "the API refuses this key"
_OURS: Final = "notify"  # that a target refuses messages is told by health: it could not be sent there


class Problem(NamedTuple):
    """Something that is wrong now. `what` tells two of the same alarm apart, `since` is UTC in ISO 8601."""

    alarm: str
    what: str
    since: str
    words: str


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    """A message that its target has not accepted yet."""

    target: str
    message: Message
    attempts: int = 0


class AlarmBook(msgspec.Struct, frozen=True, kw_only=True):
    """What was told, and what is to be sent.

    Attributes:
        told: the notice of each alarm that has begun and is not over, by rule, alarm and what it is about.
        pending: the messages to be sent, the oldest first.
    """

    told: dict[str, AlarmNotice] = {}
    pending: tuple[Pending, ...] = ()


def problems(report: Report, drifts: Sequence[Problem]) -> list[Problem]:
    """What is wrong with the run; `drifts` are what somebody else spends of each key, where that is much."""
    return [*_conditions(report), *_failed(report), *_ended(report), *drifts]


def _conditions(report: Report) -> Iterator[Problem]:
    for one in report.conditions:
        if one.kind == _KEY:
            yield Problem("key", _KEY, one.since, f"the key is refused: {one.why}")
        elif one.kind.startswith(OF_KEY):
            name = one.kind.removeprefix(OF_KEY)
            yield Problem("key", name, one.since, f"the key {name} is refused: {one.why}")
        elif one.kind != _OURS:
            yield Problem("degraded", one.kind, one.since, f"{one.kind}: {one.why}")


def _failed(report: Report) -> Iterator[Problem]:
    for child in (*report.workers, *report.services):
        if child.state != State.FAILED.value or child.role == _OURS:
            continue
        deaths = [one for one in report.deaths if (one.role, one.slot) == (child.role, child.slot)]
        at, why = (deaths[-1].at, f": {deaths[-1].words}") if deaths else (report.written_at, "")
        words = f"{child.name} has failed and is not started again{why}; `sluicegate retry {child.name}` does"
        yield Problem("failed", child.name, at, words)


def _ended(report: Report) -> Iterator[Problem]:
    for fault in report.faults:
        if fault.event == _RUN_FAILED:
            is_key = fault.words.startswith(_REFUSED)
            yield Problem("key" if is_key else "failed", "run", fault.at, f"the run has ended: {fault.words}")


def update(
    book: AlarmBook,
    found: Iterable[Problem],
    rules: Sequence[RuleSettings],
    host: str,
    now: datetime,
    *,
    is_all: bool = True,
) -> AlarmBook:
    """The book after what was found `now`: what begins and what is over is to be sent.

    While not `is_all` is known, as of a run that only begins, nothing is over that is not found.
    """
    problems_now = list(found)
    told = dict(book.told)
    pending = list(book.pending)
    here = {(one.alarm, one.what): one for one in problems_now}
    for rule in rules:
        for one in problems_now:
            key = f"{rule.name} {one.alarm} {one.what}"
            if one.alarm in rule.alarms and key not in told and _lasts(one, rule, now):
                told[key] = AlarmNotice(
                    alarm=one.alarm, rule=rule.name, is_over=False, words=one.words, since=one.since, host=host
                )
                pending += _messages(rule, key, told[key], now)
        for key, notice in list(told.items()):
            what = key.removeprefix(f"{notice.rule} {notice.alarm} ")  # the name of a rule may have spaces in it
            if is_all and notice.rule == rule.name and (notice.alarm, what) not in here:
                del told[key]
                pending += _messages(rule, key, msgspec.structs.replace(notice, is_over=True), now)
    names = {rule.name for rule in rules}
    kept = {key: notice for key, notice in told.items() if notice.rule in names}
    return AlarmBook(told=kept, pending=tuple(pending[-MOST_PENDING:]))


def _lasts(problem: Problem, rule: RuleSettings, now: datetime) -> bool:
    """Whether it has lasted for as long as the rule wants it to."""
    if problem.alarm != "degraded":
        return True
    return (now - datetime.fromisoformat(problem.since)).total_seconds() >= rule.degraded_s


def _messages(rule: RuleSettings, key: str, notice: AlarmNotice, now: datetime) -> Iterator[Pending]:
    """A message for each target of the rule; its id follows from what it says, so that it is never made twice."""
    for target in rule.to:
        name = f"{notice.host} {key} {notice.since} {notice.is_over} {target}"
        message = Message(
            id=str(uuid.uuid5(_NAMESPACE, name)), rule=rule.name, made_at=localtime.utc(now), notices=(notice,)
        )
        yield Pending(target=target, message=message)
