"""The record of every call: what it was thought to cost, what it cost, and what it gave."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

    from tasks.store.connection import Connection

_INSERT: Final = """
INSERT INTO calls
    (at, tier, endpoint, shape, items, estimate, cost, balance, status, duration_s, waited_s, worker, rows)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call to the API.

    Attributes:
        at: when its reply came, or when it was given up.
        tier: who paid; empty for a free look at the balance.
        shape: the name under which its cost is learned.
        items: what was asked for: pages or ASINs.
        estimate: tokens reserved.
        cost: tokens charged; None when the answer got lost.
        balance: tokens left after it, None when the reply did not say.
        status: HTTP status, None without a reply.
        duration_s: seconds from the first byte sent to the last received.
        waited_s: seconds spent waiting for the tokens.
        worker: role and slot.
        rows: rows written from its reply.
    """

    at: datetime
    tier: str
    endpoint: str
    shape: str
    items: int
    estimate: int
    cost: int | None
    balance: int | None
    status: int | None
    duration_s: float
    waited_s: float
    worker: str
    rows: int


def record(conn: Connection, call: Call) -> None:
    """Write the call down, in the caller's transaction."""
    conn.execute(_INSERT, astuple(call))
