"""The states of a child with the one table that moves it between them, and the stages of a whole run.

`step` is pure and total: the slot that owns a child looks up what to do and does it, nothing more. A stop
leads from every state to a state of rest in at most three events (stop, grace over, died), and a state of rest is left
by an order alone. The stages of a run only follow each other: a run never goes back to an earlier one.
"""

from __future__ import annotations

from enum import Enum, IntEnum, auto
from typing import Final, NamedTuple


class State(Enum):
    """Where a child is in its life. Values are what `status` shows."""

    WAITING = "waiting"
    """Not started yet."""
    STARTING = "starting"
    """A process that has not reported that it is ready."""
    RUNNING = "running"
    ABORTING = "aborting"
    """Hung, or never ready: asked to print its stacks and end."""
    KILLING = "killing"
    """As `ABORTING`, and killed; what follows is a restart."""
    BACKOFF = "backoff"
    """Dead; a restart is due after a pause."""
    STOPPING = "stopping"
    """Asked to stop."""
    ENDING = "ending"
    """Killed because of a stop; nothing follows."""
    RESTARTING = "restarting"
    """Asked to stop; another process takes its place as soon as it has."""
    CLEARING = "clearing"
    """As `RESTARTING`, and killed."""
    STOPPED = "stopped"
    DONE = "done"
    """Ended well, and not needed again."""
    FAILED = "failed"
    """Not started again: too many deaths, or another start would end the same way."""


class Event(Enum):
    """What can happen to a child."""

    START = "start"
    READY = "ready"
    LATE = "late"
    """Not ready in time."""
    HUNG = "hung"
    GRACE_OVER = "grace_over"
    STOP = "stop"
    KILL = "kill"
    """A stop that waits for nothing."""
    RESTART = "restart"
    """An order to have a fresh process now: planned, so nobody pauses for it or counts it."""
    REJOIN = "rejoin"
    """An order to start again, in the order in which workers start."""
    DIED_RETRY = "died_retry"
    DIED_FAILED = "died_failed"
    DIED_DONE = "died_done"


class Action(Enum):
    """What the owner of the child has to do."""

    SPAWN = "spawn"
    TERM = "term"
    ABORT = "abort"
    KILL = "kill"
    WATCH_READY = "watch_ready"
    """Start the time limit for being ready."""
    WATCH_BEATS = "watch_beats"
    """Start the time limit for silence."""
    WATCH_STOP = "watch_stop"
    """Start the time limit for a stop."""
    WATCH_GRACE = "watch_grace"
    """Start the time limit for printing stacks."""
    PAUSE = "pause"
    """Start the pause before a restart."""
    CANCEL_LIMITS = "cancel limits"
    """Drop every time limit that runs."""


class Step(NamedTuple):
    """Where an event leads, and what is to be done on the way."""

    state: State
    actions: tuple[Action, ...] = ()


RESTING: Final = frozenset({State.STOPPED, State.DONE, State.FAILED})
DEATHS: Final = (Event.DIED_RETRY, Event.DIED_FAILED, Event.DIED_DONE)

_GO = Step(State.STARTING, (Action.SPAWN, Action.WATCH_READY))
_TERM = Step(State.STOPPING, (Action.CANCEL_LIMITS, Action.TERM, Action.WATCH_STOP))
_END = Step(State.ENDING, (Action.CANCEL_LIMITS, Action.KILL))
_REST = Step(State.STOPPED, (Action.CANCEL_LIMITS,))
_ABORT = Step(State.ABORTING, (Action.CANCEL_LIMITS, Action.ABORT, Action.WATCH_GRACE))
_JUDGED: Final = {
    Event.DIED_RETRY: Step(State.BACKOFF, (Action.CANCEL_LIMITS, Action.PAUSE)),
    Event.DIED_FAILED: Step(State.FAILED, (Action.CANCEL_LIMITS,)),
    Event.DIED_DONE: Step(State.DONE, (Action.CANCEL_LIMITS,)),
}
_ENDED: Final = dict.fromkeys(DEATHS, _REST)
_AGAIN = Step(State.RESTARTING, (Action.CANCEL_LIMITS, Action.TERM, Action.WATCH_STOP))
_RENEWED = Step(State.STARTING, (Action.CANCEL_LIMITS, *_GO.actions))
_RENEWS: Final = dict.fromkeys(DEATHS, _RENEWED)
_RETURNS: Final = {Event.RESTART: _RENEWED, Event.REJOIN: Step(State.WAITING)}

# Only what changes something; every other pair leaves the state as it is, with nothing to do. A death in a
# state without a process cannot happen, but is harmless if it does. A child that hangs is restarted anyway: an order
# to do so must not make its death a planned one.
_CHANGES: Final[dict[State, dict[Event, Step]]] = {
    State.WAITING: {Event.START: _GO, Event.STOP: _REST, Event.KILL: _REST},
    State.STARTING: {
        Event.READY: Step(State.RUNNING, (Action.CANCEL_LIMITS, Action.WATCH_BEATS)),
        Event.LATE: _ABORT,
        Event.STOP: _TERM,
        Event.KILL: _END,
        Event.RESTART: _AGAIN,
        **_JUDGED,
    },
    State.RUNNING: {
        Event.HUNG: _ABORT,
        Event.STOP: _TERM,
        Event.KILL: _END,
        Event.RESTART: _AGAIN,
        **_JUDGED,
    },
    State.ABORTING: {
        Event.GRACE_OVER: Step(State.KILLING, (Action.KILL,)),
        Event.STOP: _END,
        Event.KILL: _END,
        **_JUDGED,
    },
    State.KILLING: {Event.STOP: Step(State.ENDING), Event.KILL: Step(State.ENDING), **_JUDGED},
    State.BACKOFF: {
        Event.START: _RENEWED,
        Event.RESTART: _RENEWED,
        Event.STOP: _REST,
        Event.KILL: _REST,
    },
    State.STOPPING: {
        Event.GRACE_OVER: _END,
        Event.KILL: _END,
        Event.RESTART: Step(State.RESTARTING),
        Event.REJOIN: Step(State.RESTARTING),
        **_ENDED,
    },
    State.ENDING: {Event.RESTART: Step(State.CLEARING), Event.REJOIN: Step(State.CLEARING), **_ENDED},
    State.RESTARTING: {
        Event.GRACE_OVER: Step(State.CLEARING, (Action.CANCEL_LIMITS, Action.KILL)),
        Event.STOP: Step(State.STOPPING),
        Event.KILL: _END,
        **_RENEWS,
    },
    State.CLEARING: {Event.STOP: Step(State.ENDING), Event.KILL: Step(State.ENDING), **_RENEWS},
    State.STOPPED: {**_RETURNS},
    State.DONE: {**_RETURNS},
    State.FAILED: {**_RETURNS},
}

TABLE: Final[dict[tuple[State, Event], Step]] = {
    (state, event): _CHANGES[state].get(event, Step(state)) for state in State for event in Event
}


def step(state: State, event: Event) -> Step:
    """The state `event` leads to from `state`, and the actions on the way, in order."""
    return TABLE[state, event]


class Stage(IntEnum):
    """Where the run is."""

    PREPARING = auto()
    WORKING = auto()
    STOPPING_WORKERS = auto()
    STOPPING_DATABASE = auto()
    STOPPING_SERVICES = auto()
    OVER = auto()

    @property
    def words(self) -> str:
        """The state of the supervisor as `status` shows it."""
        names = {Stage.PREPARING: "starting", Stage.WORKING: "running", Stage.OVER: "stopped"}
        return names.get(self, "stopping")
