"""What a job is: an object that does one small step at a time, so that one process can take turns between several.

A step never blocks for a poll that is not due or a queue that is empty: it returns `Idle` with the time to come back.
It may block for tokens when its surroundings say so (`Site.blocking`), until the stop flag is set.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from ledger import Clock, TokenLedger
    from tasks.runtime.heartbeat import Beat, Phase
    from tasks.runtime.log import Logger
    from tasks.runtime.stop import StopFlag
    from tasks.settings import WorkerSettings

Role = Literal["upsert", "backfill"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
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
    def role(self) -> Role:
        """Which of the two."""

    def start(self) -> None:
        """Connect, check the schema, process what dead workers left. Done by the first step if not before."""

    def step(self) -> Progress | Idle:
        """Do one small thing: a page, a batch, a left-over reply."""

    def close(self) -> None:
        """Give back the connections."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Everything a job is given. `blocking`: whether a step may wait for tokens."""

    role: Role
    settings: WorkerSettings
    ledger: TokenLedger
    clock: Clock
    stop: StopFlag
    log: Logger
    beat: Beat
    blocking: bool
    worker: str


def build(  # noqa: PLR0913, PLR0917 - each part is one that whoever runs the jobs chooses
    role: Role,
    settings: WorkerSettings,
    ledger: TokenLedger,
    clock: Clock,
    stop: StopFlag,
    log: Logger,
    beat: Beat,
    *,
    blocking: bool = True,
    worker: str = "",
) -> Job:
    """The job of this role; no connection is opened before its `start` or first `step`.

    `worker` is its name in the table of calls and towards the database; the role if empty.

    Raises:
        ConfigError: a selection, the key or the base URL is not usable.
    """
    from tasks.jobs.backfill import Backfill
    from tasks.jobs.upsert import Upsert

    site = Site(
        role=role,
        settings=settings,
        ledger=ledger,
        clock=clock,
        stop=stop,
        log=log,
        beat=beat,
        blocking=blocking,
        worker=worker or role,
    )
    return Upsert(site) if role == "upsert" else Backfill(site)
