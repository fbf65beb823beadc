"""Every operation that changes the book, each with what must be there before it.

All is determined: the same clock, the same numbers. So a run that is killed can be compared with one that is not.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from ledger.errors import NeedsReading
from ledger.model.tiers import DEFAULT_TIERS
from ledger.types import Reading, Shape

if TYPE_CHECKING:
    from collections.abc import Callable

    from ledger.clock import ManualClock
    from ledger.lease import Lease
    from ledger.ledger import TokenLedger

START_NS: Final = 10**15
TICK_MS: Final = 60_200
SERVER_MS: Final = 1_700_000_000_000
BALANCE: Final = 200
RATE: Final = 5
_DETAILS: Final = Shape(name="details", items=10, prior=2.0)
_ADJUSTED: Final = tuple(replace(tier, floor=tier.floor + 1) for tier in DEFAULT_TIERS)


class Stage:
    """A ledger just opened with 200 tokens on a plan of 5 a minute, and its clock."""

    def __init__(self, ledger: TokenLedger, clock: ManualClock) -> None:
        self.ledger = ledger
        self.clock = clock

    def reading(self, left: int, *, rate: int = RATE) -> Reading:
        """What the server says now."""
        passed_ms = (self.clock.now_ns() - START_NS) // 1_000_000
        return Reading(left, rate, TICK_MS - passed_ms % TICK_MS, SERVER_MS + passed_ms)

    def lease(self, cost: int = 20, *, shape: Shape | None = None) -> Lease:
        """A lease, which is to be had.

        Raises:
            TimedOut: it is not.
        """
        return self.ledger.reserve("upsert", cost, shape=shape, timeout_s=0)

    def sent(self, cost: int = 20, *, shape: Shape | None = None) -> Lease:
        """A lease whose request is on the wire."""
        lease = self.lease(cost, shape=shape)
        lease.commit()
        return lease


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An operation: `prepare` makes it possible and returns it, as something to call."""

    name: str
    prepare: Callable[[Stage], Callable[[], object]]


def _served(stage: Stage) -> Callable[[], object]:
    place = stage.ledger.place("backfill")
    place.poll(80)
    stage.clock.advance_s(60.2 * 7)
    return lambda: place.poll(80)


def _left(stage: Stage) -> Callable[[], object]:
    place = stage.ledger.place("backfill")
    place.poll(80)
    return place.leave


def _lapsed(stage: Stage) -> Callable[[], object]:
    idle, mine = stage.ledger.place("backfill"), stage.ledger.place("backfill")
    idle.poll(80)
    mine.poll(10)
    stage.clock.advance_s(60.2 * 7)
    mine.poll(10)  # from now on the idle one is seen to leave its open gate unused
    stage.clock.advance_s(6)
    return lambda: mine.poll(10)


def _resolved(stage: Stage) -> Callable[[], object]:
    child = os.fork()
    if not child:
        stage.sent(30)
        stage.lease(10)
        stage.ledger.place("backfill").poll(80)
        os._exit(0)
    os.waitpid(child, 0)
    return stage.ledger.resolve_dead


def _claimed(stage: Stage) -> Callable[[], object]:
    stage.sent().settle(None)

    def claim() -> None:
        try:
            stage.lease(1)
        except NeedsReading:
            return

    return claim


def _settled(stage: Stage) -> Callable[[], object]:
    lease = stage.sent(shape=_DETAILS)
    return lambda: lease.settle(17, stage.reading(BALANCE - 17))


def _refused(stage: Stage) -> Callable[[], object]:
    lease = stage.sent()
    return lambda: lease.settle(0, stage.reading(-3), refused=True)


def _lost(stage: Stage) -> Callable[[], object]:
    lease = stage.sent()
    return lambda: lease.settle(None)


CASES: Final = (
    Case(name="reserve", prepare=lambda stage: stage.lease),
    Case(name="reserve, new shape", prepare=lambda stage: lambda: stage.lease(shape=_DETAILS)),
    Case(name="join the queue", prepare=lambda stage: lambda: stage.ledger.place("backfill").poll(80)),
    Case(name="served from the queue", prepare=_served),
    Case(name="leave the queue", prepare=_left),
    Case(name="lapse of another", prepare=_lapsed),
    Case(name="commit", prepare=lambda stage: stage.lease().commit),
    Case(name="settle", prepare=_settled),
    Case(name="settle, refused", prepare=_refused),
    Case(name="settle, outcome unknown", prepare=_lost),
    Case(name="cancel", prepare=lambda stage: stage.lease().cancel),
    Case(name="claim a reading", prepare=_claimed),
    Case(name="observe", prepare=lambda stage: lambda: stage.ledger.observe(stage.reading(BALANCE - 1))),
    Case(name="observe, plan change", prepare=lambda stage: lambda: stage.ledger.observe(stage.reading(40, rate=20))),
    Case(name="resolve the dead", prepare=_resolved),
    Case(name="configure", prepare=lambda stage: lambda: stage.ledger.configure(_ADJUSTED, TICK_MS / 1000)),
)


def open_stage(ledger: TokenLedger, clock: ManualClock) -> Stage:
    """The stage of a fresh ledger, its first reading taken."""
    stage = Stage(ledger, clock)
    ledger.observe(stage.reading(BALANCE))
    return stage
