"""The fields every body ends with, in the server's order, around the payload."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

_MESSAGES: Final = {
    400: ("invalidParameter", "You used an invalid parameter for this API call."),
    402: ("unauthorized", "Your API key has no access, or its subscription has ended."),
    404: ("notFound", "There is no such resource."),
    405: ("methodNotAllowed", "A parameter lies outside of the allowed range."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """The account as a reply reports it. All zero says nothing about tokens, as in the bodies of refused requests."""

    timestamp: int
    processing_ms: int = 0
    refill_in_ms: int = 0
    refill_rate: int = 0
    token_flow_reduction: float = 0.0
    tokens_consumed: int = 0
    tokens_left: int = 0

    def body(self, payload: Mapping[str, bytes] | None = None) -> bytes:
        """The JSON, keys in alphabetical order as the server sends them, around a payload that is JSON already."""
        fields = {**self._account(), **(payload or {}), "processingTimeInMs": b"%d" % self.processing_ms}
        return b"{" + b",".join(b'"%b":%b' % (name.encode(), fields[name]) for name in sorted(fields)) + b"}"

    def error(self, status: int, details: str = "") -> bytes:
        """The JSON of a refusal."""
        kind, message = _MESSAGES[status]
        error = msgspec.json.encode({"details": details, "message": message, "type": kind})
        return self.body({"error": error})

    def _account(self) -> dict[str, bytes]:
        fields = {
            "refillIn": self.refill_in_ms,
            "refillRate": self.refill_rate,
            "timestamp": self.timestamp,
            "tokenFlowReduction": float(self.token_flow_reduction),
            "tokensConsumed": self.tokens_consumed,
            "tokensLeft": self.tokens_left,
        }
        return {name: msgspec.json.encode(value) for name, value in fields.items()}
