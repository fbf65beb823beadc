"""What whoever uses a ledger in a row does while the database cannot be used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from tasks.errors import DatabaseTransient


class Patience(Protocol):
    """What to do while the database cannot be used."""

    def failed(self, error: DatabaseTransient) -> None:
        """Wait until the next try; or raise, when there is nothing to wait for."""
        ...

    def over(self) -> None:
        """It can be used again."""
        ...


class NoPatience:
    """For whoever would rather know at once."""

    def failed(self, error: DatabaseTransient) -> None:
        """Raise the error."""
        raise error

    def over(self) -> None:
        """Do nothing."""
