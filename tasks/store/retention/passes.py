"""One pass a day through the keys of a table, a stretch at a time.

Where no index has the age of the rows, because it would make each change of it dearer, they are looked at in the order
of their key: each row once a day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from tasks.store.duties import state

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.store.connection import Connection

EVERY: Final = timedelta(days=1)
STRETCH: Final = 3_000  # some milliseconds
BATCH: Final = 100  # products with all their histories: some tens of milliseconds


@dataclass(frozen=True, slots=True)
class DailyPass:
    """A pass.

    Attributes:
        name: what its state is kept under.
        of: the settings it is made with; with others it begins anew at once.
        stretch: keys that are looked at in one step.
        batch: keys of which rows are deleted in one step.
    """

    name: str
    of: Sequence[int]
    stretch: int = STRETCH
    batch: int = BATCH

    def position(self, conn: Connection, now: datetime) -> list[Any] | None:
        """The key after which it goes on, empty at the beginning; None when it is done for today."""
        known = state.load(conn, self.name)
        if known and known["of"] == list(self.of):
            if known["at"] is not None:
                return list(known["at"])
            if datetime.fromisoformat(known["began"]) > now - EVERY:
                return None
        state.save(conn, self.name, {"of": list(self.of), "began": now.isoformat(), "at": []})
        return []

    def move(self, conn: Connection, position: Sequence[Any] | None) -> None:
        """Go on after that key with the next step; None when the pass is over."""
        at = None if position is None else list(position)
        state.save(conn, self.name, state.load(conn, self.name) | {"at": at})
