"""What several sentences share: names, what a worker does, and how a process ended, in words. Pure."""

from __future__ import annotations

import re
import signal as signals
from typing import TYPE_CHECKING, Final

from ledger.durations import format_duration
from supervisor.process.restart_policy import Cause
from tasks.errors import EXIT_BUG, EXIT_CONFIG, EXIT_KEY_REFUSED, EXIT_OK, EXIT_TRY_LATER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from supervisor.process.restart_policy import ExitReason

AGAIN: Final = "; next attempt "  # and when: the part of a sentence that differs each time
_FEW: Final = 3  # names


def name_range(names: Sequence[str]) -> str:
    """Write names that follow one another in as few words as a line has room for: the first and the last of many."""
    return ", ".join(names) if len(names) <= _FEW else f"{len(names)} from {names[0]} to {names[-1]}"


_PHASES: Final = {
    "waiting_tokens": "waiting for tokens",
    "waiting_poll": "waiting for the next poll",
    "waiting_work": "waiting for work",
    "replaying": "reading replies from the spool",
}
_ASKED: Final = re.compile(r"\w+ waits for (\d+ tokens) \(\w+\)")  # as a worker writes it, its own name first

_CALL: Final = re.compile(r"(/\w+) (?:\w+:)?([\w+]+) x(\d+)")  # endpoint, what is asked for, of how many


def describe_activity(phase: str, detail: str) -> str:
    """Say what a worker does: `calling /deal`, `waiting for 20 tokens`."""
    asked = _ASKED.fullmatch(detail)
    if asked is not None:
        return f"waiting for {asked[1]}"
    call = _CALL.fullmatch(detail)
    if phase == "calling" and call is not None:
        products = f" for {call[3]} product{'' if call[3] == '1' else 's'} ({call[2]})"
        return f"calling {call[1]}{products if call[1] == '/product' else ''}"
    words = _PHASES.get(phase)
    if words is None:
        return f"{phase.replace('_', ' ')} {detail}".rstrip()
    return f"{words}, {detail}" if detail else words


def describe_life(seconds: float, doing: str) -> str:
    """Say how long a process had run and, if that is known, what it did."""
    return f"it had run for {format_duration(seconds)}" + (f" and was {describe_doing(doing)}" if doing else "")


def describe_doing(doing: str) -> str:
    """Say what a worker does, from its phase and the detail in one text: `calling: /deal`."""
    phase, _, detail = doing.partition(": ")
    return describe_activity(phase, detail)


def name_of(role: object, slot: object) -> str:
    """Name whom a line is of: a worker by its name, several of one role by the role, and else the supervisor."""
    if role is None:
        return "supervisor"
    return f"{role}" if slot is None else f"{role}-{slot}"


_CODES: Final = {
    EXIT_OK: "ended by itself",
    EXIT_TRY_LATER: "ended because something it needs is unavailable",
    EXIT_KEY_REFUSED: "ended because the API refuses the key",
    EXIT_CONFIG: "ended because the configuration cannot be used",
    EXIT_BUG: "ended because of a bug; the log has its traceback",
}
_PLANNED: Final = {
    Cause.STOPPED: "ended as asked",
    Cause.RESTARTED: "ended as asked, to be replaced",
    Cause.RECYCLED: "ended to be replaced, as it had grown old or large",
}
_UNWELL: Final = {
    Cause.HUNG: "sent no heartbeat and was ended",
    Cause.NOT_READY: "was not ready in time and was ended",
    Cause.NOT_STARTED: "could not be started",
}


def describe_exit(ending: ExitReason) -> str:
    """Say why a process ended, for a log line and for `status`."""
    by = "" if ending.signal is None else signal_name(ending.signal)
    known = _PLANNED.get(ending.cause) or _UNWELL.get(ending.cause)
    if known is not None:
        return f"{known}, by {by}" if by else known
    if by:
        sender = ", sent by somebody or by a system short of memory" if ending.signal == signals.SIGKILL else ""
        return f"killed by {by}{sender}"
    words = _CODES.get(ending.code) if ending.code is not None else "could not be started"
    return f"ended with exit code {ending.code}" if words is None else words


def signal_name(number: int) -> str:
    """Name a signal: `SIGKILL` for 9; `signal 99` for one that has no name."""
    try:
        return signals.Signals(number).name
    except ValueError:
        return f"signal {number}"
