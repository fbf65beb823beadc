"""How the embedded PostgreSQL server is started, joined and stopped: it ends with the last process that uses it.

The state of the server is in three locks, which the kernel keeps: `start.lock` (exclusive while a process starts or
stops the server), `users.lock` (shared by all processes that use it) and that of the data directory (the server and
its backends inherit the descriptor, so a free lock proves that no server process is left). No pid is ever guessed: a
stale pid file, a reused pid or a killed starter needs no manual step.
"""

from __future__ import annotations

import os
import signal
import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final, Self

import psycopg
from psycopg import sql

from ledger import Clock, SystemClock
from tasks.embedded_postgres import address, cluster, compression, launch, pid_file, programs, run_as, server_log
from tasks.embedded_postgres.file_lock import FileLock
from tasks.embedded_postgres.keeper_process import START_LOCK, USERS_LOCK, is_last
from tasks.errors import ConfigError, DatabaseTransient, StoreError, one_line
from tasks.store.sqlstate import translate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

    from tasks.embedded_postgres.programs import Programs
    from tasks.embedded_postgres.run_as import RunAs

_POLL_S: Final = 0.004
_AGAIN_S: Final = 0.5  # a server that only just starts may miss a signal
_CONNECT_S: Final = 5
_ANSWER_S: Final = 5.0  # a server that says it is ready answers in milliseconds
_STOP_S: Final = 60.0  # the checkpoint of a fast shutdown; then an immediate one, which costs a recovery


