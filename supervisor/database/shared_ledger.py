"""The ledger of a run: in its file, or in the row of the database that hosts share.

Who has a row has a thread that resolves what dead hosts have left and reads the book, so that nobody who asks for it
waits for the database.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

import msgspec

from ledger import NS_PER_S, LedgerError, SystemClock, TokenLedger, Unusable
from ledger.atomic_file import replace_file
from supervisor.config.run_plan import Server
from supervisor.database.hosts import joining
from supervisor.database.ledger_source import APPLICATION, account_number, is_in_database
from tasks.errors import Error, plain
from tasks.store.connection import connect
from tasks.store.ledger_row import plan_rate
from tasks.store.ledger_row.patience import NoPatience, StartPatience
from tasks.store.ledger_row.row import RowHome
from tasks.store.ledger_row.shared_line import SharedLine
from tasks.store.sqlstate import translate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ledger import Snapshot, Tier
    from supervisor.config.run_plan import RunPlan
    from tasks.secret import Secret
    from tasks.settings import WorkerSettings

_READ_S: Final = 1.0
_RESOLVE_NS: Final = 5 * NS_PER_S
_CLOSE_S: Final = 2.0
_MINUTE_S: Final = 60
_SAME: Final = 0.01  # of the rate: the length of a tick is learned ever better


class SharedLedger(TokenLedger):
    """The ledger in a row.

    Attributes:
        account: the row.
        host: the number of this host.
    """

    def __init__(self, home: RowHome, account: int, host: int, plan: RunPlan) -> None:
        """Set the tiers of `plan`, and begin to read."""
        super().__init__(home)
        self.configure(plan.tiers(), plan.tick_period_s)
        self._format, self._epoch = home.written, home.epoch
        self._row = home
        self._url = plan.settings.database_url
        self._told_rate: int | None = None
        self.account = account
        self.host = host
        self._clock = SystemClock()
        self._last = super().snapshot()
        self._fault = ""
        self._resolved_ns = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._live, name="ledger reader", daemon=True)
        self._thread.start()

    def configure(self, tiers: Sequence[Tier], tick_period_s: float) -> None:
        """See `TokenLedger.configure`."""
        super().configure(tiers, tick_period_s)
        self._rules = (tiers, tick_period_s)

    def _carry_over(self) -> None:
        """Set the tiers again where the book may not have all of them.

        It has a newer format now, which may know more of them than the last did; or the server is another one, or was
        started again, and may have lost what was set just before.
        """
        written, epoch = self._row.carry_over(), self._row.epoch
        if written > self._format or epoch != self._epoch:
            self.configure(*self._rules)
        self._format, self._epoch = written, epoch

    def snapshot(self) -> Snapshot:
        """The ledger as it was read last, about a second ago; this never waits.

        Raises:
            Unusable: the database cannot be read now; the message says why.
        """
        if self._fault:
            raise Unusable(self._fault)
        return self._last

    def close(self) -> None:
        """Read no more."""
        self._over.set()
        self._thread.join(_CLOSE_S)
        super().close()

    def _live(self) -> None:
        while not self._over.wait(_READ_S):
            try:
                now_ns = self._clock.now_ns()
                if now_ns - self._resolved_ns >= _RESOLVE_NS:
                    self._resolved_ns = now_ns
                    self.resolve_dead()
                    self._carry_over()
                self._last, self._fault = super().snapshot(), ""
                self._tell_rate()
            except (Error, LedgerError) as error:
                self._fault = f"the ledger in the database cannot be read: {plain(error)}"

    def _tell_rate(self) -> None:
        """Note what the plan earns a minute, when that is new."""
        bucket = self._last.bucket
        rate = round(bucket.refill_rate * _MINUTE_S / bucket.tick_period_s) if self._last.synced else None
        if rate is not None and abs(rate - (self._told_rate or 0)) > rate * _SAME:
            with connect(self._url.reveal(), application_name=APPLICATION, autocommit=True) as conn, translate():
                plan_rate.tell(conn, self.account, rate)
            self._told_rate = rate


def create_ledger(plan: RunPlan, url: Secret, run: str, host: int, line: SharedLine | None = None) -> TokenLedger:
    """The ledger of a run whose database is at `url`; what a killed supervisor's workers held is resolved.

    `host` is the number of this host among those that share the database; 0 where there is only one. `line` is the one
    to the database that ledgers of other keys use too; without it the ledger has its own.

    Raises:
        LedgerError: the file cannot be used.
        Error: the database cannot be used.
    """
    if plan.settings.ledger == "file":
        plan.state.ledger_marker.unlink(missing_ok=True)
        ledger = TokenLedger.create(
            plan.ledger_path, plan.tiers(), tick_period_s=plan.tick_period_s, account=plan.account(run)
        )
    else:
        replace_file(
            plan.state.ledger_marker, b"The ledger is in the database: `sluicegate ledger dump`.\n", durable=False
        )
        ledger = _create_row(plan, line or SharedLine(url.reveal(), APPLICATION), host)
    ledger.resolve_dead()
    return ledger


def create_ledgers(plan: RunPlan, url: Secret, run: str, host: int) -> dict[str, TokenLedger]:
    """The ledger of each key, by its name, all over one line to the database; see `create_ledger`.

    Raises:
        LedgerError: a file cannot be used.
        Error: the database cannot be used.
    """
    found: dict[str, TokenLedger] = {}
    line = SharedLine(url.reveal(), APPLICATION)
    try:
        for name in plan.keys:
            found[name] = create_ledger(plan.of_key(name), url, run, host, line)
    except (Error, LedgerError, OSError):
        for ledger in found.values():
            ledger.close()
        line.lose()  # the next try has one of its own
        raise
    return found


def settings_for(ledgers: Mapping[str, TokenLedger], given: WorkerSettings) -> WorkerSettings:
    """The settings of workers that spend from these ledgers."""
    rows = {name: one for name, one in ledgers.items() if isinstance(one, SharedLedger)}
    if given.key_name not in rows:
        return given
    keys = tuple(
        msgspec.structs.replace(key, ledger_account=rows[key.name].account) if key.name in rows else key
        for key in given.keys
    )
    own = rows[given.key_name]
    return msgspec.structs.replace(given, ledger_account=own.account, ledger_host=own.host, keys=keys)


def attach_beside(plan: RunPlan, given: WorkerSettings) -> tuple[TokenLedger, WorkerSettings]:
    """The ledger of the supervisor that runs with these settings, and the settings of another worker of it."""
    if not is_in_database(plan):
        return ledger_beside(plan), given
    ledger, account, host = _row_beside(plan)
    return ledger, msgspec.structs.replace(given, ledger_account=account, ledger_host=host)


def ledger_beside(plan: RunPlan) -> TokenLedger:
    """The ledger of the supervisor that runs with these settings.

    Raises:
        LedgerError: it cannot be used.
        Error: the database cannot be used.
    """
    return _row_beside(plan)[0] if is_in_database(plan) else TokenLedger.attach(plan.ledger_path)


def _row_beside(plan: RunPlan) -> tuple[TokenLedger, int, int]:
    """The ledger in the database, its account, and the number of this host."""
    url, account = plan.settings.database_url, account_number(plan.account(""))
    host = joining.number_beside(plan, url)
    return TokenLedger(RowHome(url.reveal(), account, host, name=APPLICATION)), account, host


def _create_row(plan: RunPlan, line: SharedLine, host: int) -> TokenLedger:
    name = plan.account("")
    account = account_number(name)
    home = RowHome(line, account, host)
    home.patience = StartPatience()
    home.create(name)
    if plan.server is Server.SIMULATOR:
        home.begin_anew()  # each simulator is another account
    ledger = SharedLedger(home, account, host, plan)
    home.patience = NoPatience()
    return ledger
