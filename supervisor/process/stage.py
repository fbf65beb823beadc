"""The stages of a run, in their order: they are never gone back."""

from __future__ import annotations

from enum import IntEnum


class Stage(IntEnum):
    """Where the run is."""

    PREPARING = 0
    WORKING = 1
    STOPPING_WORKERS = 2
    STOPPING_DATABASE = 3
    STOPPING_SERVICES = 4
    OVER = 5

    @property
    def words(self) -> str:
        """The state of the supervisor as `status` shows it."""
        names = {Stage.PREPARING: "starting", Stage.WORKING: "running", Stage.OVER: "stopped"}
        return names.get(self, "stopping")
