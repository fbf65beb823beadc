"""Taking turns: one worker at a time walks through a selection.

The database holds the turn for as long as the connection that took it lives, so a killed worker's turn is free at
once and no flag outlives its process.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tasks.session import Session


class Turns:
    """The turns this worker holds."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._held: dict[str, int] = {}

    def take(self, name: str) -> bool:
        """Whether the turn called `name` is this worker's, now or already; never waits.

        Raises:
            StoreError: the database does not answer.
        """
        if self._held.get(name) == self._session.generation:
            return True
        number = turn_number(name)
        taken = self._session.run(
            lambda connection: connection.execute("select pg_try_advisory_lock(%s)", (number,)).fetchone()
        )
        if taken is not None and taken[0]:
            # A connection lost and opened again meanwhile took the lock itself, so its own number is the right one.
            self._held[name] = self._session.generation
            return True
        return False


def turn_number(name: str) -> int:
    """The signed 64-bit number of a turn; two names share one by accident once in 2^64."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big", signed=True)
