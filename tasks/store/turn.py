"""Taking turns: one worker at a time walks through a selection.

A turn is a lease in a row of the database. It lasts for as long as its owner says so, and is free at once when the
owner's process is dead and ran on this machine. Nobody may remember having a turn: while the database was away
another may have got it. It is taken anew before each thing that only its holder may do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ledger.process import is_dead
from tasks.store import stream_locks

if TYPE_CHECKING:
    from tasks.store.connection import Connection

# Renewed every half minute, also while nothing is due; a machine that went away keeps others waiting no longer.
LEASE_S: Final = 120.0


def take(connection: Connection, name: str, owner: str) -> bool:
    """Whether the turn called `name` is `owner`'s, now or already; never waits."""
    if stream_locks.take(connection, name, owner=owner, lease_s=LEASE_S):
        return True
    other = stream_locks.owner(connection, name)
    if other is None or not is_dead(other):
        return False
    stream_locks.leave(connection, name, other)
    return stream_locks.take(connection, name, owner=owner, lease_s=LEASE_S)


def keep(connection: Connection, owner: str) -> None:
    """Say that `owner` still wants the turns it has."""
    stream_locks.keep(connection, owner=owner, lease_s=LEASE_S)
