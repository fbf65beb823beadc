"""What an error of PostgreSQL means for the program: one table from SQLSTATE to type."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import psycopg

from tasks.errors import BadRow, ConfigError, Contended, Error, StoreError, WrongSchema

if TYPE_CHECKING:
    from collections.abc import Iterator

# PostgreSQL's documentation, appendix "Error Codes". The longest prefix wins.
_TYPES: Final[dict[str, type[Error]]] = {
    "08": Contended,  # connection lost
    "22": BadRow,
    "23": BadRow,
    "23505": Contended,  # we look before we write: the same key came in between
    "28": ConfigError,  # login refused
    "3D": ConfigError,  # no such database
    "3F": WrongSchema,
    "40": Contended,  # serialization failure, deadlock
    "42": WrongSchema,
    "42501": ConfigError,  # a right is missing
    "53": Contended,  # no memory, disk full, too many connections: may pass
    "55006": Contended,  # object in use
    "55P03": Contended,  # lock not available
    "57": Contended,  # cancelled by an operator, shutting down, starting up
    "58": Contended,  # the server's own I/O
}


def error_type(sqlstate: str | None) -> type[Error]:
    """The type of error for a SQLSTATE; None is what psycopg has when the connection broke or was never made."""
    if sqlstate is None:
        return Contended
    for length in (5, 2):
        found = _TYPES.get(sqlstate[:length])
        if found is not None:
            return found
    return StoreError


def translated(error: psycopg.Error) -> Error:
    """The error of our own that stands for `error`; its message has no statement and no data but the server's words."""
    if error.sqlstate is None and not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        kind: type[Error] = BadRow if isinstance(error, psycopg.DataError) else StoreError
    else:
        kind = error_type(error.sqlstate)
    reason = error.diag.message_primary or str(error).strip() or type(error).__name__
    return kind(f"{error.sqlstate}: {reason}" if error.sqlstate else reason)


@contextmanager
def translate() -> Iterator[None]:
    """Raise psycopg's errors as ours.

    Raises:
        Contended: roll back and do the transaction again.
        BadRow: a value the database will never take.
        WrongSchema: a table or column is not what this build knows.
        ConfigError: the login, the database's name or a right.
        StoreError: anything else.
    """
    try:
        yield
    except psycopg.Error as error:
        raise translated(error) from error
