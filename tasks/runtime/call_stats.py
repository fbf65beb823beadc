"""Counts the calls of one process by endpoint: how many had each status, and how long they took. Pure."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

# Upper ends of the ranges in seconds; what took longer is in one more. A page comes in a tenth of a second, a hundred
# products with offers in half a minute, and two minutes is the time-out.
BOUNDS_S: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
NO_REPLY: Final = "none"
OTHER: Final = "other"
_RANGES: Final = len(BOUNDS_S) + 1
_MAX_STATUSES: Final = 12  # of an endpoint: a beat must stay below PIPE_BUF whatever a server answers


class EndpointStats(msgspec.Struct, frozen=True, kw_only=True):
    """The calls of one endpoint.

    Attributes:
        statuses: how many had each HTTP status; those without a reply are under `none`.
        took: how many lasted no longer than each of `BOUNDS_S` and longer than the one before; the last are the rest.
        took_s: seconds they lasted together.
    """

    statuses: dict[str, int]
    took: Annotated[list[int], msgspec.Meta(min_length=_RANGES, max_length=_RANGES)]
    took_s: float


class CallStats:
    """Counts calls."""

    def __init__(self) -> None:
        self._calls: dict[str, EndpointStats] = {}

    def count(self, endpoint: str, status: int | None, seconds: float) -> None:
        """Count a call to `endpoint` that took `seconds`; `status` is None when no reply came."""
        name = NO_REPLY if status is None else str(status)
        took = [0] * _RANGES
        took[bisect_left(BOUNDS_S, seconds)] = 1
        known = self._calls[endpoint].statuses if endpoint in self._calls else {}
        name = name if name in known or len(known) < _MAX_STATUSES else OTHER
        self._calls = merged(self._calls, {endpoint: EndpointStats(statuses={name: 1}, took=took, took_s=seconds)})

    def as_message(self) -> dict[str, Any]:
        """Return the counts in the form that a heartbeat has."""
        return {
            endpoint: {"statuses": dict(calls.statuses), "took": list(calls.took), "took_s": round(calls.took_s, 3)}
            for endpoint, calls in self._calls.items()
        }


def merged(first: Mapping[str, EndpointStats], second: Mapping[str, EndpointStats]) -> dict[str, EndpointStats]:
    """Add up the calls of both, by endpoint."""
    return {
        endpoint: _sum(first[endpoint], second[endpoint])
        if endpoint in first and endpoint in second
        else (first.get(endpoint) or second[endpoint])
        for endpoint in {**first, **second}
    }


def _sum(first: EndpointStats, second: EndpointStats) -> EndpointStats:
    names = {**first.statuses, **second.statuses}
    statuses = {name: first.statuses.get(name, 0) + second.statuses.get(name, 0) for name in names}
    took = [one + other for one, other in zip(first.took, second.took, strict=True)]
    return EndpointStats(statuses=statuses, took=took, took_s=first.took_s + second.took_s)
