"""The one retry policy: what may pass is tried again, further and further apart, until patience or the process ends.

Time spent waiting for tokens is not time spent failing: only failed attempts and the pauses between them use up the
patience. A stop ends the pauses at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import tenacity
from tenacity.stop import stop_base

if TYPE_CHECKING:
    from collections.abc import Callable

    from tasks.stop import StopFlag

FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 30.0  # full jitter below this keeps a fleet of workers from coming back in step


class Patience:
    """Seconds of failure that are borne before the error is let through."""

    def __init__(self, deadline_s: float) -> None:
        self._left_s = deadline_s

    def spend(self, seconds: float) -> None:
        """Count a failed attempt or a pause of `seconds`."""
        self._left_s -= seconds

    def is_over(self, state: tenacity.RetryCallState) -> bool:
        """Whether the next pause would end after the deadline."""
        return self._left_s <= state.upcoming_sleep


class _Enough(stop_base):
    """When to let the error through."""

    def __init__(self, patience: Patience, stop: StopFlag) -> None:
        self._patience = patience
        self._stop = stop

    def __call__(self, retry_state: tenacity.RetryCallState) -> bool:
        return self._stop.is_set() or self._patience.is_over(retry_state)


def retrying(
    kind: type[BaseException],
    patience: Patience,
    stop: StopFlag,
    on_pause: Callable[[BaseException, float], None],
) -> tenacity.Retrying:
    """A caller that repeats a function while it raises `kind`, pausing with jitter; at last it raises the error itself.

    `on_pause` is told the error and the seconds of the pause before each of them.
    """

    def pause(seconds: float) -> None:
        stop.wait(seconds)
        patience.spend(seconds)

    def tell(state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome is not None else None
        if error is not None:
            on_pause(error, state.upcoming_sleep)

    return tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(kind),
        wait=tenacity.wait_random_exponential(multiplier=FIRST_PAUSE_S, max=LONGEST_PAUSE_S),
        stop=_Enough(patience, stop),
        sleep=pause,
        before_sleep=tell,
        reraise=True,
    )
