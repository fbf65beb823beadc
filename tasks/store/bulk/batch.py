"""Writes a batch of rows so that one bad row does not spoil it, and says what was written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

import msgspec
import psycopg

from tasks.errors import NO_REASON, clean
from tasks.store.sqlstate import Meaning, row_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tasks.store.connection import Connection


class _OfProduct(Protocol):
    @property
    def asin(self) -> str: ...


Item = TypeVar("Item")
Reading = TypeVar("Reading", bound=_OfProduct)
Result = TypeVar("Result")

# Raised while a value is made ready for the database: it could never hold it.
_OWN_KEY: Final = "_pkey"  # so PostgreSQL calls a primary key, and all that is written in batches has no other
UNSTORABLE: Final = (OverflowError, TypeError, ValueError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What happened to the items of a batch; duplicates in it count once.

    Attributes:
        inserted: rows that were not there.
        updated: rows replaced by a newer reading.
        unchanged: items with nothing newer than what was there.
        changed_asins: the products of the inserted and updated rows.
        refused: items the database cannot hold, now in quarantine.
        series: rows of price_series inserted or updated.
        offers: rows of offers written.
    """

    inserted: int
    updated: int
    unchanged: int
    changed_asins: list[str]
    refused: int = 0
    series: int = 0
    offers: int = 0


@dataclass(frozen=True, slots=True)
class Refusal(Generic[Item]):
    """An item the database will never take, and why."""

    item: Item
    reason: str


def newest(readings: Iterable[Reading], age: Callable[[Reading], int]) -> dict[str, Reading]:
    """One reading per ASIN, by ASIN; of two of the same `age` the later in the list."""
    found: dict[str, Reading] = {}
    for reading in readings:
        other = found.get(reading.asin)
        if other is None or age(reading) >= age(other):
            found[reading.asin] = reading
    return dict(sorted(found.items()))


def write_each(
    conn: Connection, items: Sequence[Item], write: Callable[[Sequence[Item]], Sequence[Result]]
) -> tuple[list[Result], list[Refusal[Item]]]:
    """What `write` returns for `items`, those apart that the database refuses.

    All go in one statement as long as nothing is refused. Otherwise halves are tried, each in a savepoint, until the
    bad ones stand alone: a page of 150 with one bad row takes about 15 tries.

    Raises:
        psycopg.Error: what is no row's fault, such as a key that is there already, which is a matter of time.
    """
    if not items:
        return [], []
    try:
        with conn.transaction():
            return list(write(items)), []
    except (psycopg.Error, *UNSTORABLE) as error:
        if isinstance(error, psycopg.Error) and not _is_ours(error):
            raise
        if len(items) == 1:
            return [], [Refusal(items[0], reason_of(error))]
    half = len(items) // 2
    first, first_refused = write_each(conn, items[:half], write)
    second, second_refused = write_each(conn, items[half:], write)
    return first + second, first_refused + second_refused


def refused(conn: Connection, work: Callable[[], object]) -> str | None:
    """Why the database refuses `work`, of which nothing is kept then; None when it was done.

    Raises:
        psycopg.Error: what is not the fault of `work`.
    """
    try:
        with conn.transaction():
            work()
    except (psycopg.Error, *UNSTORABLE) as error:
        if isinstance(error, psycopg.Error) and not _is_ours(error):
            raise
        return reason_of(error)
    return None


def _is_ours(error: psycopg.Error) -> bool:
    """Whether what was to be written is to blame.

    The same key in a table's primary key came in between; one in an index of the user's own stays there.
    """
    if isinstance(error, psycopg.errors.UniqueViolation):
        return not (error.diag.constraint_name or _OWN_KEY).endswith(_OWN_KEY)
    return row_for(error).meaning is Meaning.QUARANTINE


def evidence(item: msgspec.Struct) -> bytes:
    """The item as JSON, or as Python shows it when JSON has no form for what is wrong with it."""
    try:
        return msgspec.json.encode(item)
    except UNSTORABLE:
        return repr(item).encode("utf-8", "backslashreplace")


def reason_of(error: Exception) -> str:
    """Why an item was refused, in one line."""
    if isinstance(error, psycopg.Error):
        return clean(f"{error.sqlstate}: {error.diag.message_primary or error}" if error.sqlstate else str(error))
    return clean(str(error)) or NO_REASON
