"""The database of a run: the embedded PostgreSQL that is started and stopped with it, or one that the user named.

Everything here may block and runs beside the loop.
"""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from supervisor.config.environment import forget_client_variables
from supervisor.database import dsn, embedded
from tasks.errors import DatabaseTransient
from tasks.runtime.interruptible import run_interruptible
from tasks.secret import Secret

if TYPE_CHECKING:
    from supervisor.config.run_plan import RunPlan
    from supervisor.database.server_facts import ServerFacts
    from tasks.embedded_postgres.server import EmbeddedPostgres


APPLICATION: Final = "sluicegate supervisor"
_HASH: Final = 16
_OPENS: Final = "its programs are looked for"
_MIGRATES: Final = "it is asked for its schema, which is brought up to date if it is older"
_STOPPED: Final = "asked to stop while the database was waited for"
# A table that somebody reads, as a back-up does, cannot be changed meanwhile, and who asks for it after us waits behind
# us. So we give up the wait, report it, and try again.
LOCK_WAIT_MS: Final = 3_000


class Database(Protocol):
    """Where the rows go."""

    def start(self) -> Secret:
        """Its URL, once it answers and its schema is up to date."""

    @property
    def doing(self) -> str:
        """What a `start` that takes long is at, in words."""

    def cancel(self) -> None:
        """End a `start` that waits in another thread."""

    def stop(self) -> None:
        """Stop using it."""

    @property
    def applied(self) -> list[str]:
        """The migrations that the last `start` applied."""

    @property
    def notes(self) -> list[str]:
        """What the server had to do without at the last `start`, each a sentence."""

    def server_pid(self) -> int | None:
        """The server's process, when it is ours to keep running."""


class EmbeddedDatabase:
    """The PostgreSQL in the state directory."""

    def __init__(self, plan: RunPlan, *, lock_wait_ms: int = LOCK_WAIT_MS) -> None:
        """Nothing is started yet; a migration waits `lock_wait_ms` for somebody's lock, 0 for ever."""
        self._plan = plan
        self._lock_wait_ms = lock_wait_ms
        self._directory = plan.state.postgres
        self._name = plan.database or ""
        self._doing = _OPENS
        self._server: EmbeddedPostgres | None = None
        self._is_cancelled = False
        self.applied: list[str] = []
        self.notes: list[str] = []
        forget_client_variables()

    def start(self) -> Secret:
        """Start it, or join the one that runs.

        Raises:
            ConfigError: this machine or user cannot run it there.
            StoreError: it did not start, or the schema cannot be brought up to date.
        """
        if self._server is None:
            self._server = embedded.server_of(self._plan)
        if self._is_cancelled:
            self._server.cancel()
        self._doing = ""
        url = Secret(self._server.start(self._name))
        self.notes = self._server.notes
        self._doing = _MIGRATES
        self.applied = run_interruptible(
            lambda: migrate(url, lock_wait_ms=self._lock_wait_ms),
            lambda: self._is_cancelled,
            DatabaseTransient(_STOPPED),
        )
        return url

    @property
    def doing(self) -> str:
        """What a `start` that takes long is at."""
        return self._doing or ("" if self._server is None else self._server.doing)

    def cancel(self) -> None:
        """End a `start` that waits in another thread."""
        self._is_cancelled = True
        if self._server is not None:
            self._server.cancel()

    def stop(self) -> None:
        """Stop it, unless somebody else uses it.

        Raises:
            StoreError: it does not end.
        """
        if self._server is not None:
            self._server.stop()

    def server_pid(self) -> int | None:
        """The server's process."""
        from tasks.embedded_postgres import cluster, pid_file

        found = pid_file.read_pid_file(self._directory.absolute() / cluster.DATA)
        return None if found is None else found.pid


