"""What the ledger raises; each type answers "what now?", also for whoever starts the process that ends with it.

`exit_code` of a type is the exit code for that, by sysexits.h where it has one.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from ledger.types import Wait


class LedgerError(Exception):
    """The base of every error that the ledger raises on purpose."""

    exit_code: ClassVar[int] = 1


class NotOurs(LedgerError):
    """The file is not a ledger that this build can read: it has another magic, format or layout. It is left alone."""

    exit_code = os.EX_CONFIG


class OtherFormat(NotOurs):
    """The file is a ledger of another build, older or newer: the next start begins it anew and says so.

    Attributes:
        found: the format of the file.
    """

    def __init__(self, message: str, found: int) -> None:
        super().__init__(message)
        self.found = found


class NoLedger(LedgerError):
    """There is no ledger at the path: no run was started there yet."""

    exit_code = os.EX_TEMPFAIL


class Unusable(LedgerError):
    """The file cannot be opened or made: rights, a full disk, a path that is no directory. The message says which."""

    exit_code = os.EX_CONFIG


class Damaged(LedgerError):
    """The file has no sound copy of the state left. Stop everything and start again: it then begins anew."""

    exit_code = os.EX_TEMPFAIL


class Full(LedgerError):
    """There are more open leases, waiters, tiers or shapes than the layout holds."""


class NeverEnough(LedgerError):
    """The request can never be granted, however long it waits: plan a smaller one.

    Attributes:
        cost: tokens asked for.
        max_cost: the largest cost this tier can be granted, in tokens.
    """

    def __init__(self, tier: str, cost: int, max_cost: int) -> None:
        super().__init__(
            f"{tier} can never be granted {cost} tokens at once, but at most {max_cost}: ask for less at a time"
        )
        self.cost = cost
        self.max_cost = max_cost


class NeedsReading(LedgerError):
    """The balance is unknown: ask the server once (`/token` is free), `observe` the answer, then reserve again.

    Raised to one caller at a time, who holds the claim until the reading is observed, the caller dies or 30 s pass.
    """


class NeedsBlindCall(LedgerError):
    """The balance is unknown, and the server gave no usable answer when it was asked.

    Make one small call with `lease_blind`: its reply tells the balance, and a refusal is free.
    """


class NotGranted(LedgerError):
    """`reserve` ended without a lease; `wait` says what it was waiting for."""

    def __init__(self, message: str, wait: Wait) -> None:
        super().__init__(message)
        self.wait = wait


class Stopped(NotGranted):
    """The caller's stop signal was set while it waited."""


class TimedOut(NotGranted):
    """The caller's timeout passed while it waited."""


class LeaseEnded(LedgerError):
    """The lease was settled or cancelled before: a lease ends exactly once."""


class LeaseGone(LedgerError):
    """The ledger has no such lease any more: nothing may be sent for it. Reserve again.

    Its owner was taken for dead, or the ledger lost its last changes or began anew since the lease was granted.
    """

    exit_code = os.EX_TEMPFAIL
