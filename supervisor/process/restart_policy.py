"""What an exit means, how long to pause before the next start, and after how many the child has failed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

import msgspec

from ledger import NS_PER_S
from supervisor.process.heartbeat import Heartbeat
from supervisor.process.states import Event, State
from tasks.errors import EXIT_CONFIG, EXIT_KEY_REFUSED, EXIT_OK, EXIT_TRY_LATER


class RestartType(Enum):
    """When a child that ended is started again (OTP's restart types)."""

    PERMANENT = "permanent"
    """Always: there is no good end to it."""
    TRANSIENT = "transient"
    """Unless it ended well: exit 0 after it was ready."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How long to pause before a restart, and how many deaths are too many.

    The defaults are read as a pair: with pauses of 1, 2, 4, 8 and 16 s a child that dies at once has died six
    times after 31 s, which is more than 5 in 60 s. One that needs longer to die never trips it and is
    retried every `cap_s` for ever, which is meant: a database may be unavailable for hours.
    """

    first_s: float = 1.0
    cap_s: float = 60.0
    jitter: float = 0.1  # part of the pause: children that died together must not come back together
    stable_s: float = 60.0  # this long in service, and a death is no sign of a loop: the pauses begin anew
    max_restarts: int = 5
    period_s: float = 60.0


class Cause(Enum):
    """Why a child is no longer there."""

    EXIT = "exit"
    SIGNAL = "signal"
    NOT_READY = "not_ready"
    HUNG = "hung"
    NOT_STARTED = "not_started"
    """The system would not start it."""
    STOPPED = "stopped"
    """We asked for it."""
    RESTARTED = "restarted"
    """We asked for it, to have a fresh process in its place."""
    RECYCLED = "recycled"
    """As `RESTARTED`, because it had grown too old or too large."""

    @property
    def is_planned(self) -> bool:
        """Whether it was our doing: nobody counts it or pauses for it."""
        return self in _PLANNED


_PLANNED: Final = frozenset({Cause.STOPPED, Cause.RESTARTED, Cause.RECYCLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitReason:
    """How a process ended: an exit code or else a signal, and for a start that failed neither."""

    cause: Cause
    code: int | None = None
    signal: int | None = None
    was_ready: bool = False


class Death(msgspec.Struct, frozen=True, kw_only=True):
    """A process that is no more, or could not be started."""

    pid: int | None
    exit_reason: ExitReason
    lived_s: float
    peak_rss_kb: int | None
    doing: str
    next: State
    again_in_s: float | None
    counted: int
    last_beat: Heartbeat | None


class RestartDecision(Enum):
    """What to do about an exit."""

    RESTART = "restart"
    """Pause, start again; after too many in too short a time it has failed."""
    KEEP_TRYING = "keep trying"
    """Pause, start again, however often: what it lacks will come back."""
    FAIL = "fail"
    """Another start would end the same way."""
    FINISH = "finish"
    """It ended as it should: nothing follows."""


_BY_EXIT_CODE: Final = {
    EXIT_TRY_LATER: RestartDecision.KEEP_TRYING,
    EXIT_KEY_REFUSED: RestartDecision.FAIL,
    EXIT_CONFIG: RestartDecision.FAIL,
}


def decision_by_exit_code(code: int | None) -> RestartDecision:
    """What to do about a failure with this exit code: of a process, or of an error (`tasks.errors.exit_code`)."""
    return RestartDecision.RESTART if code is None else _BY_EXIT_CODE.get(code, RestartDecision.RESTART)


def restart_decision(exit_reason: ExitReason, restart_type: RestartType) -> RestartDecision:
    """What follows from `exit_reason` for a child of that restart type.

    A child that exits 0 before it was ready has failed to start.
    """
    if exit_reason.cause.is_planned:
        return RestartDecision.FINISH
    if exit_reason.cause is not Cause.EXIT:
        return RestartDecision.RESTART
    ended_well = exit_reason.code == EXIT_OK and exit_reason.was_ready
    if ended_well and restart_type is RestartType.TRANSIENT:
        return RestartDecision.FINISH
    return decision_by_exit_code(exit_reason.code)


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartHistory:
    """What is remembered of a child's deaths.

    Attributes:
        in_a_row: deaths since it was last in service long enough; the one that ended that service is none of them.
        counted_ns: times of the deaths that count, oldest first, none older than the period.
        total: deaths that led to a restart, for people.
    """

    in_a_row: int = 0
    counted_ns: tuple[int, ...] = ()
    total: int = 0

    def reset(self) -> RestartHistory:
        """The same with no death that counts and the shortest pause; the deaths stay in the total."""
        return RestartHistory(total=self.total)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What follows from a death: the event for the state machine, and the history after it."""

    event: Event
    history: RestartHistory


def judge(
    history: RestartHistory, policy: Policy, decision: RestartDecision, *, now_ns: int, ran_s: float
) -> Judgement:
    """What follows from a death at `now_ns` of a child that was in service for `ran_s` seconds.

    A death exactly `period_s` ago no longer counts. One that ends a long service is no sign of a loop: it is followed
    by a start without a pause, and the next by the first pause.
    """
    if decision is RestartDecision.FINISH:
        return Judgement(event=Event.DIED_DONE, history=history)
    since_ns = now_ns - round(policy.period_s * NS_PER_S)
    counted = tuple(at for at in history.counted_ns if at > since_ns)
    if decision is RestartDecision.RESTART:
        counted = (*counted, now_ns)
    in_a_row = 0 if ran_s >= policy.stable_s else history.in_a_row + 1
    after = RestartHistory(in_a_row=in_a_row, counted_ns=counted, total=history.total + 1)
    if decision is RestartDecision.FAIL or len(counted) > policy.max_restarts:
        return Judgement(event=Event.DIED_FAILED, history=after)
    return Judgement(event=Event.DIED_RETRY, history=after)


def pause_s(in_a_row: int, policy: Policy, spread: float) -> float:
    """Seconds to wait after the `in_a_row`-th death; `spread` in [-1, 1] spreads it by the jitter.

    After none, between nothing and the jitter of the first: what died together does not come back in step.
    """
    if in_a_row == 0:
        return policy.first_s * policy.jitter * (1 + spread) / 2
    doublings = min(in_a_row - 1, 32)
    return min(policy.cap_s, policy.first_s * 2.0**doublings) * (1 + policy.jitter * spread)
