"""Doing what hears no stop without becoming deaf oneself: looking up a name, connecting, may take half a minute.

So a thread does it, and the one who waits looks up now and then. A thread that is left behind ends with the process.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

LOOK_S: Final = 0.05
GRACE_LOOKS: Final = 14  # after the stop: what takes its usual time is still waited for


def run_interruptible(work: Callable[[], T], is_stopped: Callable[[], bool], stopped: Exception) -> T:
    """What `work` returns, done in a thread; `stopped` is raised within a second of a stop. Raises what `work` does."""
    results: list[T] = []
    errors: list[BaseException] = []
    is_over = threading.Event()

    def do() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001 - it is only taken to where it is heard
            errors.append(error)
        is_over.set()

    threading.Thread(target=do, name="unheard", daemon=True).start()
    looks = 0
    while not is_over.wait(LOOK_S):
        looks += is_stopped()
        if looks > GRACE_LOOKS:
            raise stopped
    if errors:
        raise errors[0]
    return results[0]
