"""The names of the two jobs, which are those of their tiers in the ledger too, and the tier of a person's requests.

Imports nothing.
"""

from __future__ import annotations

from typing import Final, Literal

Role = Literal["upsert", "backfill"]
UPSERT: Final = "upsert"
BACKFILL: Final = "backfill"
INTERACTIVE: Final = "interactive"  # a tier without a job: requests by hand, which come first
ROLES: Final[tuple[Role, ...]] = (UPSERT, BACKFILL)  # the first is served first
