"""Which settings do not fit together, each of them usable by itself. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

NO_DATABASE: Final = (
    "LEDGER is `database` but DATABASE_URL is not set: the hosts that share a ledger need a database that all "
    "of them reach, which the embedded one is not. Set DATABASE_URL, or leave out --join and LEDGER"
)
SYNTHETIC: Final = (
    "DATABASE_URL is set but KEEPA_API_KEY is not: synthetic rows would go into your database. "
    "Set KEEPA_API_KEY, unset DATABASE_URL to use an embedded database, "
    "or pass --synthetic-into-database if that is what you want"
)


def of(values: Mapping[str, Any]) -> list[tuple[str, tuple[str, ...]]]:
    """The faults of settings that do not fit together, each with the fields of those settings.

    A value is None where the setting has a fault of its own, which says nothing of whether it fits.
    """
    faults: list[tuple[str, tuple[str, ...]]] = []
    workers = (values["upsert_workers"], values["backfill_workers"])
    if workers == (0, 0):
        words = "UPSERT_WORKERS and BACKFILL_WORKERS are both 0: nothing would be done; set one of them to 1 or more"
        faults.append((words, ("upsert_workers", "backfill_workers")))
    shares = (values["upsert_share"], values["backfill_share"])
    if None not in shares and sum(shares) >= 1:
        words = f"UPSERT_SHARE and BACKFILL_SHARE are {sum(shares):g} together: lower them to less than 1"
        faults.append((words, ("upsert_share", "backfill_share")))
    floors = (values["upsert_floor"], values["backfill_floor"])
    if None not in floors and floors[0] > floors[1]:
        words = (
            f"UPSERT_FLOOR {floors[0]} is above BACKFILL_FLOOR {floors[1]}, but backfill must leave as much as upsert; "
            "raise BACKFILL_FLOOR or lower UPSERT_FLOOR"
        )
        faults.append((words, ("upsert_floor", "backfill_floor")))
    if values["ledger"] == "database" and values["database_url"] == "":
        faults.append((NO_DATABASE, ("ledger", "database_url")))
    return faults


def synthetic(values: Mapping[str, Any]) -> list[tuple[str, tuple[str, ...]]]:
    """The fault of a run without a key, whose rows would go into a database that the user named.

    A command that only reads has none of it: the run may have been told that this is wanted.
    """
    if values["database_url"] and values["keepa_api_key"] == values["keys"] == "":
        return [(SYNTHETIC, ("database_url", "keepa_api_key", "keys"))]
    return []
