"""One pass a day through the keys of a table, a stretch at a time.

Where no index has the age of the rows, because it would make each change of it dearer, they are looked at in the order
of their key: each row once a day.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from tasks.store.duties.duty import Step

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tasks.store.connection import Connection
    from tasks.store.duties.state import Progress

EVERY: Final = timedelta(days=1)
STRETCH: Final = 3_000  # some milliseconds
BATCH: Final = 100  # products with all their histories: some tens of milliseconds


@dataclass(frozen=True, slots=True)
class DailyPass:
    """A pass.

    Attributes:
        progress: where it is kept how far the pass has come.
        of: the settings it is made with; with others it begins anew at once.
        stretch: keys that are looked at in one step.
        batch: keys of which rows are deleted in one step.
    """

    progress: Progress
    of: Sequence[int]
    stretch: int = STRETCH
    batch: int = BATCH

    def step(
        self,
        conn: Connection,
        now: datetime,
        statement: str,
        *,
        begin: Mapping[str, object],
        about: Mapping[str, object],
        delete: Callable[[int, list[str]], Counter[str]],
    ) -> Step:
        """Delete what is due among the next keys, unless the pass is done for today.

        Args:
            conn: the connection, in a transaction.
            now: the present.
            statement: gives the first keys after one that are due, as many as `batch`, each after the word 'old', and
                the last key of the stretch after the word 'end', unless the table ends before.
            begin: the columns of the key in their order, `domain` and `asin` among them, with what is before all keys.
            about: what else the statement asks for, besides the key, `stretch` and `batch`.
            delete: deletes what is still due of these products of a locale, and gives rows by table.
        """
        position = self._position(conn, now)
        if position is None:
            return Step(has_more=False)
        after = dict(zip(begin, position, strict=True)) if position else begin
        values = {**about, **after, "stretch": self.stretch, "batch": self.batch}
        found = conn.execute(statement.encode(), values, prepare=False).fetchall()
        due = [dict(zip(begin, key, strict=True)) for kind, *key in found if kind == "old"]
        end = next((key for kind, *key in found if kind == "end"), None)
        gone: Counter[str] = Counter()
        for domain in sorted({key["domain"] for key in due}):
            gone += delete(domain, [key["asin"] for key in due if key["domain"] == domain])
        last = list(due[-1].values()) if len(due) == self.batch else end
        self.progress.save(conn, self.progress.load(conn) | {"at": last})
        return Step(has_more=last is not None, gone=+gone)

    def _position(self, conn: Connection, now: datetime) -> list[Any] | None:
        """The key after which it goes on, empty at the beginning; None when it is done for today."""
        known = self.progress.load(conn)
        if known and known["of"] == list(self.of):
            if known["at"] is not None:
                return list(known["at"])
            if datetime.fromisoformat(known["began"]) > now - EVERY:
                return None
        self.progress.save(conn, {"of": list(self.of), "began": now.isoformat(), "at": []})
        return []
