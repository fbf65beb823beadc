"""Says what an error of PostgreSQL means for the program: one table, with a row for every class of SQLSTATE.

Source: PostgreSQL's documentation, appendix A ("PostgreSQL Error Codes"). What a pooler says is in the same table.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

import psycopg

from tasks.errors import NO_REASON, BadRow, ConfigError, DatabaseTransient, Error, StoreError, WrongSchema, one_line
from tasks.store.connection_errors import in_short

if TYPE_CHECKING:
    from collections.abc import Iterator


class Meaning(Enum):
    """What to do about an error."""

    QUARANTINE = "quarantine"
    """The database refuses this piece of work: it is quarantined with its bytes, and the run goes on."""
    RETRY = "retry"
    """The same work is done again, for as long as it takes."""
    END_RUN = "end the run"
    """A person has to change something: the run ends with a sentence that says what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlstateRow:
    """One row: the SQLSTATEs that begin with `prefix`; a longer prefix stands above a shorter one.

    Attributes:
        words: what happened, for a person.
        remedy: what a person has to do; only where the run ends.
        keeps: whether the connection is as good as before; a new one is made otherwise.
        tries: after so many in a row of what should have passed, this piece of work is to blame; None for never.
    """

    prefix: str
    meaning: Meaning
    words: str
    remedy: str = ""
    keeps: bool = False
    tries: int | None = None

    @property
    def type(self) -> type[Error]:
        """The type of error it becomes."""
        match self.meaning:
            case Meaning.QUARANTINE:
                return BadRow
            case Meaning.RETRY:
                return DatabaseTransient
            case Meaning.END_RUN:
                return WrongSchema if self.prefix[:2] in _OF_SCHEMA and self.prefix not in _OF_RIGHTS else ConfigError


_OF_SCHEMA: Final = frozenset({"3F", "42"})
_OF_RIGHTS: Final = frozenset({"42501"})
_STUBBORN: Final = 20  # tries of up to some seconds each: more than a minute


def _quarantine(prefix: str, words: str) -> SqlstateRow:
    return SqlstateRow(prefix=prefix, meaning=Meaning.QUARANTINE, words=words)


def _retry(prefix: str, words: str, *, keeps: bool = False, tries: int | None = None) -> SqlstateRow:
    return SqlstateRow(prefix=prefix, meaning=Meaning.RETRY, words=words, keeps=keeps, tries=tries)


def _end_run(prefix: str, words: str, remedy: str) -> SqlstateRow:
    return SqlstateRow(prefix=prefix, meaning=Meaning.END_RUN, words=words, remedy=remedy)


_GRANT: Final = "`sluicegate doctor` names the rights that the database user lacks: grant them"
_SCHEMA: Final = "the tables are not those of this build: `sluicegate doctor` compares them"
_USER: Final = "check the user and the password in DATABASE_URL, and pg_hba.conf"

