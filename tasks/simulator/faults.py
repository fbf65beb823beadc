"""Faults on demand: the next calls fail in a given way, or each with a seeded probability."""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING, Final, Literal

from tasks.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind = Literal["500", "timeout", "cut", "non_json", "non_gzip"]
# 500: nothing is done and nothing charged. The others spoil the reply of a call that was done and charged.
KINDS: Final[tuple[Kind, ...]] = ("500", "timeout", "cut", "non_json", "non_gzip")
_NAMES: Final[dict[str, Kind]] = {"http_500": "500", **{kind: kind for kind in KINDS}}


def kind_of(name: object) -> Kind:
    """The kind with a name; `http_500` is another word for `500`.

    Raises:
        ConfigError: there is none.
    """
    kind = _NAMES.get(name) if isinstance(name, str) else None
    if kind is None:
        raise ConfigError(f"no such fault: {name!r}; there are {', '.join(_NAMES)}")
    return kind


class Faults:
    """Decides for each call that is let in whether and how it fails."""

    def __init__(self, seed: int, shares: Mapping[str, float]) -> None:
        self._lock = threading.Lock()
        self._random = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self._shares: dict[Kind, float] = {}
        self._next: list[tuple[Kind, str | None]] = []
        self.set_shares(shares)

    def set_shares(self, shares: Mapping[str, float]) -> None:
        """Replace the probabilities of the kinds named.

        Raises:
            ConfigError: no such kind, or a probability that is none.
        """
        named = {kind_of(name): share for name, share in shares.items()}
        if any(isinstance(share, bool) or not 0 <= share <= 1 for share in named.values()):
            raise ConfigError("faults: a probability is a number from 0 to 1")
        with self._lock:
            self._shares |= named

    def fail_next(self, kind: Kind, count: int, endpoint: str | None) -> None:
        """Let the next `count` calls fail, or the next of one endpoint; 0 forgets those planned."""
        with self._lock:
            if count == 0:
                self._next = [planned for planned in self._next if planned != (kind, endpoint)]
            self._next += [(kind, endpoint)] * count

    def draw(self, endpoint: str) -> Kind | None:
        """How the call that was just let in will fail; None when it will not."""
        with self._lock:
            return self._draw(endpoint)

    def _draw(self, endpoint: str) -> Kind | None:
        for at, (kind, wanted) in enumerate(self._next):
            if wanted is None or wanted == endpoint:
                del self._next[at]
                return kind
        point = self._random.random()
        for kind, share in sorted(self._shares.items()):
            point -= share
            if point < 0:
                return kind
        return None
