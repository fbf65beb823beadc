"""Lets a host end its work and leave the others, while its supervisor stays to say so: the order `drain`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from supervisor.tree.membership import Membership
    from supervisor.tree.workers import WorkerPool


class Draining:
    """Whether the host of a run is to end its work, and how far it is."""

    def __init__(self, pool: WorkerPool, membership: Membership, on_change: Callable[[], object]) -> None:
        """Work; `on_change` is called when something that `status` shows is new."""
        self._pool = pool
        self._membership = membership
        self._on_change = on_change
        membership.on_drain = self.begin

    @property
    def words(self) -> str | None:
        """`draining` or `drained`; None while the host may work."""
        if not self._pool.is_draining:
            return None
        return "drained" if self.is_over else "draining"

    @property
    def is_over(self) -> bool:
        """Whether no call is under way here and the other hosts know it."""
        return self._pool.is_drained and self._membership.is_away

    def begin(self) -> None:
        """Begin no more calls, finish those under way, then leave the other hosts."""
        if not self._pool.is_draining:
            self._membership.begin_to_drain()
            self._pool.drain()
            self._on_change()

    def check(self) -> None:
        """Leave the other hosts once the last worker has ended; called when anything in the run has changed."""
        if self._pool.is_drained:
            self._membership.go_away()

    def end(self) -> None:
        """Work again; the host takes part already."""
        self._pool.end_drain()
        self._on_change()
