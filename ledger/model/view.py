"""A Book with its parts: each ctypes sub-object made once, leases and waiters kept packed.

Making a ctypes sub-object costs more than reading its fields, so a writer keeps one `View` a slot.
"""

from __future__ import annotations

from ctypes import addressof, memmove, sizeof
from typing import TYPE_CHECKING

from ledger.errors import Full
from ledger.model.book import MAX_CLIENTS, MAX_LEASES, MAX_SHAPES, MAX_TIERS, MAX_WAITERS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from ctypes import Structure

    from ledger.model.book import Book
    from ledger.model.entries import ClientState, LeaseState, ShapeState, TierState, WaiterState
    from ledger.types import Owner


class View:
    """A Book and its parts, each made once; `events` collects what a transaction writes to the journal.

    `opens`: a gate may be open when the change is published, so those who wait look again.
    """

    __slots__ = ("book", "clients", "events", "leases", "opens", "shapes", "tiers", "waiters")

    def __init__(self, book: Book, *, is_whole: bool = True) -> None:
        """A writer needs every entry (`is_whole`), a reader only those in use."""
        self.book = book
        whole = (MAX_TIERS, MAX_SHAPES, MAX_LEASES, MAX_WAITERS, MAX_CLIENTS)
        used = (book.tier_count, book.shape_count, book.lease_count, book.waiter_count, book.client_count)
        tiers, shapes, leases, waiters, clients = whole if is_whole else used
        self.tiers: list[TierState] = [book.tiers[i] for i in range(tiers)]
        self.shapes: list[ShapeState] = [book.shapes[i] for i in range(shapes)]
        self.leases: list[LeaseState] = [book.leases[i] for i in range(leases)]
        self.waiters: list[WaiterState] = [book.waiters[i] for i in range(waiters)]
        self.clients: list[ClientState] = [book.clients[i] for i in range(clients)]
        self.events: list[tuple[int, int, int, Owner]] = []
        self.opens = False

    def tier_index(self, name: str) -> int:
        """Position of the tier called `name`.

        Raises:
            KeyError: no tier has that name; the message lists those there are.
        """
        encoded = name.encode()
        for index in range(self.book.tier_count):
            if self.tiers[index].name == encoded:
                return index
        known = ", ".join(self.tiers[i].name.decode() for i in range(self.book.tier_count))
        raise KeyError(f"no tier is called {name!r}; there are: {known}")

    def lease(self, lease_id: int) -> int:
        """Position of the open lease with that id, or -1."""
        for index in range(self.book.lease_count):
            if self.leases[index].id == lease_id:
                return index
        return -1

    def add_lease(self) -> LeaseState:
        """A fresh open lease with its id set.

        Raises:
            Full: the layout holds no more.
        """
        book = self.book
        if book.lease_count >= MAX_LEASES:
            raise Full(f"{MAX_LEASES} leases are open, the layout holds no more: settle or cancel some")
        lease = self.leases[book.lease_count]
        book.lease_count += 1
        lease.id = book.next_id
        book.next_id += 1
        return lease

    def drop_lease(self, index: int) -> None:
        """Remove the lease at `index`, keeping the order and the packing."""
        book = self.book
        book.in_flight_mt -= self.leases[index].cost_mt
        _close_gap(self.leases, index, book.lease_count)
        book.lease_count -= 1

    def add_waiter(self) -> WaiterState:
        """A fresh waiter with its ticket set.

        Raises:
            Full: the layout holds no more.
        """
        book = self.book
        if book.waiter_count >= MAX_WAITERS:
            raise Full(f"{MAX_WAITERS} requests wait already, the layout holds no more: try again later")
        waiter = self.waiters[book.waiter_count]
        book.waiter_count += 1
        waiter.ticket = book.next_id
        book.next_id += 1
        return waiter

    def waiter(self, ticket: int) -> int:
        """Position of the waiter with that ticket, or -1."""
        for index in range(self.book.waiter_count):
            if self.waiters[index].ticket == ticket:
                return index
        return -1

    def drop_waiter(self, index: int) -> None:
        """Remove the waiter at `index`, keeping the order and the packing."""
        _close_gap(self.waiters, index, self.book.waiter_count)
        self.book.waiter_count -= 1

    def drop_client(self, index: int) -> None:
        """Remove the client at `index`, keeping the order and the packing."""
        _close_gap(self.clients, index, self.book.client_count)
        self.book.client_count -= 1


def _close_gap(entries: Sequence[Structure], index: int, count: int) -> None:
    """Move the entries behind `index`, of `count` that lie one behind the other, one place forward."""
    behind = count - 1 - index
    if behind > 0:
        memmove(addressof(entries[index]), addressof(entries[index + 1]), behind * sizeof(entries[index]))
