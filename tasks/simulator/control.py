"""Answers `/control`: shows the state of the server and changes it while it runs, for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from tasks.errors import ConfigError
from tasks.simulator import faults

if TYPE_CHECKING:
    from tasks.simulator.service import Service

Json = dict[str, object]
_MOST_PLANNED: Final = 10_000
CHANGES: Final = {
    "rate": "tokens that each refill adds, 1 or more",
    "balance": "tokens in the bucket from now on; below 0 is a debt",
    "take": "tokens to take out of the bucket, as another program would that uses the key",
    "latency_s": "seconds that the work on a call takes",
    "faults": 'the probability of each kind of fault, such as {"timeout": 0.1}; a kind that is not named stays',
    "fail_next": f'the next calls fail: {{"kind": "500", "count": 2, "endpoint": "/deal"}}, where `count` is 1 if it '
    f"is not given and at most {_MOST_PLANNED}, 0 forgets those planned, and without `endpoint` any call fails",
    "lapsed": "which of the keys with a bucket of their own are refused with 402: their places, counted from 0",
}


def change(service: Service, body: bytes) -> Json:
    """Apply the changes in a JSON object, of which `CHANGES` has the keys; the new state.

    Raises:
        ConfigError: it is not understood; nothing was changed.
    """
    changes = _read(body)
    rate, balance, take = (_integer(changes, name) for name in ("rate", "balance", "take"))
    if (rate is not None and rate < 1) or (take is not None and take < 0):
        raise ConfigError("rate must be 1 or more, and take 0 or more")
    latency_s = changes.get("latency_s", service.latency_s)
    if isinstance(latency_s, bool) or not isinstance(latency_s, int | float) or latency_s < 0:
        raise ConfigError("latency_s must be a number of seconds, 0 or more")
    plan = _plan(changes["fail_next"]) if "fail_next" in changes else None
    lapsed = changes.get("lapsed")
    if lapsed is not None and not (isinstance(lapsed, list) and all(isinstance(place, int) for place in lapsed)):
        raise ConfigError("lapsed must be a list of places of keys, counted from 0")
    service.faults.set_shares(_shares(changes))
    if plan is not None:
        service.faults.fail_next(*plan)
    service.latency_s = latency_s
    service.account.change(rate=rate, balance=balance, take=take)
    if lapsed is not None:
        service.lapse(lapsed)
    return service.state()


def _read(body: bytes) -> dict[str, Any]:
    try:
        changes = msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise ConfigError(f"the body must be JSON: {error}") from error
    if not isinstance(changes, dict) or not changes.keys() <= CHANGES.keys():
        raise ConfigError(f"the body must be an object with some of {', '.join(sorted(CHANGES))}")
    return changes


def _integer(changes: dict[str, Any], name: str) -> int | None:
    value = changes.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise ConfigError(f"{name} must be an integer")
    return value


def _shares(changes: dict[str, Any]) -> dict[str, float]:
    shares = changes.get("faults", {})
    if not isinstance(shares, dict) or not all(isinstance(share, int | float) for share in shares.values()):
        raise ConfigError("faults must be an object of probabilities")
    return shares


def _plan(raw: object) -> tuple[faults.Kind, int, str | None]:
    if not isinstance(raw, dict):
        raise ConfigError("fail_next must be an object with kind, and perhaps count and endpoint")
    count, endpoint = raw.get("count", 1), raw.get("endpoint")
    if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= _MOST_PLANNED:
        raise ConfigError(f"fail_next: count must be an integer from 0 to {_MOST_PLANNED}")
    if endpoint is not None and not isinstance(endpoint, str):
        raise ConfigError("fail_next: endpoint must be a path, such as /deal")
    return faults.kind_of(raw.get("kind")), count, endpoint
