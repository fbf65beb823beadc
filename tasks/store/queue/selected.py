"""Which items of the queue the settings still ask for: those that a selection of theirs has listed. Pure.

A selection or a locale that was taken away leaves its part of the queue behind. That is fetched and counted no more,
and comes back with the selection; `sluicegate queue drop` takes it away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tasks.planning.streams import WantedStreams

# Who asks for an item: the selection that listed it; of what an older build queued nobody knows that, and then its
# locale does. There is an index by it. A selection's key has twelve digits, so that it is never taken for a locale.
ASKER: Final = "coalesce(selection_key, domain::text)"
IS_CHOSEN: Final = f"(%(askers)s::text[] IS NULL OR {ASKER} = ANY(%(askers)s::text[]))"


def parameters(chosen: WantedStreams | None) -> dict[str, list[str] | None]:
    """What `IS_CHOSEN` is asked with; None means everything."""
    return {"askers": None if chosen is None else [*dict.fromkeys([*chosen.keys, *map(str, chosen.domains)])]}
