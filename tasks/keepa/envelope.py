"""The fields that every JSON body of the API carries: the bucket after the call, its cost, and the error."""

from __future__ import annotations

import math

import msgspec

from ledger import Reading


class ServerFault(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The `error` object of a body."""

    type: str | None = None
    message: str | None = None
    details: str | None = None

    def __str__(self) -> str:
        parts = [part for part in (self.type, self.message, self.details) if part]
        return ": ".join(parts) or "no reason given"


class Head(msgspec.Struct, frozen=True, kw_only=True, gc=False, rename="camel"):
    """The envelope as it arrives.

    Every field may be missing (an old error body has `error` alone), and a token count may carry a fraction: no
    recorded body has one, but `tokenFlowReduction` is a double and feeds into the balance.
    """

    timestamp: int = 0
    tokens_left: int | float = 0
    tokens_consumed: int | float = 0
    refill_in: int | float = 0
    refill_rate: int | float = 0
    token_flow_reduction: float = 0.0
    processing_time_in_ms: int = 0
    error: ServerFault | None = None


class Envelope(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a reply says about the bucket and about itself; tokens whole, times in milliseconds.

    Attributes:
        timestamp_ms: server time, Unix milliseconds.
        tokens_left: balance after the call was charged; may be negative.
        tokens_consumed: what the call cost; 0 in refusals.
        refill_in_ms: time to the next refill tick.
        refill_rate: tokens the server adds at each tick; 0 in error bodies, which then say nothing about the bucket.
    """

    timestamp_ms: int
    tokens_left: int
    tokens_consumed: int
    refill_in_ms: int
    refill_rate: int
    token_flow_reduction: float
    processing_ms: int
    error: ServerFault | None = None

    @property
    def reading(self) -> Reading | None:
        """The bucket for the ledger, or None when the body is one of those whose token fields are all zero."""
        if self.refill_rate <= 0:
            return None
        return Reading(
            tokens_left=self.tokens_left,
            refill_rate=self.refill_rate,
            refill_in_ms=self.refill_in_ms,
            server_ms=self.timestamp_ms,
            flow_reduction=self.token_flow_reduction,
        )


def envelope_of(head: Head) -> Envelope:
    """The envelope with whole tokens, fractions rounded to the side of having less."""
    return Envelope(
        timestamp_ms=head.timestamp,
        tokens_left=math.floor(head.tokens_left),
        tokens_consumed=math.ceil(head.tokens_consumed),
        refill_in_ms=math.ceil(head.refill_in),
        refill_rate=math.floor(head.refill_rate),
        token_flow_reduction=head.token_flow_reduction,
        processing_ms=head.processing_time_in_ms,
        error=head.error,
    )
