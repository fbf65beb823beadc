"""Where the ledger of a run can be read: in its file, or in a row of the database."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import msgspec

from ledger import LedgerError, TokenLedger, Unusable
from tasks.errors import Error

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ledger import Snapshot
    from supervisor.config.run_plan import RunPlan
    from supervisor.config.state_dir.state_dir import StateDir
    from tasks.secret import Secret

APPLICATION: Final = "sluicegate ledger"


@dataclass(frozen=True, slots=True)
class LedgerSource:
    """Where the ledger of a run can be read: in its file, or in the row `account` of the database at `url`."""

    path: Path
    url: Secret
    account: int = 0

    def open(self) -> TokenLedger:
        """The ledger, to be looked at.

        Raises:
            LedgerError: there is none that can be read.
        """
        if not self.account:
            return TokenLedger.attach(self.path, read_only=True)
        from tasks.store.ledger_row.row import RowHome

        return _Read(RowHome(self.url.reveal(), self.account, 0, name=APPLICATION))


def source_of(plan: RunPlan) -> LedgerSource:
    """Where the ledger of these settings can be read."""
    account = account_number(plan.account("")) if is_in_database(plan) else 0
    return LedgerSource(plan.ledger_path, plan.settings.database_url, account)


def snapshot_of(plan: RunPlan) -> Snapshot | None:
    """The ledger at this moment; None when there is none, or none that can be read."""
    try:
        ledger = source_of(plan).open()
    except (LedgerError, OSError):
        return None
    try:
        return ledger.snapshot()
    except LedgerError:
        return None
    finally:
        ledger.close()


def accounts_of(plan: RunPlan) -> dict[str, int]:
    """The keys of the plan by name, each with the row of its ledger in the database, 0 when it is in a file."""
    return {name: source_of(plan.of_key(name)).account for name in plan.keys}


def sources_in(state: StateDir, url: Secret, accounts: Mapping[str, int]) -> dict[str, LedgerSource]:
    """Where the ledgers of `accounts` can be read, for a process that is told no more of the keys."""
    return {name: LedgerSource(state.ledger_of(name), url, account) for name, account in accounts.items()}


def is_in_database(plan: RunPlan) -> bool:
    """Whether the ledger is in the database, by the settings or because the last run was told to join the others."""
    return plan.settings.ledger == "database" or (plan.database is None and plan.state.ledger_marker.exists())


def as_last_run(plan: RunPlan) -> RunPlan:
    """The plan of a command while no supervisor runs: its ledger is where that of the last run was."""
    if not is_in_database(plan):
        return plan
    return replace(plan, settings=msgspec.structs.replace(plan.settings, ledger="database"))


def account_number(account: str) -> int:
    """The 64 bits of an account's hash, which name its row."""
    return int(account, 16)


class _Read(TokenLedger):
    """A ledger whose database may be away, which is said as of a file that cannot be read."""

    def snapshot(self) -> Snapshot:
        """The ledger at this moment.

        Raises:
            LedgerError: it cannot be read.
        """
        try:
            return super().snapshot()
        except Error as error:
            raise Unusable(f"the ledger in the database cannot be read: {error}") from error
