"""What a job reports while it works: its part of a worker's heartbeat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tasks.runtime.condition import ConditionKind
    from tasks.runtime.heartbeat_writer import Phase
    from tasks.store.quarantine import Kind


class Beat(Protocol):
    """Where a job reports; `HeartbeatWriter` says what each of these means."""

    @property
    def progress(self) -> int:
        """Steps completed since the start."""
        ...

    @property
    def rows(self) -> Mapping[str, int]:
        """Rows written since the start, by table."""
        ...

    def ready(self) -> None:
        """Send that the worker is ready."""

    def phase(self, phase: Phase, detail: str = "", *, until_ns: int | None = None) -> None:
        """Set what is done now, and by when it will be over at the latest."""

    def done(self) -> None:
        """Count one step completed."""

    def wrote(self, *, deals: int = 0, products: int = 0, price_series: int = 0) -> None:
        """Count rows that are committed."""

    def quarantined(self, kind: Kind, count: int = 1) -> None:
        """Count what was quarantined."""

    def called(self, endpoint: str, status: int | None, seconds: float) -> None:
        """Count a call that ended."""

    def degraded(self, kind: ConditionKind, why: str, *, late_s: float = 0.0) -> None:
        """Report a condition that keeps the job from its work."""

    def condition_over(self, kind: ConditionKind) -> None:
        """Report that the condition is over."""

    def is_degraded(self, kind: ConditionKind) -> bool:
        """Whether this condition has begun and is not over."""
        ...

    def job(self, **fields: object) -> None:
        """Set what the job itself reports."""
