"""What `fetch` says while it waits, and until when it does: on standard error, so that the answer stands alone."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from ledger import NS_PER_S
from ledger.localtime import near
from supervisor.cli.run import redactor
from supervisor.logs.log import as_console, with_sentence
from tasks.runtime.log import LibraryHandler, capture_library_logs, stream_logger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ledger import Clock, TokenLedger
    from supervisor.config.settings import Settings
    from tasks.jobs.look_up import LookUp
    from tasks.runtime.log import Logger
    from tasks.runtime.stop import Stop

_WAITS: Final = "waiting_tokens"
_REASONS: Final = {
    "floor": "the balance is too low",
    "queue": "others asked before",
    "in flight": "a call that is under way may need them",
    "unsynced": "the balance is not known",
    "hours": "it is outside the hours of its tier",
    "budget": "the tokens of today are spent: INTERACTIVE_TOKENS_PER_DAY",
}


class Patience:
    """A stop flag that is also set when the time to wait is over; once a request is made it waits for its end."""

    def __init__(self, stop: Stop, clock: Clock, seconds: float | None) -> None:
        self._stop = stop
        self._clock = clock
        self._seconds = seconds
        self._until_ns: int | None = None
        self._look_up: LookUp | None = None

    def begin(self, look_up: LookUp) -> None:
        """Wait for this request from now on; the time counts from the first one."""
        self._look_up = look_up
        if self._seconds is not None and self._until_ns is None:
            self._until_ns = self._clock.now_ns() + round(self._seconds * NS_PER_S)

    def is_set(self) -> bool:
        """Whether to stop: Ctrl-C was pressed, or the time is over and the request is not being made."""
        if self._stop.is_set():
            return True
        is_made = self._look_up is not None and self._look_up.has_claimed
        return self._until_ns is not None and not is_made and self._clock.now_ns() >= self._until_ns

    def wait(self, timeout_s: float) -> bool:
        """Wait until the flag is set, at most `timeout_s` seconds; whether it is."""
        left_s = timeout_s
        if self._until_ns is not None:
            left_s = min(timeout_s, max(0.0, (self._until_ns - self._clock.now_ns()) / NS_PER_S))
        self._stop.wait(left_s)
        return self.is_set()


class Progress:
    """Takes the beats of the request and says what a person wants to know of them, each once."""

    def __init__(self, ledger: TokenLedger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._last = ""

    @staticmethod
    def cost(look_up: LookUp, tokens: int, balance: str, key: str | None = None) -> None:
        """Say what the request may cost, and which of several keys pays, before it is paid for."""
        request = look_up.request
        things = "product" if request.items == 1 else "products"
        amount = f"{tokens} token{'s' if tokens != 1 else ''}"
        code = look_up.origin.code
        what = f"at most {request.items} {things} with the code {code}" if code else f"{request.items} {things}"
        whose = "" if key is None else f" of the key {key}"
        _say(f"up to {amount}{whose} for {request.detail} of {what}; {balance}")

    def __call__(self, message: Mapping[str, object]) -> None:
        """Take one beat."""
        words = self._words(message)
        if words and words != self._last:
            self._last = words
            _say(words)

    def _words(self, message: Mapping[str, object]) -> str:
        conditions = message.get("conditions")
        if isinstance(conditions, list) and conditions:
            return f"waits: {conditions[0]['why']}"
        if message.get("phase") == _WAITS:
            return self._gate() or str(message.get("detail", ""))
        return ""

    def _gate(self) -> str:
        """Until when this process waits for tokens, as the ledger has it now."""
        snapshot = self._ledger.snapshot()
        mine = next((one for one in snapshot.waiters if one.owner_pid == os.getpid()), None)
        if mine is None:
            return ""
        now = datetime.now(UTC)
        why = _REASONS.get(mine.reason, mine.reason)
        words = f"waits for {mine.cost:g} token{'s' if mine.cost != 1 else ''} ({why})"
        if mine.opens_in_s is not None:
            words += f" until {_at(now, mine.opens_in_s)}"
        if mine.latest_in_s is not None and mine.latest_in_s - (mine.opens_in_s or 0.0) >= 1:
            words += f", at the latest until {_at(now, mine.latest_in_s)}"
        return f"{words}; Ctrl-C ends the wait, and nothing is paid for then"


def logger(settings: Settings) -> Logger:
    """A log of warnings and errors for a person, on standard error."""
    level = "warning" if settings.log_level == "info" else settings.log_level
    log = stream_logger(
        sys.stderr,
        level=level,
        redactor=redactor(settings),
        render=lambda record: as_console(with_sentence(record)),
    )
    capture_library_logs(LibraryHandler(log))
    return log


def _at(now: datetime, seconds: float) -> str:
    return near(now + timedelta(seconds=seconds), now)


def _say(words: str) -> None:
    sys.stderr.write(f"sluicegate: {words}\n")
    sys.stderr.flush()
