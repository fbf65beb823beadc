"""A lease as its holder sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ledger.errors import LeaseEnded, LeaseGone

if TYPE_CHECKING:
    from ledger.types import Reading


class LeaseBackend(Protocol):
    """The ledger a lease belongs to."""

    def commit(self, lease: Lease) -> None:
        """Note that the request of the lease is about to be sent."""
        ...

    def settle(self, lease: Lease, consumed: int | None, reading: Reading | None, *, refused: bool) -> None:
        """End the lease with what its call cost."""
        ...

    def cancel(self, lease: Lease) -> None:
        """End the lease: nothing was sent."""
        ...


class Lease:
    """An open reservation. Commit just before the bytes leave, then settle with the reply; or cancel."""

    __slots__ = ("_ledger", "cost", "id", "is_open", "tier")

    def __init__(self, ledger: LeaseBackend, lease_id: int, tier: str, cost: int) -> None:
        self._ledger = ledger
        self.id = lease_id
        self.tier = tier
        self.cost = cost
        self.is_open = True

    def commit(self) -> None:
        """Note that the request is about to be sent: from now on the cost is charged when the owner dies.

        Raises:
            LeaseEnded: it was settled or cancelled before.
            LeaseGone: the ledger does not have it any more; it has ended, and nothing may be sent.
        """
        self._require_open()
        try:
            self._ledger.commit(self)
        except LeaseGone:
            self.is_open = False
            raise

    def settle(self, consumed: int | None, reading: Reading | None = None, *, refused: bool = False) -> None:
        """End the lease: its call cost `consumed` tokens (None: unknown), and `reading` came with the reply.

        `refused` counts a 429. A reading with `refill_rate` 0 says nothing about tokens and is ignored.

        Raises:
            LeaseEnded: it was settled or cancelled before.
        """
        self._require_open()
        self.is_open = False
        self._ledger.settle(self, consumed, reading, refused=refused)

    def cancel(self) -> None:
        """End the lease and give its tokens back: nothing was sent.

        Raises:
            LeaseEnded: it was settled or cancelled before.
        """
        self._require_open()
        self.is_open = False
        self._ledger.cancel(self)

    def _require_open(self) -> None:
        if not self.is_open:
            raise LeaseEnded(f"lease {self.id} of {self.tier} has ended already")
