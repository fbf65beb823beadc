"""The fields that every JSON body of the API carries: the bucket after the call, its cost, and the error."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import msgspec

from ledger import Reading
from tasks.keepa.decode.lenient import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Callable

_MISSING: Final = msgspec.Raw()

# What can be at all; anything else is somebody's mistake and says nothing. Plans of up to some thousand tokens a minute
# are sold, a bucket holds 60 minutes of them, and a tick is a minute: API documentation, with wide margins. Keepa's
# clock begins in 2011, and its minutes and all counts of tokens are stored as 32-bit numbers.
MOST_TOKENS: Final = 10_000_000
MOST_RATE: Final = 1_000_000
MOST_REFILL_MS: Final = 24 * 3_600_000
EARLIEST_MS: Final = 1_293_840_000_000  # 2011-01-01T00:00Z
LATEST_MS: Final = 4_102_444_800_000  # 2100-01-01T00:00Z
MOST_PROCESSING_MS: Final = 24 * 3_600_000


class ServerFault(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The `error` object of a body."""

    type: str | None = None
    message: str | None = None
    details: str | None = None

    def __str__(self) -> str:
        parts = [part for part in (self.type, self.message, self.details) if part]
        return ": ".join(parts) or "no reason given"


class Head(msgspec.Struct, frozen=True, kw_only=True, gc=False, rename="camel"):
    """The envelope as it arrives, each field unread: one that is odd must not spoil the reply, which is paid for.

    Every field may be missing (an old error body has `error` alone), and a token count may carry a fraction: no
    recorded body has one, but `tokenFlowReduction` is a double and feeds into the balance.
    """

    timestamp: msgspec.Raw = _MISSING
    tokens_left: msgspec.Raw = _MISSING
    tokens_consumed: msgspec.Raw = _MISSING
    refill_in: msgspec.Raw = _MISSING
    refill_rate: msgspec.Raw = _MISSING
    token_flow_reduction: msgspec.Raw = _MISSING
    processing_time_in_ms: msgspec.Raw = _MISSING
    error: msgspec.Raw = _MISSING


class Envelope(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a reply says about the bucket and about itself; tokens whole, times in milliseconds.

    What it needs is None when the body does not have it, or has something there that it cannot be.

    Attributes:
        timestamp_ms: server time, Unix milliseconds.
        tokens_left: balance after the call was charged; may be negative.
        tokens_consumed: what the call cost; 0 in refusals.
        refill_in_ms: time to the next refill tick.
        refill_rate: tokens the server adds at each tick; 0 in error bodies, which then say nothing about the bucket.
    """

    timestamp_ms: int | None
    tokens_left: int | None
    tokens_consumed: int | None
    refill_in_ms: int | None
    refill_rate: int | None
    token_flow_reduction: float
    processing_ms: int
    error: ServerFault | None = None

    @property
    def unusable(self) -> tuple[str, ...]:
        """The needed fields that are None, as the API calls them."""
        needed = {
            "timestamp": self.timestamp_ms,
            "tokensLeft": self.tokens_left,
            "tokensConsumed": self.tokens_consumed,
            "refillIn": self.refill_in_ms,
            "refillRate": self.refill_rate,
        }
        return tuple(name for name, value in needed.items() if value is None)

    def costing_at_most(self, tokens: int) -> Envelope:
        """The same; a cost above that is none, and not known then."""
        if self.tokens_consumed is None or self.tokens_consumed <= tokens:
            return self
        return msgspec.structs.replace(self, tokens_consumed=None)

    @property
    def reading(self) -> Reading | None:
        """The bucket for the ledger; None when a part of it is unknown, or all of it zero as in error bodies."""
        timestamp_ms, left, refill_in_ms, rate = (
            self.timestamp_ms,
            self.tokens_left,
            self.refill_in_ms,
            self.refill_rate,
        )
        if timestamp_ms is None or left is None or refill_in_ms is None or rate is None or rate <= 0:
            return None
        return Reading(
            tokens_left=left,
            refill_rate=rate,
            refill_in_ms=refill_in_ms,
            server_ms=timestamp_ms,
            flow_reduction=self.token_flow_reduction,
        )


def envelope_of(head: Head) -> Envelope:
    """The envelope with whole tokens, fractions rounded to the side of having less."""
    return Envelope(
        timestamp_ms=_whole(head.timestamp, math.floor, EARLIEST_MS, LATEST_MS),
        tokens_left=_whole(head.tokens_left, math.floor, -MOST_TOKENS, MOST_TOKENS),
        tokens_consumed=_whole(head.tokens_consumed, math.ceil, 0, MOST_TOKENS),
        refill_in_ms=_whole(head.refill_in, math.ceil, 0, MOST_REFILL_MS),
        refill_rate=_whole(head.refill_rate, math.floor, 0, MOST_RATE),
        token_flow_reduction=_number(head.token_flow_reduction, -MOST_RATE, MOST_RATE) or 0.0,
        processing_ms=_whole(head.processing_time_in_ms, math.floor, 0, MOST_PROCESSING_MS) or 0,
        error=_fault(head.error),
    )


def _whole(raw: msgspec.Raw, rounded: Callable[[float], int], least: int, most: int) -> int | None:
    number = _number(raw, least, most)
    return None if number is None else rounded(number)


def _number(raw: msgspec.Raw, least: int, most: int) -> float | None:
    """The number, if it is one that can be: an error body has zeros for all, and they can be."""
    try:
        number = _NUMBER.decode(raw)
    except UNREADABLE:
        return None
    return number if number == 0 or least <= number <= most else None


def _fault(raw: msgspec.Raw) -> ServerFault | None:
    """What the server says, in whatever form it says it."""
    if not bytes(raw):
        return None
    try:
        fault = _FAULT.decode(raw)
    except UNREADABLE:
        fault = bytes(raw).decode(errors="replace")
    return ServerFault(message=fault) if isinstance(fault, str) else fault


_NUMBER: Final = msgspec.json.Decoder(int | float)
_FAULT: Final = msgspec.json.Decoder(ServerFault | str | None)