class ExternalDatabase:
    """The one `DATABASE_URL` names."""

    def __init__(self, plan: RunPlan) -> None:
        self._url = plan.settings.database_url
        self._is_cancelled = threading.Event()
        self.applied: list[str] = []
        self.notes: list[str] = []

    def start(self) -> Secret:
        """Bring its schema up to date.

        Raises:
            StoreError: it does not answer, or its schema is not ours.
        """
        self.applied = run_interruptible(
            lambda: migrate(self._url), self._is_cancelled.is_set, DatabaseTransient(_STOPPED)
        )
        return self._url

    @property
    def doing(self) -> str:
        """What a `start` that takes long is at."""
        return _MIGRATES

    def cancel(self) -> None:
        """End a `start` that waits in another thread."""
        self._is_cancelled.set()

    def stop(self) -> None:
        """It is not ours to stop."""

    def server_pid(self) -> int | None:
        """It is not ours to watch."""
        return None


def backend_of(plan: RunPlan) -> EmbeddedDatabase | ExternalDatabase:
    """The database of this run."""
    return ExternalDatabase(plan) if plan.database is None else EmbeddedDatabase(plan)


def migrate(url: Secret, *, lock_wait_ms: int = LOCK_WAIT_MS) -> list[str]:
    """Apply what is missing of the schema; the migrations that were applied.

    Raises:
        DatabaseTransient: somebody else has locked what is to be changed, or the database does not answer: try again.
        StoreError: the schema is not ours.
    """
    from tasks.store.connection import connect
    from tasks.store.migrate import apply_migrations

    conn = connect(url.reveal(), application_name=APPLICATION, autocommit=True, lock_timeout_ms=lock_wait_ms)
    with conn:
        return apply_migrations(conn)


class DatabaseInfo(NamedTuple):
    """What an inspection found: the version, our user, the migrations still to apply and the rights that are missing.

    Attributes:
        grants: for each right that is lacking, now or later, the statement that gives it.
        server: what the server is like; None when it does not tell.
    """

    version: str
    user: str
    pending: list[str]
    lacking: list[str]
    lacking_later: list[str]
    grants: dict[str, str]
    server: ServerFacts | None


def inspect_database(url: Secret) -> DatabaseInfo:
    """Inspect the database, which changes nothing: its schema has to be one that this build can bring up to date.

    Raises:
        ConfigError: the URL or the login is wrong.
        StoreError: it does not answer, or the schema is of another build.
    """
    from supervisor.database import server_facts
    from tasks.store import privileges
    from tasks.store.connection import connect
    from tasks.store.migrate import pending_migrations

    dsn.read(url)  # the client library would quote a part of the password in its message
    with connect(url.reveal(), application_name=APPLICATION, autocommit=True) as conn:
        pending = pending_migrations(conn)
        with conn.transaction():
            user, lacking, later = privileges.lacking(conn)
            later += privileges.for_an_upgrade(conn, pending) if pending else []
            facts = server_facts.read(conn)
            (name,) = conn.execute("SELECT quote_ident(current_database())").fetchone() or ("?",)
        number = conn.info.server_version
    grants = {right: privileges.remedy(right, user, name) for right in (*lacking, *later)}
    return DatabaseInfo(f"{number // 10000}.{number % 10000}", user, pending, lacking, later, grants, facts)


def secrets_in(url: Secret) -> list[str]:
    """What must not be shown of a database URL: the whole of it if it has a secret, and each secret.

    Raises:
        ConfigError: it cannot be read.
    """
    secrets = dsn.read(url).secrets if url else ()
    return [url.reveal(), *secrets] if secrets else []


class DatabaseIdentity(NamedTuple):
    """Which database it is: the name of its spool, so that no reply is written to another one; and words for people."""

    spool: str
    words: str


def identity_of(plan: RunPlan) -> DatabaseIdentity:
    """Where the rows of this run go.

    Raises:
        ConfigError: the URL cannot be read.
    """
    if plan.database is not None:
        return DatabaseIdentity(plan.database, f"the embedded database `{plan.database}`")
    url = plan.settings.database_url
    named = hashlib.sha256(dsn.read(url).identity.encode()).hexdigest()[:_HASH]
    return DatabaseIdentity(f"url-{named}", dsn.shown(url))
