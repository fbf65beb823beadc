"""What a ledger needs of the place where its book is kept: a mapped file, plain memory, or a row of a database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger.clock import Clock
    from ledger.model import journal
    from ledger.model.book import Book
    from ledger.model.view import View
    from ledger.types import Owner


class Home(Protocol):
    """Where one book is kept. A change begins, is published or not, and ends; nothing of it is seen before it is.

    Attributes:
        replaced: a sentence when this start has begun the book anew; else empty.
        looks_first: whether a change costs so much that a waiter first reads whether one would help.
    """

    replaced: str
    looks_first: bool

    @property
    def clock(self) -> Clock:
        """The time that all users of the book have in common."""
        ...

    @property
    def ahead_ns(self) -> int:
        """What the clock of the callers, which is this machine's, is ahead of the home's, in nanoseconds."""
        ...

    @property
    def is_current(self) -> bool:
        """Whether the times in the book are by this clock; in the file of an earlier boot they are not."""
        ...

    @property
    def wake_value(self) -> int:
        """A counter that changes with every change that may have opened a gate."""
        ...

    def owner(self) -> Owner:
        """This process, as the book names it."""
        ...

    def is_alive(self, owner: Owner) -> bool:
        """Whether that process still runs, as far as this home can tell; when in doubt it does."""
        ...

    def begin(self) -> View:
        """A copy of the current book to change, which nobody else can change until `end`, which must follow.

        Raises:
            LedgerError: there is no book to change now; the type says what to do.
        """
        ...

    def publish(self, view: View, entries: Sequence[journal.Fields]) -> bool:
        """Make the changed book the current one, with these entries in its journal.

        False: it is certain that nothing was kept, and the change is to be made again on a fresh copy.

        Raises:
            LedgerError: it cannot be published; the type says what to do.
        """
        ...

    def end(self) -> None:
        """Let the next one in; what was not published is forgotten."""
        ...

    def wake(self) -> None:
        """Let every waiter look again: the change just ended may have opened a gate."""
        ...

    def sleep(self, seen: int, seconds: float) -> None:
        """Return when `wake_value` is no longer `seen`, after `seconds` or a cap of the home's own, or on a signal."""
        ...

    def read(self) -> tuple[Book, journal.Journal]:
        """A sound copy of the newest book, and its journal.

        Raises:
            LedgerError: there is none now; the type says what to do.
        """
        ...

    def close(self) -> None:
        """Let go of what is open; the book stays."""
        ...
