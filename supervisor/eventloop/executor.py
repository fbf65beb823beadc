"""Work that may block, done beside the loop; its outcome comes back into the loop.

A ledger's lock may be held by a stopped process, a database may take its time: neither may hold the loop. An error
nobody expected is raised in the loop and ends it, as it would have if the work had been done there.
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
    """The work was done."""

    value: T


@dataclass(frozen=True, slots=True)
class Failed:
    """The work ended with an error of ours or of the system's."""

    error: Error | LedgerError | OSError


class BackgroundExecutor:
    """One thread that does one thing after another. It never keeps the process from ending."""

    def __init__(self, loop: Loop, name: str) -> None:
        self._loop = loop
        self._waiting: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    def do(self, work: Callable[[], T], then: Callable[[Succeeded[T] | Failed], object]) -> None:
        """Do `work` in the thread, then call `then` with its outcome in the loop."""

        def one() -> None:
            try:
                outcome: Succeeded[T] | Failed = Succeeded(work())
            except (Error, LedgerError, OSError) as error:
                outcome = Failed(error)
            except Exception as error:  # noqa: BLE001 - it is only taken to where it is heard
                self._loop.call(partial(_raise, error))
                return
            self._loop.call(lambda: then(outcome))

        self._waiting.put(one)

    def close(self, timeout_s: float) -> bool:
        """Whether everything asked for was done within `timeout_s`; nothing more is taken."""
        self._waiting.put(None)
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _serve(self) -> None:
        while (one := self._waiting.get()) is not None:
            one()


def _raise(error: Exception) -> NoReturn:
    raise error
