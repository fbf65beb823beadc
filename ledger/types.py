"""The values that callers of the ledger see. Imports nothing of ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

NS_PER_S: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Reading:
    """What one reply says of the bucket: tokens after that call, tokens a tick, ms to the next tick, server time."""

    tokens_left: int
    refill_rate: int
    refill_in_ms: int
    server_ms: int
    flow_reduction: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Not now. `until_ns`: when it opens if nobody else acts; `latest_ns`: when it must at the latest (clock ns).

    None means that only an event can tell (no reading yet, or open calls hold what is needed).
    """

    until_ns: int | None
    latest_ns: int | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Headroom:
    """Tokens one request of the tier could get: at once, and at the most ever."""

    now: int
    ever: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a request looks like: costs are learned by `name`; `prior` is tokens an item before anything is known."""

    name: str
    items: int
    prior: float


class OwnerId(NamedTuple):
    """A process: id and start time."""

    pid: int
    start: int
