"""What whoever uses a ledger in a row does while the database cannot be used."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from ledger import OtherFormat
    from tasks.errors import DatabaseTransient


HEARD_S: Final = 20.0  # hosts beat every 5 s, and look then whether what they write is read by all
LOOK_S: Final = 0.5


class Patience(Protocol):
    """What to do while the database cannot be used."""

    def failed(self, error: DatabaseTransient) -> None:
        """Wait until the next try; or raise, when there is nothing to wait for."""
        ...

    def unreadable(self, error: OtherFormat) -> None:
        """Wait until the next look at a book that a newer build wrote; or raise the error.

        The hosts of that build write what this one reads as soon as they know that this host takes part.
        """
        ...

    def over(self) -> None:
        """It can be used again."""
        ...


class NoPatience:
    """For whoever would rather know at once."""

    def failed(self, error: DatabaseTransient) -> None:
        """Raise the error."""
        raise error

    def unreadable(self, error: OtherFormat) -> None:
        """Raise the error."""
        raise error

    def over(self) -> None:
        """Do nothing."""


class StartPatience(NoPatience):
    """For a start, which hosts of a newer build hear of with its first beat."""

    def __init__(self, pause: Callable[[float], object] | None = None, *, heard_s: float = HEARD_S) -> None:
        """Look for `heard_s` seconds; `pause` waits between two looks, and in tests something else does."""
        self._looks = 0
        self._heard_s = heard_s
        self._pause = pause or threading.Event().wait

    def unreadable(self, error: OtherFormat) -> None:
        """Wait, at most `heard_s` in all; raise the error after that."""
        self._looks += 1
        if self._looks * LOOK_S > self._heard_s:
            raise error
        self._pause(LOOK_S)
