"""Runs what cannot be interrupted, such as the look-up of a name that takes half a minute, so that a stop is noticed.

A thread does the work, and the caller looks for a stop while it waits. A thread that is left behind ends with the
process.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

LOOK_S: Final = 0.05  # seconds between two looks for a stop
GRACE_LOOKS: Final = 14  # after the stop: work that takes its usual time is still waited for


def run_interruptible(work: Callable[[], T], is_stopped: Callable[[], bool], stopped: Exception) -> T:
    """Return what `work` returns, or raise what it raises; raise `stopped` within a second of a stop."""
    results: list[T] = []
    errors: list[BaseException] = []
    is_over = threading.Event()

    def do() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001 - it is raised in the thread that waits
            errors.append(error)
        is_over.set()

    threading.Thread(target=do, name="interruptible", daemon=True).start()
    looks = 0
    while not is_over.wait(LOOK_S):
        looks += is_stopped()
        if looks > GRACE_LOOKS:
            raise stopped
    if errors:
        raise errors[0]
    return results[0]
