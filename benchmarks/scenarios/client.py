"""What the jobs ask of a strategy: may I, and if not, when shall I ask again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ledger import Reading


class Call(Protocol):
    """A call that may be made now."""

    @property
    def items(self) -> int:
        """How many products to ask for; 1 for a page."""
        ...

    def sent(self) -> None:
        """The bytes leave."""
        ...

    def done(self, cost: int, reading: Reading, *, refused: bool = False) -> None:
        """The reply is there, and this is what it says."""
        ...


class Client(Protocol):
    """A strategy as both jobs see it. Each method gives a call, or the clock's nanoseconds when to ask again."""

    def page(self) -> Call | int:
        """A page of deals."""
        ...

    def details(self, most: int) -> Call | int:
        """Details of up to `most` new deals."""
        ...

    def history(self) -> Call | int:
        """A batch of the backfill."""
        ...
