"""What a job is: an object that does one small step at a time, so that one process can take turns between several.

A step never blocks for a poll that is not due or a queue that is empty: it returns `Idle` with the time to come back.
It may block for tokens when its surroundings say so (`JobContext.blocking`), until the stop flag is set.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ledger.process import this_process

if TYPE_CHECKING:
    from ledger import Clock, TokenLedger
    from tasks.roles import Role
    from tasks.runtime.beat import Beat
    from tasks.runtime.heartbeat_writer import Phase
    from tasks.runtime.log import Logger
    from tasks.runtime.stop import StopFlag
    from tasks.settings import WorkerSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDone:
    """A step was done. `completes` says that a whole poll or batch ended with it."""

    completes: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Idle:
    """Nothing can be done now. `until_ns`: when to come back (ledger clock), None when no time is known.

    `is_held`: this request alone has to rest, and others need not wait for it.
    """

    until_ns: int | None
    phase: Phase
    why: str
    is_held: bool = False


class Job(Protocol):
    """One of the two jobs."""

    @property
    def context(self) -> JobContext:
        """What it was given."""

    def start(self) -> None:
        """Connect, check the schema, process what dead workers left. Done by the first step if not before."""

    def step(self) -> StepDone | Idle:
        """Do one small thing: a page, a batch, a left-over reply."""

    def ask(self) -> None:
        """Ask the server for the balance, which is free.

        Raises:
            Transient: it says nothing.
            Forbidden: it does not serve this key.
        """

    def close(self) -> None:
        """Give back the connections."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobContext:
    """Everything a job is given.

    Attributes:
        blocking: whether a step may wait for tokens.
        worker: its name in the table of calls and towards the database.
    """

    role: Role
    settings: WorkerSettings
    ledger: TokenLedger
    clock: Clock
    stop: StopFlag
    log: Logger
    beat: Beat
    blocking: bool
    worker: str


def owner_name(context: JobContext) -> str:
    """Who takes items: the worker, and its process and host so that others can tell when it is dead.

    Of a worker with several keys each is somebody else, so that two of them do not walk the same selection.
    """
    return _owner(context, context.settings.key_name)


def owner_names(context: JobContext) -> tuple[str, ...]:
    """The names of all keys of this worker."""
    keys = [key.name for key in context.settings.keys] or [context.settings.key_name]
    return tuple(_owner(context, key) for key in keys)


def _owner(context: JobContext, key: str) -> str:
    worker = f"{context.worker}/{key}" if context.settings.keys else context.worker
    return f"{worker}@{this_process(context.settings.host_id)}"
