"""The answer of `/live.json`: made once for all who ask within a moment, and not at all while nothing is new."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from supervisor.web.now_view import now_view

if TYPE_CHECKING:
    from supervisor.web.run_reader import Look, RunReader

_VERSION: Final = 12
_ENCODER: Final = msgspec.json.Encoder()


class Live(NamedTuple):
    """The answer, and the name of what it says: the same as long as nothing is new."""

    body: bytes
    version: str


class LiveAnswer:
    """Answers for one run. It is used by one thread."""

    def __init__(self, run: RunReader, *, has_control: bool) -> None:
        self._run = run
        self._has_control = has_control
        self._look: Look | None = None
        self._live: Live | None = None

    def get(self) -> Live:
        """The run now, or a moment ago."""
        look = self._run.look()
        if self._live is None or look is not self._look:
            self._look = look
            view = now_view(look.status, look.at, has_control=self._has_control)
            version = hashlib.sha256(_ENCODER.encode(view)).hexdigest()[:_VERSION]
            if self._live is None or version != self._live.version:
                head = {"version": version, "at": look.at.timestamp()}
                self._live = Live(_ENCODER.encode({**head, **view}), version)
        return self._live
