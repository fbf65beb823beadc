"""One connection to PostgreSQL, with our names on it, that needs nothing of a session.

A pooler may give each transaction to another session of the server, with whatever others have set there. So what the
program relies on is said at the beginning of every transaction, for that one alone, and whatever the database, the
user or the environment have as their defaults.
"""

from __future__ import annotations

import re
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

import psycopg
from psycopg import IsolationLevel, conninfo
from psycopg.pq import TransactionStatus

from tasks.errors import ConfigError, DatabaseTransient, Error
from tasks.store.connection_errors import in_short
from tasks.store.sqlstate import translated

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from psycopg.abc import PQGen

T = TypeVar("T")

LOOK_S: Final = 0.1  # between two calls of `on_wait`

# A statement that may be planned in more than one way is sent with `prepare=False` in this package: a plan made while a
# table was empty, and kept, reads a grown table from end to end until the next analyze.

_CONNECT_S: Final = 10
# A peer that is gone is noticed after about half a minute, also in the middle of a long wait for it, and sooner while
# it owes a receipt for what was sent.
_KEEPALIVE_IDLE_S: Final = 15
_KEEPALIVE_INTERVAL_S: Final = 5
_KEEPALIVE_COUNT: Final = 3
_UNRECEIPTED_MS: Final = 20_000
# The server notices as well that a client's machine is gone, before its host counts as dead, and ends the transaction.
_SERVER_KEEPALIVES: Final = (
    b"SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 3; SET tcp_keepalives_count = 3"
)
# Not for who only reads: a pager that shows the rows of a command may keep them waiting for as long as it likes.
_SERVER_RECEIPTS: Final = b"; SET tcp_user_timeout = 14000"
# The client library gives no SQLSTATE when a connection fails, only words, those of a pooler too. These do not pass by
# themselves; a server that speaks another language is waited for, and its words are shown meanwhile.
_FINAL_WORDS: Final = re.compile(
    r"(role|database) \".*\" does not exist|authentication failed|no password supplied|no pg_hba\.conf entry"
    r"|not permitted to log in|permission denied for database|[Cc]ertificate"
    r"|(SSL|TLS)( connection)?( is| was)? required|requires? (SSL|TLS)"
    r"|invalid (integer value|port number|\w+ value)|definition of service|Servname not supported"
    r"|no such (user|database)|unsupported startup parameter|server does not support SSL"
    r"|not allowed in statement pooling mode"
)
# Where TLS is tried first, a handshake that broke is followed by a try without it, whose refusal says nothing.
_BROKEN_TLS: Final = re.compile(r"SSL SYSCALL error|SSL error: (?!certificate)|SSL connection has been closed")
_WITHOUT_TLS: Final = re.compile(r"(SSL|TLS)( connection)?( is| was)? required|requires? (SSL|TLS)|no encryption")
# Where it was tried, as `in_short` and the driver say it: names of the user's own, which tell nothing of the reason.
_PLACES: Final = re.compile(r"\((?:socket |[^()]*, port )[^()]*\)|resolve host '[^']*'")
_FOR_A_POOLER: Final = re.compile(r"unsupported startup parameter[^:]*: *([\w.]+)")
OLDEST: Final = 150000  # the tests pass on PostgreSQL 15 and 18
_WITH_ITS_OWN_LIMIT: Final = 170000  # the version that brought transaction_timeout
_ENCODING: Final = "UTF8"
_ABOUT: Final = """
SELECT pg_backend_pid(), getdatabaseencoding(), current_database(),
       (SELECT 'lz4' = ANY (enumvals) AND source = 'default' FROM pg_settings WHERE name = 'default_toast_compression')
"""
# For the transaction alone. `DEFAULT` is what this login begins with: another user of a pooler may have left something
# else. A transaction that a dead machine leaves open ends by itself.
_SETTINGS: Final = """
SET LOCAL search_path TO DEFAULT; SET LOCAL client_encoding = 'UTF8'; SET LOCAL standard_conforming_strings = on;
SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL intervalstyle = 'postgres'; SET LOCAL timezone = 'UTC';
SET LOCAL bytea_output = 'hex'; SET LOCAL extra_float_digits = 1; SET LOCAL statement_timeout = 0;
SET LOCAL idle_in_transaction_session_timeout = '5min'; SET LOCAL lock_timeout = {lock_timeout_ms}
"""
_NO_LIMIT: Final = "; SET LOCAL transaction_timeout = 0"
# Of 74 ms of the server's CPU for 100 products, 54 are left, at 3 % fewer bytes.
_LZ4: Final = "; SET LOCAL default_toast_compression = 'lz4'"


