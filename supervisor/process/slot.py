"""Runs the process of one slot of the tree: performs what the state machine asks for.

Everything that happens to a child arrives here as an event: what it reports, its death, a time limit. The listener is
called with what others must know.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Final, Protocol

from ledger import NS_PER_S, SystemClock
from supervisor.process.child import spawn
from supervisor.process.child_pipes import Pipes
from supervisor.process.conditions import ConditionFrom, conditions_of_child
from supervisor.process.heartbeat import Heartbeat, hung_at_ns, says_something_new
from supervisor.process.restart_policy import Cause, Death, ExitReason, RestartHistory, judge, pause_s, restart_decision
from supervisor.process.states import RESTING, Action, Event, State, step
from tasks.errors import ConfigError, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from supervisor.eventloop.loop import Loop, Timer
    from supervisor.process.child import Child, Launch
    from supervisor.process.child_pipes import Announcement
    from supervisor.process.conditions import ReportedCondition
    from supervisor.process.spec import Spec

_SIGNALS: Final = {Action.TERM: signal.SIGTERM, Action.ABORT: signal.SIGABRT, Action.KILL: signal.SIGKILL}


class SlotListener(Protocol):
    """Who is called: the tree that owns the slot. Nothing here may block."""

    def on_ready(self, slot: Slot, announcement: Announcement) -> None:
        """The child is in service."""

    def on_death(self, slot: Slot, death: Death) -> None:
        """A process ended, or could not be started; `slot` is already in its next state."""

    def on_change(self, slot: Slot) -> None:
        """Its state is new."""

    def on_heartbeat(self, slot: Slot) -> None:
        """The child reported what it is doing."""

    def on_line(self, slot: Slot, line: str) -> None:
        """The child wrote a line."""

    def on_action(self, slot: Slot, what: str, fields: Mapping[str, object]) -> None:
        """Something is done to the child that people want to know of."""


class Slot:
    """A slot of the tree, and the process that fills it."""

    def __init__(
        self, spec: Spec, launch: Launch, *, loop: Loop, listener: SlotListener, draw_spread: Callable[[], float]
    ) -> None:
        self.spec = spec
        self.launch = launch
        self.state = State.WAITING
        self.history = RestartHistory()
        self.beat: Heartbeat | None = None
        self.beat_ns = 0
        self.inherited_conditions: tuple[ReportedCondition, ...] = ()
        self.next_start_ns: int | None = None
        self.started_ns: int | None = None
        self.ready_ns: int | None = None
        self.launched: Launch | None = None  # as its present process was
        self._loop = loop
        self._listener = listener
        self._draw_spread = draw_spread
        self._ledger_clock = SystemClock()
        self._child: Child | None = None
        self._pipes: Pipes | None = None
        self._timers: list[Timer] = []
        self._hung_at_ns = 0
        self._kill_cause: Cause | None = None
        self._planned_cause = Cause.RESTARTED
        self._actions: Final[dict[Action, Callable[[], None]]] = {
            Action.SPAWN: self._spawn,
            Action.TERM: lambda: self._signal(Action.TERM),
            Action.ABORT: lambda: self._signal(Action.ABORT),
            Action.KILL: lambda: self._signal(Action.KILL),
            Action.WATCH_READY: lambda: self._set_limit(self.spec.ready_s, Event.LATE),
            Action.WATCH_BEATS: self._watch_beats,
            Action.WATCH_STOP: lambda: self._set_limit(self.spec.stop_s, Event.GRACE_OVER),
            Action.WATCH_GRACE: lambda: self._set_limit(self.spec.grace_s, Event.GRACE_OVER),
            Action.PAUSE: self._pause,
            Action.CANCEL_LIMITS: self._cancel_limits,
        }

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return None if self._child is None else self._child.pid

    @property
    def due_ns(self) -> int | None:
        """When it counts as hung unless it reports something new before; None while nobody waits for that."""
        return self._hung_at_ns if self.state is State.RUNNING and self.spec.hang_s is not None else None

    @property
    def doing(self) -> str:
        """What the child last reported it was doing, for people."""
        if self.beat is None:
            return self.state.value
        return f"{self.beat.phase}: {self.beat.detail}" if self.beat.detail else self.beat.phase

    def conditions(self, now_ns: int) -> list[ConditionFrom]:
        """What keeps it from its work, as its process reports or the one before it did."""
        if self.state in RESTING:
            return []
        reported, progress = ((), 0) if self.beat is None else (self.beat.conditions, self.beat.progress)
        served_s = None if self.state is not State.RUNNING else (now_ns - (self.ready_ns or now_ns)) / NS_PER_S
        return [
            ConditionFrom(self.spec.name, one)
            for one in conditions_of_child(reported, self.inherited_conditions, progress=progress, served_s=served_s)
        ]

    @property
    def is_outdated(self) -> bool:
        """Whether its process was started in another way than the next one will be."""
        return self.launched is not None and self.launched is not self.launch

    def restart(self, cause: Cause) -> None:
        """Start a fresh process, whatever the present one does; `cause` is recorded as why that one ended."""
        self._planned_cause = cause
        self.feed(Event.RESTART)

    def feed(self, event: Event) -> None:
        """Take the step that `event` leads to, with its actions."""
        before = self.state
        self.state, actions = step(before, event)
        for action in actions:
            self._actions[action]()
        if self.state is not before:
            self._listener.on_change(self)

    def on_ready_line(self, announcement: Announcement) -> None:
        """Enter service when the child first reports that it is ready."""
        if self.state is State.STARTING:
            self.ready_ns = self._loop.now_ns()
            self.feed(Event.READY)
            self._listener.on_ready(self, announcement)

    def on_heartbeat_line(self, beat: Heartbeat) -> None:
        """Keep what the child reports, and put off the moment when it counts as hung."""
        if self.spec.hang_s is not None and says_something_new(beat, self.beat):
            now_ns, ledger_now_ns = self._loop.now_ns(), self._ledger_clock.now_ns()
            self._hung_at_ns = hung_at_ns(beat, now_ns=now_ns, ledger_now_ns=ledger_now_ns, hang_s=self.spec.hang_s)
        self.beat, self.beat_ns = beat, self._loop.now_ns()
        kinds = {one.kind for one in beat.conditions}
        self.inherited_conditions = tuple(one for one in self.inherited_conditions if one.kind not in kinds)
        self._listener.on_heartbeat(self)

    def on_output_line(self, line: str) -> None:
        """Pass a line of output on."""
        self._listener.on_line(self, line)

    def on_unreadable_line(self, what: str, **fields: object) -> None:
        """Report that something it wrote was dropped."""
        self._listener.on_action(self, what, fields)

    def _spawn(self) -> None:
        self.started_ns = self._loop.now_ns()
        self.ready_ns, self.beat, self._kill_cause = None, None, None
        self.launched = self.launch
        try:
            child = spawn(self.launch, self.spec.pass_fds)
        except (OSError, ConfigError) as error:
            # Judged from the loop, when the transition that led here is complete.
            reason = plain(error)
            self._loop.call(lambda: self._was_not_started(reason))
            return
        self._child = child
        self._pipes = Pipes(child, self._loop, self)
        self._loop.watch(child.pidfd, self._reap)

    def _was_not_started(self, reason: str) -> None:
        self._listener.on_action(self, "not_started", {"reason": reason})
        self._judge(ExitReason(cause=Cause.NOT_STARTED), None, None)

    def _signal(self, action: Action) -> None:
        number = _SIGNALS[action]
        if action is Action.ABORT:
            self._kill_cause = Cause.NOT_READY if self.ready_ns is None else Cause.HUNG
        if action is not Action.TERM:
            self._listener.on_action(self, "signalled", {"signal": number.name, "doing": self.doing})
        if self._child is not None:
            self._child.send(number)

    def _set_limit(self, seconds: float, event: Event) -> None:
        self._timers.append(self._loop.allow(seconds, lambda: self.feed(event)))

    def _pause(self) -> None:
        seconds = pause_s(self.history.in_a_row, self.spec.policy, self._draw_spread())
        self.next_start_ns = self._loop.now_ns() + round(seconds * NS_PER_S)
        self._timers.append(self._loop.after(seconds, lambda: self.feed(Event.START)))

    def _cancel_limits(self) -> None:
        self.next_start_ns = None
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def _watch_beats(self) -> None:
        if self.spec.hang_s is not None:
            self._hung_at_ns = self._loop.now_ns() + round(self.spec.hang_s * NS_PER_S)
            self._timers.append(self._loop.allow(self.spec.hang_s, self._check_for_hang))

    def use_spec(self, spec: Spec) -> None:
        """Go by other limits from now on; a worker's silence so far counts by the new one too."""
        before, self.spec = self.spec.hang_s, spec
        if self.state is State.RUNNING and before is not None and spec.hang_s not in {None, before}:
            self._hung_at_ns += round((spec.hang_s - before) * NS_PER_S)
            self._cancel_limits()  # the one there is, which waits for the moment by the limit of before
            self._timers = [self._loop.allow(0.0, self._check_for_hang)]

    def _check_for_hang(self) -> None:
        # One timer that checks again when the time has moved on, instead of one set and dropped with each beat.
        left_ns = self._hung_at_ns - self._loop.now_ns()
        if left_ns > 0:
            self._timers = [self._loop.allow(left_ns / NS_PER_S, self._check_for_hang)]
        else:
            self.feed(Event.HUNG)

    def _reap(self) -> None:
        child, pipes = self._child, self._pipes
        end = None if child is None else child.reap()
        if child is None or pipes is None or end is None:
            return
        pipes.read_last_lines()
        pipes.close()
        self._loop.forget(child.pidfd)
        child.close()
        self._child, self._pipes, self.launched = None, None, None
        cause = self._kill_cause or (Cause.EXIT if end.signal is None else Cause.SIGNAL)
        if self.state in {State.STOPPING, State.ENDING}:
            cause = Cause.STOPPED
        elif self.state in {State.RESTARTING, State.CLEARING}:
            cause = self._planned_cause
        was_ready = self.ready_ns is not None
        exit_reason = ExitReason(cause=cause, code=end.code, signal=end.signal, was_ready=was_ready)
        self._judge(exit_reason, child.pid, end.peak_rss_kb)

    def _judge(self, exit_reason: ExitReason, pid: int | None, peak_rss_kb: int | None) -> None:
        now_ns = self._loop.now_ns()
        ran_s = 0.0 if self.ready_ns is None else (now_ns - self.ready_ns) / NS_PER_S
        lived_s = 0.0 if self.started_ns is None else (now_ns - self.started_ns) / NS_PER_S
        decision = restart_decision(exit_reason, self.spec.restart_type)
        judgement = judge(self.history, self.spec.policy, decision, now_ns=now_ns, ran_s=ran_s)
        self.history = judgement.history
        doing, last_beat = self.doing, self.beat
        self.inherited_conditions = tuple(one.condition for one in self.conditions(now_ns))
        # What it counted is kept in the death; another process may start at once.
        self.beat, self.started_ns = None, None
        self.feed(judgement.event)
        death = Death(
            pid=pid,
            exit_reason=exit_reason,
            lived_s=round(lived_s, 3),
            peak_rss_kb=peak_rss_kb,
            doing=doing,
            next=self.state,
            again_in_s=None if self.next_start_ns is None else round((self.next_start_ns - now_ns) / NS_PER_S, 1),
            counted=len(self.history.counted_ns),
            last_beat=last_beat,
        )
        self._listener.on_death(self, death)