class EmbeddedPostgres:
    """The use that one process makes of the server in `directory`."""

    def __init__(
        self,
        directory: Path,
        *,
        clock: Clock | None = None,
        start_timeout_s: float = 300.0,
        use_namespace: bool = True,
        with_programs: Programs | None = None,
        memory_bytes: int | None = None,
    ) -> None:
        """Note where the server is to be; nothing is touched yet.

        Args:
            directory: where the cluster, its locks and its log are; `start` makes it if it is missing.
            clock: measures deadlines; by default that of the system.
            start_timeout_s: seconds to wait for a server that recovers from a crash.
            use_namespace: whether root may use a user namespace; if not, it becomes another user.
            with_programs: those of PostgreSQL; by default the ones that come with this program.
            memory_bytes: what the server's settings are made for; by default the memory that this process may use.
        """
        self._home = directory.absolute()
        self._data = self._home / cluster.DATA
        self._clock = clock or SystemClock()
        self._timeout_s = start_timeout_s
        self._use_namespace = use_namespace
        self._memory = memory_bytes
        self.notes: list[str] = []
        """What the last `start` that started a server had to do without, each a sentence."""
        self.answer_timeout_s = _ANSWER_S
        """How long a server that says it is ready may let nobody in."""
        self._programs = with_programs or programs.find()
        self._users: FileLock | None = None
        self._doing = ""
        self._pause = threading.Event()  # set once nobody waits for a start any more

    @property
    def log_path(self) -> Path:
        """The log of the server."""
        return server_log.log_path(self._home)

    def url(self, database: str = "sluicegate") -> str:
        """The URL of a database of the server, whether or not the server runs.

        Raises:
            ConfigError: every path to the socket is too long.
        """
        return address.url(self._data, database)

    def start(self, database: str = "sluicegate") -> str:
        """Start the server or join the one that runs, make `database` if it is missing, and return its URL.

        It may be called again, also when the server has died in the meantime.

        Raises:
            ConfigError: this machine or user cannot run it there; the message says what to change.
            DatabaseTransient: it is ending, or refuses connections: try again. Or `cancel` was called.
            StoreError: it did not start; the message ends with its log.
        """
        try:
            self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._open_lock(START_LOCK).close()
        except OSError as error:
            raise ConfigError(f"uid {os.geteuid()} cannot use {self._home}: {error}") from error
        url = self.url(database)
        with self._starting() as start_lock:
            joined = self._users is None
            users = self._users or self._open_lock(USERS_LOCK)
            for _ in self._until(self._timeout_s, f"another process locks {self._home / USERS_LOCK} alone"):
                if users.try_shared():
                    break
            self._users = users
            with ExitStack() as undo:
                if joined:
                    undo.callback(self._leave)
                self._doing = f"the cluster in {self._home} is checked, and made if it is missing"
                who = cluster.ensure(self._home, self._programs, start_lock, use_namespace=self._use_namespace)
                self._ensure_server(who)
                self._ensure_database(database)
                undo.pop_all()
        return url

    @property
    def doing(self) -> str:
        """What the `start` in another thread is doing; empty before the first."""
        return self._doing

    def cancel(self) -> None:
        """End a `start` that waits in another thread, with `DatabaseTransient`; a later `stop` works as ever."""
        self._pause.set()

    def is_running(self) -> bool:
        """Whether a server process of this directory is alive, whoever started it."""
        if not self._data.is_dir():
            return False
        with FileLock(self._data) as lock:
            return not lock.try_shared()

    def stop(self) -> None:
        """End our use of the server; if it was the last, the server is gone on return.

        It does nothing when we do not use the server.

        Raises:
            StoreError: the server does not end.
        """
        users = self._users
        if users is None:
            return
        if not self._home.is_dir():  # removed under a running server: the keeper still sees us leave
            self._leave()
            return
        with self._starting(is_ending=True):
            users.release()
            try:
                if is_last(users):
                    self._end_server()
            finally:
                self._leave()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _leave(self) -> None:
        if self._users is not None:
            self._users.close()
            self._users = None

    def _open_lock(self, name: str) -> FileLock:
        return FileLock(self._home / name, shared_with=run_as.file_owner(self._home))

    @contextmanager
    def _starting(self, *, is_ending: bool = False) -> Iterator[FileLock]:
        complaint = f"another process locks {self._home / START_LOCK}"
        with self._open_lock(START_LOCK) as lock:
            for _ in self._until(self._timeout_s, complaint, is_ending=is_ending):
                if lock.try_exclusive():
                    break
            yield lock

    def _until(self, seconds: float, complaint: str, *, is_ending: bool = False) -> Iterator[None]:
        """Yield once a try, a few milliseconds apart.

        Raises:
            DatabaseTransient: `cancel` was called, unless `is_ending`.
            StoreError: `seconds` have passed; the message begins with the complaint.
        """
        self._doing = complaint
        deadline_ns = self._clock.now_ns() + int(seconds * 1e9)
        pause = threading.Event() if is_ending else self._pause
        while self._clock.now_ns() < deadline_ns:
            yield
            if pause.wait(_POLL_S):
                raise DatabaseTransient(f"asked to stop while waiting for {self._home}")
        raise StoreError(f"{complaint} (waited {seconds:g} s); log: {self.log_path}")

    def _ensure_server(self, who: RunAs) -> None:
        settings: dict[str, str] | None = None
        ready_ns = 0
        for _ in self._until(self._timeout_s, f"the server in {self._home} is not ready"):
            with FileLock(self._data) as server_lock:
                if server_lock.try_exclusive():
                    if settings is None:
                        self.notes, settings = [], launch.settings_for(self._home, self._memory)
                    else:
                        settings, note = launch.with_less(settings, self._home)
                        self.notes = [note]
                    launch.launch(self._home, self._programs, who, server_lock, settings)
            found = pid_file.read_pid_file(self._data)
            if found is None or found.status != "ready":
                ready_ns = 0
                continue
            fault = self._fault()
            if fault is None:
                return
            ready_ns = ready_ns or self._clock.now_ns()
            if self._clock.now_ns() - ready_ns > self.answer_timeout_s * 1e9:
                raise DatabaseTransient(f"the server in {self._home} runs and refuses connections: {fault}")

    def _fault(self) -> str | None:
        """Why the server does not answer; None when it does."""
        try:
            self._connect().close()
        except psycopg.OperationalError as error:
            return one_line(error)
        return None

    def _connect(self, *, autocommit: bool = False) -> psycopg.Connection:
        return psycopg.connect(self.url(cluster.SUPERUSER), autocommit=autocommit, connect_timeout=_CONNECT_S)

    def _ensure_database(self, name: str) -> None:
        self._doing = f"the database `{name}` is looked up in {self._home}, and made if it is missing"
        # A session on the usual template, template1, would delay this for 5 s and then fail it; template0 has none.
        with translate(), self._connect(autocommit=True) as conn:
            compression.check(self._data, self._programs.directory, conn, run_as.file_owner(self._home))
            if conn.execute("SELECT FROM pg_database WHERE datname = %s", (name,)).rowcount == 0:
                conn.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))

    def _end_server(self) -> None:
        try:
            self._signal_until_gone(signal.SIGINT)
        except StoreError:
            self._signal_until_gone(signal.SIGQUIT)

    def _signal_until_gone(self, number: signal.Signals) -> None:
        again_ns = 0
        for _ in self._until(_STOP_S, f"the server in {self._home} does not end", is_ending=True):
            if not self.is_running():
                return
            # A server whose starter was killed may not have written its pid yet.
            if self._clock.now_ns() >= again_ns and pid_file.signal_server(self._data, number):
                again_ns = self._clock.now_ns() + int(_AGAIN_S * 1e9)
