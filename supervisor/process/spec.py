"""What a child is, as data: its role, its time limits, and when it is started again."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Final

SIMULATOR: Final = "simulator"


class RestartType(Enum):
    """When a child that ended is started again (OTP's restart types)."""

    PERMANENT = "permanent"
    """Always: there is no good end to it."""
    TRANSIENT = "transient"
    """Unless it ended well: exit 0 after it was ready."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How long to pause before a restart, and how many deaths are too many.

    The defaults are read as a pair: with pauses of 1, 2, 4, 8 and 16 s a child that dies at once has died six
    times after 31 s, which is more than 5 in 60 s. One that needs longer to die never trips it and is
    retried every `cap_s` for ever, which is meant: a database may be unavailable for hours.
    """

    first_s: float = 1.0
    cap_s: float = 60.0
    jitter: float = 0.1  # part of the pause: children that died together must not come back together
    stable_s: float = 60.0  # this long in service, and a death is no sign of a loop: the pauses begin anew
    max_restarts: int = 5
    period_s: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """One child of the tree.

    Attributes:
        ready_s: it must report that it is ready within this time of its start.
        stop_s: between being asked to stop and being killed.
        hang_s: silence allowed past whatever wait it promised; None for a child that sends no beats.
        grace_s: between SIGABRT, on which it prints its stacks, and SIGKILL.
    """

    role: str
    slot: int
    restart_type: RestartType = RestartType.PERMANENT
    ready_s: float = 15.0
    stop_s: float = 30.0
    hang_s: float | None = 120.0  # above one HTTP time-out of 120 s only together with what the worker promises
    grace_s: float = 2.0
    policy: Policy = field(default_factory=Policy)

    @property
    def name(self) -> str:
        """What people call it: `upsert-0`."""
        return f"{self.role}-{self.slot}"
