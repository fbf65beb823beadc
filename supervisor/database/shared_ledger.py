"""The ledger of a run: in its file, or in the row of the database that hosts share.

Who has a row beats for this host: a thread says every few seconds that the host is alive, resolves what the dead have
left, and reads the book, so that nobody who asks for it waits for the database.
"""

from __future__ import annotations

import socket
import threading
import uuid
from contextlib import closing, suppress
from importlib import metadata
from typing import TYPE_CHECKING, Final

import msgspec

from ledger import NS_PER_S, LedgerError, SystemClock, TokenLedger, Unusable
from ledger.atomic_file import replace_file
from supervisor.config.run_plan import Server
from supervisor.database.ledger_source import APPLICATION, account_number
from tasks.errors import Error, plain
from tasks.store.connection import connect
from tasks.store.ledger_row import hosts
from tasks.store.ledger_row.row import RowHome
from tasks.store.sqlstate import translate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ledger import Snapshot
    from supervisor.config.run_plan import RunPlan
    from supervisor.config.state_dir import StateDir
    from tasks.settings import Secret, WorkerSettings
    from tasks.store.connection import Connection

_READ_S: Final = 1.0
_BEAT_NS: Final = round(hosts.BEAT_S * NS_PER_S)
_CLOSE_S: Final = 2.0


class SharedLedger(TokenLedger):
    """The ledger in a row, with this host among the others.

    Attributes:
        account: the row.
        host: the number of this host.
        workers: what the workers of this host are, for the other hosts to see.
    """

    def __init__(self, home: RowHome, url: Secret, account: int, host: int) -> None:
        """Begin to beat."""
        super().__init__(home)
        self.account = account
        self.host = host
        self.workers: Sequence[Mapping[str, object]] = ()
        self._url = url
        self._clock = SystemClock()
        self._last = super().snapshot()
        self._fault = ""
        self._beat_ns = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._live, name="ledger beat", daemon=True)
        self._thread.start()

    def snapshot(self) -> Snapshot:
        """The ledger as it was read last, about a second ago; this never waits.

        Raises:
            Unusable: the database cannot be read now; the message says why.
        """
        if self._fault:
            raise Unusable(self._fault)
        return self._last

    def close(self) -> None:
        """Say that this host leaves, if the database is there."""
        self._over.set()
        self._thread.join(_CLOSE_S)
        super().close()

    def _live(self) -> None:
        conn: Connection | None = None
        while not self._over.wait(_READ_S):
            try:
                if conn is None or conn.closed:
                    conn = connect(self._url.reveal(), application_name=APPLICATION, autocommit=True)
                self._beat(conn)
                self._last, self._fault = super().snapshot(), ""
            except (Error, LedgerError) as error:
                self._fault = f"the ledger in the database cannot be read: {plain(error)}"
                if conn is not None:
                    conn.close()
        if conn is not None:
            with suppress(Error), closing(conn), translate():
                hosts.leave(conn, self.host)

    def _beat(self, conn: Connection) -> None:
        """Say that this host is alive, when it is time, and resolve what the dead have left."""
        now_ns = self._clock.now_ns()
        if now_ns - self._beat_ns < _BEAT_NS:
            return
        with translate():
            hosts.beat(conn, self.host, self.workers)
        self._beat_ns = now_ns
        self.resolve_dead()


def create_ledger(plan: RunPlan, url: Secret, run: str) -> TokenLedger:
    """The ledger of a run, whose database is at `url`; what a killed supervisor's workers held is resolved.

    Raises:
        LedgerError: the file cannot be used.
        Error: the database cannot be used.
    """
    if plan.settings.ledger == "file":
        plan.state.ledger_marker.unlink(missing_ok=True)
        ledger = TokenLedger.create(
            plan.state.ledger, plan.tiers(), tick_period_s=plan.tick_period_s, account=plan.account(run)
        )
    else:
        replace_file(
            plan.state.ledger_marker, b"The ledger is in the database: `sluicegate ledger dump`.\n", durable=False
        )
        ledger = _create_row(plan, url)
    ledger.resolve_dead()
    return ledger


def settings_for(ledger: TokenLedger | None, given: WorkerSettings) -> WorkerSettings:
    """The settings of workers that spend from this ledger."""
    if not isinstance(ledger, SharedLedger):
        return given
    return msgspec.structs.replace(given, ledger_account=ledger.account, ledger_host=ledger.host)


def attach_beside(plan: RunPlan, given: WorkerSettings) -> tuple[TokenLedger, WorkerSettings]:
    """The ledger of the supervisor that runs with these settings, and the settings of another worker of it."""
    if plan.settings.ledger == "file":
        return TokenLedger.attach(plan.state.ledger), given
    url, account = plan.settings.database_url, account_number(plan.account(""))
    host = _join(plan, url)
    home = RowHome(url.reveal(), account, host, name=APPLICATION)
    return TokenLedger(home), msgspec.structs.replace(given, ledger_account=account, ledger_host=host)


def _create_row(plan: RunPlan, url: Secret) -> TokenLedger:
    name = plan.account("")
    account, host = account_number(name), _join(plan, url)
    home = RowHome(url.reveal(), account, host, name=APPLICATION)
    home.create(name)
    if plan.server is Server.SIMULATOR:
        home.begin_anew()  # each simulator is another account
    TokenLedger(home).configure(plan.tiers(), plan.tick_period_s)
    return SharedLedger(home, url, account, host)


def _join(plan: RunPlan, url: Secret) -> int:
    """The number of this host."""
    settings = plan.settings
    with connect(url.reveal(), application_name=APPLICATION, autocommit=True) as conn, translate():
        return hosts.join(
            conn, hosts.identity(_state_dir_id(plan.state)), settings.host_name or socket.gethostname(), _build()
        )


def _state_dir_id(state: StateDir) -> str:
    """What this state directory is called among all; made when it is asked for first."""
    try:
        found = state.host_id.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        found = ""
    if not found:
        found = str(uuid.uuid4())
        replace_file(state.host_id, found.encode(), durable=True)
    return found


def _build() -> str:
    with suppress(metadata.PackageNotFoundError):
        return metadata.version("sluicegate")
    return "unknown"
