"""What the server copies out (`COPY ... TO STDOUT`), as it comes."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from psycopg import sql

    from tasks.store.connection import Connection


@contextmanager
def copied_out(
    conn: Connection, statement: bytes | sql.Composed, values: Mapping[str, object]
) -> Iterator[Iterator[bytes]]:
    """The lines of the statement, to be read to their end. An exception ends the block, and the copying with it.

    A connection that still copies takes no other statement, and would wait for ever to end its transaction: psycopg
    holds its lock until the copying is over. So no generator may hold what is copied out, which ends with nobody.
    """
    with conn.cursor() as cursor, cursor.copy(statement, values) as copy:
        yield map(bytes, copy)
