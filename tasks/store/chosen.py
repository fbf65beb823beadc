"""Which items of the queue the settings still ask for: those that a selection of theirs has listed. Pure.

A selection or a locale that was taken away leaves its part of the queue behind. That is fetched and counted no more,
and comes back with the selection; `sluicegate queue drop` takes it away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

# Of what an older build queued nobody knows by which selection it came: then the locale decides.
IS_CHOSEN: Final = """
(%(keys)s::text[] IS NULL OR (selection_key IS NOT NULL AND selection_key = ANY(%(keys)s))
 OR (selection_key IS NULL AND domain = ANY(%(domains)s::int[])))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The selections of the settings, by the key of each, and their locales."""

    keys: tuple[str, ...]
    domains: tuple[int, ...]


def parameters(chosen: Chosen | None) -> dict[str, object]:
    """What `IS_CHOSEN` is asked with; None means everything."""
    if chosen is None:
        return {"keys": None, "domains": []}
    return {"keys": list(chosen.keys), "domains": list(chosen.domains)}
