"""What a child is, as data: its role, its time limits, and when it is started again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from supervisor.process.restart_policy import Policy, RestartType

SIMULATOR: Final = "simulator"
WEB: Final = "web"
FETCH: Final = "fetch"  # asks for one product for a person, and ends
NOTIFY: Final = "notify"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """One child of the tree.

    Attributes:
        ready_s: it must report that it is ready within this time of its start.
        stop_s: between being asked to stop and being killed.
        hang_s: silence allowed past whatever wait it promised; None for a child that sends no beats.
        grace_s: between SIGABRT, on which it prints its stacks, and SIGKILL.
        pass_fds: descriptors of ours that its process gets besides its pipes.
        is_vital: whether the run is degraded while it is not in service, and over when it has failed.
        is_shown: whether the run is degraded while it is not in service, although it is not vital.
    """

    role: str
    slot: int
    restart_type: RestartType = RestartType.PERMANENT
    ready_s: float = 15.0
    stop_s: float = 30.0
    hang_s: float | None = 120.0  # above one HTTP time-out of 120 s only together with what the worker promises
    grace_s: float = 2.0
    policy: Policy = field(default_factory=Policy)
    pass_fds: tuple[int, ...] = ()
    is_vital: bool = True
    is_shown: bool = False

    @property
    def name(self) -> str:
        """What people call it: `upsert-0`."""
        return f"{self.role}-{self.slot}"
