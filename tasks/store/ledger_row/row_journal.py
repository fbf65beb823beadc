"""The journal of a ledger in a row, which is a table beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger.model.journal import Entry, Event

if TYPE_CHECKING:
    from collections.abc import Callable

    from psycopg.pq.abc import PGresult


class RowJournal:
    """The journal, read when it is asked for: `read` asks for the last events, oldest first."""

    __slots__ = ("_read",)

    def __init__(self, read: Callable[[], PGresult]) -> None:
        self._read = read

    def entries(self) -> list[Entry]:
        """The last events, oldest first.

        Raises:
            DatabaseTransient: the database cannot be used now.
        """
        result = self._read()
        rows = [[int(result.get_value(i, j) or b"0") for j in range(8)] for i in range(result.ntuples)]
        return [
            Entry(
                sequence=sequence, at_ns=at_ns, event=Event(event), tier=tier, tokens_mt=tokens_mt,
                balance_mt=balance_mt, pid=pid, host=host,
            )
            for sequence, at_ns, event, tier, tokens_mt, balance_mt, pid, host in rows
        ]  # fmt: skip
