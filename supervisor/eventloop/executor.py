"""Does work that may block in a thread, and brings its outcome back into the loop.

A stopped process may hold the ledger's lock, and a database may be slow: neither may block the loop. An error that
nobody expected is raised in the loop and ends it, as if the work had been done there.
"""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Generic, NoReturn, TypeVar

from ledger import LedgerError
from tasks.errors import Error

if TYPE_CHECKING:
    from collections.abc import Callable

    from supervisor.eventloop.loop import Loop

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Succeeded(Generic[T]):
    """The work was done, with this value."""

    value: T


@dataclass(frozen=True, slots=True)
class Failed:
    """The work ended with an error of this program or of the system."""

    error: Error | LedgerError | OSError


class BackgroundExecutor:
    """Owns a thread that does one piece of work after another. It never keeps the process from ending."""

    def __init__(self, loop: Loop, name: str) -> None:
        self._loop = loop
        self._tasks: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    def do(self, work: Callable[[], T], then: Callable[[Succeeded[T] | Failed], object]) -> None:
        """Do `work` in the thread, then call `then` with its outcome in the loop."""

        def task() -> None:
            try:
                outcome: Succeeded[T] | Failed = Succeeded(work())
            except (Error, LedgerError, OSError) as error:
                outcome = Failed(error)
            except Exception as error:  # noqa: BLE001 - it is raised again in the loop
                self._loop.call(partial(_raise, error))
                return
            self._loop.call(lambda: then(outcome))

        self._tasks.put(task)

    def close(self, timeout_s: float) -> bool:
        """Take no more work; whether all of it was done within `timeout_s` seconds."""
        self._tasks.put(None)
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _serve(self) -> None:
        while (task := self._tasks.get()) is not None:
            task()


def _raise(error: Exception) -> NoReturn:
    raise error
