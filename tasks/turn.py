"""Taking turns: one worker at a time walks through a selection.

The database holds a turn for as long as the connection that took it lives, so a killed worker's turn is free at once
and no flag outlives its process. For the same reason nobody may remember having a turn: the connection may be lost
without its owner's knowing, and the turn with it. It is taken anew before each thing that only its holder may do.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tasks.store.connection import Connection


def take(connection: Connection, name: str) -> bool:
    """Whether the turn called `name` is this connection's, now or already; never waits."""
    # Taking it again only counts: nothing but the connection's end gives it back.
    taken = connection.execute("select pg_try_advisory_lock(%s)", (_number(name),)).fetchone()
    return taken is not None and bool(taken[0])


def _number(name: str) -> int:
    """The signed 64-bit number of a turn; two names share one by accident once in 2^64."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big", signed=True)