TABLE: Final = (
    # What only a trigger or a rule of the user's own can raise ends the piece of work that it refuses.
    _quarantine("00", "the database raised what is no error"),
    _quarantine("01", "the database raised a warning as an error"),
    _quarantine("02", "the database raised `no data`"),
    _quarantine("03", "an SQL statement is not complete yet"),
    _retry("08", "the connection to the database broke, or its pooler has none to give"),
    _quarantine("09", "a trigger refuses the row"),
    # A prepared statement whose table got another column is one of these; a new connection has none.
    _retry("0A", "the database cannot do this", tries=_STUBBORN),
    _retry("0B", "the transaction did not begin"),
    _quarantine("0F", "a large object is not valid"),
    _end_run("0L", "the database user may not grant", _GRANT),
    _end_run("0P", "the role is not valid", _USER),
    _quarantine("0Z", "a trigger failed in its own handling of errors"),
    _quarantine("10", "an XML query failed"),
    _quarantine("20", "a trigger found no case"),
    _quarantine("21", "a subquery gave more than one row"),
    _quarantine("22", "the database cannot hold the value"),
    _quarantine("23", "a constraint refuses the row"),
    # We look before we write: the same key came in between.
    _retry("23505", "another writer was quicker", keeps=True, tries=_STUBBORN),
    _retry("24", "the cursor is gone"),
    _retry("25", "the transaction is not one that could go on"),
    _retry("25006", "the database is read only (a standby, a disk that is full, or a setting)"),
    # A pooler gave another session's connection: what was prepared there is not ours.
    _retry("26", "a prepared statement is gone, as behind a pooler"),
    _quarantine("27", "a trigger changed the row that was being changed"),
    _end_run("28", "the login was refused", _USER),
    _end_run("2B", "others depend on the database user's rights", _GRANT),
    _retry("2D", "the transaction did not end"),
    _quarantine("2F", "an SQL function failed"),
    _retry("34", "the cursor is not known"),
    _quarantine("38", "an external routine failed"),
    _quarantine("39", "an external routine was called wrongly"),
    _retry("3B", "the savepoint is gone"),
    _end_run("3D", "there is no such database", "create it, or name another one in DATABASE_URL"),
    _end_run("3F", "there is no such schema", "create it, or set the database user's search_path to one that exists"),
    _retry("40", "another transaction was in the way", keeps=True),
    _retry("40003", "the connection broke before the end of the transaction was known"),
    _end_run("42", "the database does not know a table, column or function that is needed", _SCHEMA),
    _end_run("42501", "the database user lacks a right", _GRANT),
    _retry("42P03", "a cursor of that name is there already", tries=_STUBBORN),
    _retry("42P05", "a statement of that name is prepared already, as behind a pooler"),
    _retry("42P06", "another one made the schema at the same time", tries=_STUBBORN),
    _retry("42P07", "another one made the table at the same time", tries=_STUBBORN),
    _retry("42710", "another one made the same at the same time", tries=_STUBBORN),
    _quarantine("44", "the row is outside of the view it was written to"),
    _retry("53", "the database server has no more of something it needs"),
    _retry("53100", "the disk of the database server is full"),
    _retry("53200", "the database server is out of memory"),
    _retry("53300", "the database server has too many connections"),
    _quarantine("54", "the row or the statement is more than the database can hold"),
    _retry("55", "the database is not in the state for this"),
    _retry("55006", "another one uses what is to be changed", keeps=True),
    _retry("55P03", "another one holds a lock", keeps=True),
    _retry("57", "the database server is going down or coming up"),
    _retry("57014", "the statement was cancelled", keeps=True, tries=_STUBBORN),
    _retry("58", "the system below the database server failed"),
    _retry("72", "the snapshot is too old", keeps=True),
    _retry("F0", "the database server's own configuration has a fault"),
    _retry("HV", "a foreign table does not answer"),
    _quarantine("P0", "a trigger refuses the row"),
    _retry("XX", "the database server failed within itself", tries=_STUBBORN),
    # Damaged data stays damaged until somebody mends it: waiting loses nothing.
    _retry("XX001", "data of the database are damaged: see the server's log"),
    _retry("XX002", "an index of the database is damaged: see the server's log, and REINDEX"),
)
# Codes of the user's own triggers, of extensions and of other databases that speak the same protocol.
UNKNOWN: Final = _quarantine("", "the database refuses this for a reason that is not known here")
NO_CODE: Final = _retry("", "no connection to the database")
UNSENT: Final = _quarantine("", "the value cannot be sent to any database")
_BY_PREFIX: Final = {row.prefix: row for row in TABLE}
_CLASS: Final = 2


def row_of(sqlstate: str | None) -> SqlstateRow:
    """The row for a SQLSTATE; None is what psycopg has when the connection broke or was never made."""
    if sqlstate is None:
        return NO_CODE
    return _BY_PREFIX.get(sqlstate) or _BY_PREFIX.get(sqlstate[:_CLASS], UNKNOWN)


def row_for(error: psycopg.Error) -> SqlstateRow:
    """The row for an error of psycopg: by its SQLSTATE, or by its type when the server had no part in it.

    An error without either is what the client library found: an answer that is none, or no memory for it.
    """
    is_unsent = isinstance(error, psycopg.DataError | psycopg.ProgrammingError | psycopg.NotSupportedError)
    return UNSENT if is_unsent and error.sqlstate is None else row_of(error.sqlstate)


def translated(error: psycopg.Error) -> Error:
    """The error of our own that stands for `error`; its message has no statement and no data but the server's words."""
    row = row_for(error)
    reason = error.diag.message_primary or in_short(str(error))
    reason = one_line(reason) or NO_REASON
    code = "" if error.sqlstate is None else f" (SQLSTATE {error.sqlstate})"
    remedy = f"; {row.remedy}" if row.remedy else ""
    return row.type(f"{row.words}: {reason}{code}{remedy}")


def cause_of(error: StoreError) -> SqlstateRow:
    """The row that made `error` what it is."""
    cause = error.__cause__
    return row_for(cause) if isinstance(cause, psycopg.Error) else NO_CODE


@contextmanager
def translate() -> Iterator[None]:
    """Raise psycopg's errors as ours.

    Raises:
        DatabaseTransient: roll back and do the transaction again.
        BadRow: what the database will never take.
        WrongSchema: a table or column is not what this build knows.
        ConfigError: the login, the database's name or a right.
    """
    try:
        yield
    except psycopg.Error as error:
        raise translated(error) from error
    except NotImplementedError as error:
        # psycopg reads no date in a style that the server was set to behind our back, as by another user of a
        # pooler; on a connection made anew it is ours again.
        raise DatabaseTransient(f"the database answers in a form that cannot be read: {error}") from error