class Connection(psycopg.Connection[tuple[Any, ...]]):
    """A connection whose transactions begin with what the program relies on.

    Attributes:
        lock_timeout_ms: how long a statement waits for somebody's lock; 0 for ever.
        uses_lz4: whether long values are compressed with lz4: the server has it, and nobody chose another way there.
        on_wait: called several times a second with the seconds for which the server has owed an answer; what it raises
            ends the connection.
    """

    lock_timeout_ms: int = 0
    uses_lz4: bool = False
    on_wait: Callable[[float], None] | None = None

    @contextmanager
    def transaction(
        self,
        savepoint_name: str | None = None,
        force_rollback: bool = False,  # noqa: FBT001, FBT002 - psycopg's signature
    ) -> Iterator[psycopg.Transaction]:
        """As psycopg's; the outermost one makes the settings its own."""
        is_outermost = self.info.transaction_status == TransactionStatus.IDLE
        with super().transaction(savepoint_name, force_rollback) as transaction:
            if is_outermost:
                self.execute(self._settings(), prepare=False)
            yield transaction

    def wait(self, gen: PQGen[T], interval: float = LOOK_S, timeout: float | None = None) -> T:
        """As psycopg's; `on_wait` is called now and then."""
        return super().wait(gen if self.on_wait is None else _watched(gen, self._on_wait), interval, timeout)

    def _on_wait(self, seconds: float) -> None:
        with ExitStack() as undo:
            undo.callback(self.close)  # the statement is under way: nothing else can be said over this connection
            if self.on_wait is not None:
                self.on_wait(seconds)
            undo.pop_all()

    def _settings(self) -> bytes:
        text = _SETTINGS.format(lock_timeout_ms=self.lock_timeout_ms)
        limit = _NO_LIMIT if self.info.server_version >= _WITH_ITS_OWN_LIMIT else ""
        return (text + limit + (_LZ4 if self.uses_lz4 else "")).encode()

    def check(self) -> Self:
        """The connection itself, when the database can be used; behind a pooler nothing is prepared any more.

        Raises:
            ConfigError: the server is too old, or the database cannot hold every character.
        """
        found = self.info.server_version
        if found < OLDEST:
            raise ConfigError(f"the database server is PostgreSQL {found // 10000}, 15 or newer is needed")
        with self.transaction():
            about = self.execute(_ABOUT, prepare=False).fetchone() or (0, "", "", False)
        pid, encoding, name, self.uses_lz4 = about
        if encoding != _ENCODING:
            raise ConfigError(
                f"the database `{name}` has the encoding {encoding}, which cannot hold every title: make "
                f"one that can (CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0) and name it in DATABASE_URL"
            )
        if pid != self.info.backend_pid:
            # The session that answers is not the one we logged in to. A name prepared in one may stand for another
            # statement of another client in the next, which would be executed without an error.
            self.prepare_threshold = None
        return self


def connect(
    url: str, *, application_name: str, autocommit: bool = False, lock_timeout_ms: int = 0, wait_s: int | None = None
) -> Connection:
    """A new connection; `wait_s` is how long it may take to each host, and then the first answer, in seconds.

    Raises:
        DatabaseTransient: the server does not answer, or is starting or stopping: try again.
        ConfigError: the URL, the login or the database's name is wrong, the server too old, or the encoding too small.
    """
    patience_s = wait_s or _CONNECT_S
    try:
        connection = Connection.connect(
            url,
            application_name=application_name,
            autocommit=True,
            client_encoding=_ENCODING,
            connect_timeout=patience_s,
            keepalives_idle=_KEEPALIVE_IDLE_S,
            keepalives_interval=_KEEPALIVE_INTERVAL_S,
            keepalives_count=_KEEPALIVE_COUNT,
            tcp_user_timeout=_UNRECEIPTED_MS,
        )
    except psycopg.ProgrammingError:
        # libpq quotes the URL, password and all: nothing of that error may survive, not even as a cause.
        raise ConfigError("DATABASE_URL is no connection string that PostgreSQL's client library accepts") from None
    except psycopg.Error as error:
        raise _meant(error) from error
    connection.lock_timeout_ms = lock_timeout_ms
    connection.isolation_level = IsolationLevel.READ_COMMITTED
    connection.on_wait = partial(_answers_within, patience_s)
    with ExitStack() as undo:
        undo.callback(connection.close)
        try:
            connection.check()
            if connection.prepare_threshold is not None:  # the session is ours
                holds_locks = lock_timeout_ms > 0
                connection.execute(_SERVER_KEEPALIVES + (_SERVER_RECEIPTS if holds_locks else b""), prepare=False)
            connection.on_wait = None
            connection.autocommit = autocommit
        except psycopg.Error as error:
            raise _meant(error) from error
        undo.pop_all()
    return connection


def _answers_within(patience_s: int, seconds: float) -> None:
    """A pooler without a free session lets everybody in, and so does a line that leads to no server any more.

    Raises:
        DatabaseTransient: the first answer takes longer than a connection may.
    """
    if seconds > patience_s:
        raise DatabaseTransient(f"the database lets us in and then does not answer within {patience_s} s")


def _meant(error: psycopg.Error) -> Error:
    """What an error at the beginning of a connection means, also when only its words tell."""
    ours = translated(error)
    message = _PLACES.sub("", str(ours))
    is_final = _FINAL_WORDS.search(message) and not (_WITHOUT_TLS.search(message) and _BROKEN_TLS.search(message))
    if isinstance(ours, DatabaseTransient) and is_final:
        return ConfigError(f"DATABASE_URL: {_mended(in_short(str(error)))}")
    return ours


def _mended(words: str) -> str:
    """The words, with what helps where the server lets nobody in without TLS, or a pooler does not know a parameter."""
    found = _FOR_A_POOLER.search(words)
    if found is None:
        wants_tls = _WITHOUT_TLS.search(words) and "SSL encryption" not in words  # refused with it as well
        return f"{words}; put `sslmode=require` into DATABASE_URL" if wants_tls else words
    return (
        f"{words}; take `{found[1]}` out of DATABASE_URL and the PG* variables, "
        "or add it to ignore_startup_parameters of the pooler"
    )


def _watched(gen: PQGen[T], on_wait: Callable[[float], None]) -> Generator[Any, Any, T]:
    """The same, but `on_wait` is called with the seconds for which nothing has come, whenever they grow."""
    looks = 0
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            wanted = gen.send(ready)
            looks = 0 if ready else looks + 1
            if looks:
                on_wait(looks * LOOK_S)
    except StopIteration as end:
        result: T = end.value
        return result


def password_of(url: str) -> str:
    """The password in a connection string, for the log to blot out; empty when there is none."""
    try:
        return str(conninfo.conninfo_to_dict(url).get("password") or "")
    except psycopg.ProgrammingError:
        return ""
