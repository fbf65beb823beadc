"""The door for tests: looks into the server and changes it while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from tasks.errors import ConfigError
from tasks.simulator import faults

if TYPE_CHECKING:
    from tasks.simulator.service import Service

Json = dict[str, object]
_MOST_PLANNED: Final = 10_000


def change(service: Service, wish: bytes) -> Json:
    """Do what a JSON object asks: `rate`, `balance`, `take`, `latency_s`, `faults`, `fail_next`; the new state.

    Raises:
        ConfigError: the wish is not understood; nothing was changed.
    """
    asked = _read(wish)
    rate, balance, take = (_integer(asked, name) for name in ("rate", "balance", "take"))
    if (rate is not None and rate < 1) or (take is not None and take < 0):
        raise ConfigError("rate: 1 or more; take: 0 or more")
    latency_s = asked.get("latency_s", service.latency_s)
    if isinstance(latency_s, bool) or not isinstance(latency_s, int | float) or latency_s < 0:
        raise ConfigError("latency_s: seconds")
    plan = _plan(asked["fail_next"]) if "fail_next" in asked else None
    service.faults.set_shares(_shares(asked))
    if plan is not None:
        service.faults.fail_next(*plan)
    service.latency_s = latency_s
    service.account.change(rate=rate, balance=balance, take=take)
    return service.account.report()


def _read(wish: bytes) -> dict[str, Any]:
    try:
        asked = msgspec.json.decode(wish)
    except msgspec.DecodeError as error:
        raise ConfigError(f"not JSON: {error}") from error
    known = {"rate", "balance", "take", "latency_s", "faults", "fail_next"}
    if not isinstance(asked, dict) or not asked.keys() <= known:
        raise ConfigError(f"an object with some of {', '.join(sorted(known))}")
    return asked


def _integer(asked: dict[str, Any], name: str) -> int | None:
    value = asked.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise ConfigError(f"{name}: an integer")
    return value


def _shares(asked: dict[str, Any]) -> dict[str, float]:
    shares = asked.get("faults", {})
    if not isinstance(shares, dict) or not all(isinstance(share, int | float) for share in shares.values()):
        raise ConfigError("faults: an object of probabilities")
    return shares


def _plan(raw: object) -> tuple[faults.Kind, int, str | None]:
    if not isinstance(raw, dict):
        raise ConfigError("fail_next: an object with kind, count and perhaps endpoint")
    count, endpoint = raw.get("count", 1), raw.get("endpoint")
    if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= _MOST_PLANNED:
        raise ConfigError("fail_next: a count")
    if endpoint is not None and not isinstance(endpoint, str):
        raise ConfigError("fail_next: endpoint, such as /deal")
    return faults.kind_of(raw.get("kind")), count, endpoint
