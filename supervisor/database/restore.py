"""Checks that a database may be filled from a back-up, which replaces its tables: no worker may write to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from supervisor.config.state_dir.instance_lock import AlreadyRunning
from tasks.store.connection import connect
from tasks.store.sqlstate import translate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from supervisor.config.state_dir.state_dir import StateDir
    from tasks.secret import Secret

FORCE: Final = "--force"
_APPLICATION: Final = "sluicegate query"
_READS: Final = ("-l", "--list", "-f", "--file")  # pg_restore's own: into a list or a file, not into the database
_OTHERS: Final = """
SELECT application_name FROM pg_stat_activity
WHERE datname = current_database() AND application_name LIKE 'sluicegate %%' AND application_name <> %s
ORDER BY application_name LIMIT 1
"""


def checked(arguments: Sequence[str], url: Secret, state: StateDir) -> list[str]:
    """The arguments for `pg_restore`, without our own `--force`.

    Raises:
        AlreadyRunning: the supervisor runs on this database, here or elsewhere.
        ConfigError: the login or the name of the database.
        StoreError: it does not answer.
    """
    passed_on = [argument for argument in arguments if argument != FORCE]
    if FORCE in arguments or any(argument.split("=")[0] in _READS for argument in arguments):
        return passed_on
    holder = state.lock.holder()
    other = f"the supervisor, pid {holder}," if holder else _other(url)
    if other is not None:
        raise AlreadyRunning(
            f"{other} writes to this database, and pg-restore would replace its tables underneath: stop it first, "
            f"or say {FORCE} if that is what you want"
        )
    return passed_on


def _other(url: Secret) -> str | None:
    """Which program of ours is connected there too, as from another machine."""
    with connect(url.reveal(), application_name=_APPLICATION, autocommit=True) as conn, translate():
        row = conn.execute(_OTHERS, (_APPLICATION,)).fetchone()
    return None if row is None else f"`{row[0]}`"
