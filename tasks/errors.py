"""The errors of the work, as types that answer "what now?".

Only `tasks.worker` and the commands turn them into exit codes (`EXIT`); everything between raises and lets pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ledger import Reading


class Error(Exception):
    """Every error this program raises on purpose, the ledger's own (`ledger.LedgerError`) apart."""


class ConfigError(Error):
    """The configuration cannot be used: stop everything, do not restart. The message lists all faults."""


class ApiError(Error):
    """A call to the API did not give its answer.

    Attributes:
        status: HTTP status, or None when no reply arrived.
        reading: the bucket as the reply told it, or None: settle the lease with it before going on.
    """

    def __init__(self, message: str, *, status: int | None = None, reading: Reading | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.reading = reading


class Throttled(ApiError):
    """429: the balance was not above 0. Free of charge and no failure: observe the reading, wait at the gate."""


class Transient(ApiError):
    """No reply, a 5xx, or a body cut short: what may pass. Try again, ever more rarely, for as long as it takes."""


class NotSent(Transient):
    """No connection came about, so nothing was sent and nothing can have been charged."""


class Foreign(Transient):
    """What answered is not the API: a portal's page, a proxy's error, an empty body. A failed call, nobody's reply."""


class Refused(ApiError):
    """The API says that this request will never be answered. Quarantine the item with the message, go on."""


class Forbidden(ApiError):
    """The API, or everybody for minutes, refuses the key: exit 77; restarting cannot help."""


class StoreError(Error):
    """PostgreSQL did not do what was asked."""


class Contended(StoreError):
    """What passes: the server is away, read only or full, or another was in the way. The same work is done again."""


class BadRow(StoreError):
    """This piece of work is what the database will not take: it is set aside with its bytes, and others go on."""


class WrongSchema(StoreError):
    """The schema is not the one this build knows (42xxx, or another version): exit 78."""


class NoRows(StoreError):
    """What was asked for is not in the database, or there is no database yet: nothing is wrong."""


EXIT_OK: Final = 0
EXIT_GAVE_UP: Final = 1
EXIT_USAGE: Final = 2
EXIT_DEGRADED: Final = 3
EXIT_NOT_RUNNING: Final = 4
EXIT_BUG: Final = 70
EXIT_ALREADY_RUNNING: Final = 73
EXIT_TRY_LATER: Final = 75
EXIT_REFUSED: Final = 77
EXIT_CONFIG: Final = 78
