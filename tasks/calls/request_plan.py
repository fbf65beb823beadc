"""What passes between a job and the way to the API: a plan of a request, a request in hand, a reply in the spool."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ledger import Shape
    from tasks.calls.spool import SpoolEntry
    from tasks.calls.spool_header import Header, Origin
    from tasks.keepa.decode.replies import Envelope
    from tasks.keepa.request import Request


@dataclass(frozen=True, slots=True)
class ClaimedRequest:
    """A request and what it is made for."""

    request: Request
    origin: Origin


class RequestPlan(Protocol):
    """What somebody would like to ask the API for."""

    @property
    def tier(self) -> str:
        """Who pays."""
        ...

    @property
    def may_wait(self) -> bool:
        """Whether it is worth waiting for, or only done if the tokens are there now."""
        ...

    @property
    def endpoint(self) -> str:
        """What answers it, such as `/deal`."""
        ...

    @property
    def what(self) -> str:
        """A name of the request, the same for as long as the same is asked for: failures are counted by it."""
        ...

    def plan(self) -> Shape:
        """What to reserve for; planned anew before each attempt."""
        ...

    def claim(self) -> ClaimedRequest | None:
        """The request, now that the tokens are there; None when there is nothing left to ask for."""
        ...

    def release(self) -> None:
        """What was claimed was not asked for; anybody may ask for it."""
        ...

    def postpone(self) -> None:
        """What was claimed was asked for in vain, and may have been charged: nobody asks again before a pause."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SpooledReply:
    """A whole reply with status 200, on disk until it is acknowledged."""

    entry: SpoolEntry | None  # None when the disk did not take it
    header: Header
    body: bytes
    envelope: Envelope

    def acknowledge(self) -> None:
        """The rows are committed: the reply is no longer needed."""
        if self.entry is not None:
            self.entry.remove()
