"""Which settings do not fit together, each of them usable by itself. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def of(values: Mapping[str, Any]) -> list[tuple[str, tuple[str, ...]]]:
    """The faults of settings that do not fit together, each with the fields of those settings."""
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
    return faults
