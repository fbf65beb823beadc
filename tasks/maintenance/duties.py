"""The list of all duties in the background; a new one is added here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.store.duties import gone

if TYPE_CHECKING:
    from tasks.store.duties.duty import Duty


def duties() -> tuple[Duty, ...]:
    """All duties."""
    return (gone.REPORT,)
