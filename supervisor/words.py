"""Numbers and endings in the words of people."""

from __future__ import annotations

import signal as signals
from typing import TYPE_CHECKING, Final

from supervisor.restart import Cause
from tasks.errors import EXIT_BUG, EXIT_CONFIG, EXIT_OK, EXIT_REFUSED, EXIT_TRY_LATER

if TYPE_CHECKING:
    from supervisor.restart import Ending

_MINUTE_S: Final = 60
_HOUR_S: Final = 3600


def span(seconds: float) -> str:
    """A length of time: 5 s, 2 min 5 s, 3 h 12 min."""
    whole = round(max(0.0, seconds))
    if whole < _MINUTE_S:
        return f"{whole} s"
    if whole < _HOUR_S:
        return f"{whole // _MINUTE_S} min {whole % _MINUTE_S} s"
    return f"{whole // _HOUR_S} h {whole % _HOUR_S // _MINUTE_S} min"


_CODES: Final = {
    EXIT_OK: "ended",
    EXIT_TRY_LATER: "something it needs is away, it will be tried again",
    EXIT_REFUSED: "refused by the API",
    EXIT_CONFIG: "configuration",
    EXIT_BUG: "a bug, see its traceback",
}


def describe(ending: Ending) -> str:
    """The ending in words, for a log line and for `status`."""
    if ending.cause.is_planned and ending.signal is None:
        return f"{ending.cause.value}, exit {ending.code}"
    if ending.signal is not None:
        name = signal_name(ending.signal)
        unasked = ending.cause is Cause.SIGNAL and ending.signal == signals.SIGKILL
        return f"killed by {name}, out of memory?" if unasked else f"killed by {name}"
    if ending.code is None:
        return "could not be started"
    words = _CODES.get(ending.code)
    return f"exit {ending.code}" if words is None else f"exit {ending.code}: {words}"


def signal_name(number: int) -> str:
    """`SIGKILL` for 9; a number without a name as it is."""
    try:
        return signals.Signals(number).name
    except ValueError:
        return f"signal {number}"
