"""One of the hosts that write to the same database, as reports have it."""

from __future__ import annotations

from datetime import datetime

import msgspec


class HostRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A host that writes to the same database. Its times are the database's.

    Attributes:
        number: by which the ledger's leases name it.
        ledger: where its ledger is, `file` or `database`; None when its build did not tell.
        state: `alive`, `draining` (it begins no more calls), `silent` (it counts as dead) or `left`.
        joined_at: since when it takes part.
        heard_at: when it said last that it is alive, and `silent_s` how many seconds ago that was.
        is_own: whether it is the host of this report.
        workers: how many worker processes it has.
        tokens_day: tokens that its calls of the last day cost.
    """

    number: int
    name: str
    version: str
    ledger: str | None
    state: str
    joined_at: datetime
    heard_at: datetime
    silent_s: float
    drain_at: datetime | None
    left_at: datetime | None
    is_own: bool
    workers: int
    tokens_day: int
