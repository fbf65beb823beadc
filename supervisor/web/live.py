"""The answer of `/live.json`: made once for all who ask within a moment, and not at all while nothing is new."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from supervisor.web.chosen_key import chosen
from supervisor.web.now_view import now_view

if TYPE_CHECKING:
    from collections.abc import Mapping

    from supervisor.status.keys import KeyView
    from supervisor.web.run_reader import Look, RunReader

_VERSION: Final = 12
_ENCODER: Final = msgspec.json.Encoder()


class Live(NamedTuple):
    """The answer, and the name of what it says: the same as long as nothing is new."""

    body: bytes
    version: str


class LiveAnswer:
    """Answers for one run, for each key that somebody looks at. It is used by one thread."""

    def __init__(self, run: RunReader, *, has_control: bool) -> None:
        self._run = run
        self._has_control = has_control
        self._look: Look | None = None
        self._live: dict[str, Live] = {}  # by key, as it was at the last look
        self._before: dict[str, Live] = {}

    def get(self, query: Mapping[str, str]) -> Live:
        """The run now, or a moment ago, with the tokens of the key that `query` names.

        Raises:
            NotHere: there is no such key.
        """
        look = self._run.look()
        if look is not self._look:
            self._look, self._before, self._live = look, self._live, {}
        key = chosen(query, look.status.keys)
        name = "" if key is None else key.name
        if name not in self._live:
            self._live[name] = self._made(look, key, self._before.get(name))
        return self._live[name]

    def _made(self, look: Look, key: KeyView | None, before: Live | None) -> Live:
        """The answer of a look; the one of before where nothing is new."""
        view = now_view(look.status, look.at, has_control=self._has_control, key=key)
        version = hashlib.sha256(_ENCODER.encode(view)).hexdigest()[:_VERSION]
        if before is not None and version == before.version:
            return before
        head = {"version": version, "at": look.at.timestamp()}
        return Live(_ENCODER.encode({**head, **view}), version)
