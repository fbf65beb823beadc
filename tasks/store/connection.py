"""One connection to PostgreSQL, with our names on it."""

from __future__ import annotations

import re
from typing import Any, Final

import psycopg

from tasks.errors import ConfigError, Contended
from tasks.store.sqlstate import translated

# A statement that may be planned in more than one way is sent with `prepare=False` in this package: a plan made while a
# table was empty, and kept, reads a grown table from end to end until the next analyze.
Connection = psycopg.Connection[tuple[Any, ...]]

_CONNECT_S: Final = 10
# A peer that is gone is noticed after about half a minute, also in the middle of a long wait for it.
_KEEPALIVE_IDLE_S: Final = 15
_KEEPALIVE_INTERVAL_S: Final = 5
_KEEPALIVE_COUNT: Final = 3
# The client library tells no SQLSTATE when a connection fails, only words. These do not pass by themselves; a server
# that speaks another language is tried again until the caller's patience ends, and its words are shown then.
_FINAL_WORDS: Final = re.compile(
    r"(role|database) \".*\" does not exist|authentication failed|no password supplied|no pg_hba\.conf entry"
    r"|not permitted to log in|permission denied for database|SSL was required|[Cc]ertificate"
    r"|invalid (integer value|port number|\w+ value)|definition of service|Servname not supported"
)
OLDEST: Final = 150000  # the tests pass on PostgreSQL 15 and 18


def connect(url: str, *, application_name: str, autocommit: bool = False) -> Connection:
    """A new connection.

    Raises:
        Contended: the server does not answer, or is starting or stopping: try again.
        ConfigError: the URL, the login or the database's name is wrong, or the server too old.
    """
    try:
        connection = psycopg.connect(
            url,
            application_name=application_name,
            autocommit=autocommit,
            connect_timeout=_CONNECT_S,
            keepalives_idle=_KEEPALIVE_IDLE_S,
            keepalives_interval=_KEEPALIVE_INTERVAL_S,
            keepalives_count=_KEEPALIVE_COUNT,
        )
    except psycopg.ProgrammingError:
        # libpq quotes the URL, password and all: nothing of that error may survive, not even as a cause.
        raise ConfigError("DATABASE_URL is no connection string that PostgreSQL's client library accepts") from None
    except psycopg.Error as error:
        ours = translated(error)
        if isinstance(ours, Contended) and _FINAL_WORDS.search(str(ours)):
            raise ConfigError(f"DATABASE_URL: {ours}") from error
        raise ours from error
    if connection.info.server_version < OLDEST:
        version = connection.info.server_version // 10000
        connection.close()
        raise ConfigError(f"the database server is PostgreSQL {version}, 15 or newer is needed")
    return connection
