"""The names of the two jobs, which are those of their tiers in the ledger too. Imports nothing."""

from __future__ import annotations

from typing import Final, Literal

Role = Literal["upsert", "backfill"]
UPSERT: Final = "upsert"
BACKFILL: Final = "backfill"
ROLES: Final[tuple[Role, ...]] = (UPSERT, BACKFILL)  # the first is served first
