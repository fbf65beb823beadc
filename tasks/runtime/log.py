"""One JSON object a line, with the secrets of the process blotted out of every value.

Fields bound once (role, slot, pid) go on every line. Libraries that use `logging` end in the same stream
through `LogBridge`: HTTP libraries print whole URLs, and the API key travels in the URL.
"""

from __future__ import annotations

import json
import logging
import traceback
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TextIO

from tasks.errors import plain
from tasks.redaction import Redactor

if TYPE_CHECKING:
    from collections.abc import Mapping

LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}
VALUE_LIMIT: Final = 8_000  # characters of one value: a server's error page must not become a log line of megabytes


class Logger:
    """Writes events to a text stream. `bind` gives a logger that says more on each line."""

    def __init__(
        self,
        stream: TextIO,
        *,
        level: str = "info",
        redactor: Redactor | None = None,
        fields: Mapping[str, object] | None = None,
    ) -> None:
        self._stream = stream
        self._level = level
        self._redactor = redactor if redactor is not None else Redactor()
        self._fields = dict(fields or {})

    def bind(self, **fields: object) -> Logger:
        """A logger of the same stream, level and secrets that adds `fields` to every line."""
        return Logger(self._stream, level=self._level, redactor=self._redactor, fields={**self._fields, **fields})

    def at(self, level: str) -> Logger:
        """The same logger with another level."""
        return Logger(self._stream, level=level, redactor=self._redactor, fields=self._fields)

    def hide(self, secret: str) -> None:
        """Blot `secret` out of every later line, here and in every logger bound from here."""
        self._redactor.hide(secret)

    def debug(self, event: str, **fields: object) -> None:
        """What only a person who looks for a fault wants to read."""
        self._write("debug", event, fields)

    def info(self, event: str, **fields: object) -> None:
        """What happened, as it should."""
        self._write("info", event, fields)

    def warning(self, event: str, **fields: object) -> None:
        """What went wrong and is being dealt with."""
        self._write("warning", event, fields)

    def alarm(self, event: str, **fields: object) -> None:
        """What a person has to look at."""
        self._write("error", event, fields)

    def failure(self, event: str, error: BaseException, **fields: object) -> None:
        """An error with its traceback, on one line."""
        # Blotted out before it is cut: half a secret would not be known for one.
        text = self._redactor.clean("".join(traceback.format_exception(error)))
        self._write("error", event, {**fields, "error": _describe(error), "traceback": text[-VALUE_LIMIT:]})

    def _write(self, level: str, event: str, fields: Mapping[str, object]) -> None:
        if LEVELS[level] < LEVELS[self._level]:
            return
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = {"ts": now, "level": level, "event": event, **self._fields, **fields}
        clean = {key: self._value(value) for key, value in line.items()}
        # A reader that is gone cannot be told, and the lifeline says the same a moment later.
        with suppress(BrokenPipeError, ValueError):
            self._stream.write(json.dumps(clean, ensure_ascii=False) + "\n")
            self._stream.flush()

    def _value(self, value: object) -> object:
        if value is None or isinstance(value, (bool, int, float)):
            return value
        if isinstance(value, dict):
            return {self._redactor.clean(str(key)): self._value(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._value(item) for item in value]
        text = _describe(value) if isinstance(value, BaseException) else str(value)
        return self._redactor.clean(text)[:VALUE_LIMIT]


class LogBridge(logging.Handler):
    """Brings what libraries log through `logging` into the same stream, secrets blotted out."""

    def __init__(self, log: Logger) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record as the event `library`."""
        self._log._write(level_of(record), "library", {"logger": record.name, "message": record.getMessage()})  # noqa: SLF001 - same module


def level_of(record: logging.LogRecord) -> str:
    """The level of our own at which a library's record is written.

    What psycopg ignores while it cleans up behind an error is a consequence of that error, which is raised and told.
    """
    if record.name.startswith("psycopg") and str(record.msg).startswith("error ignored"):
        return "debug"
    return "error" if record.levelno >= logging.ERROR else "warning"


def _describe(error: object) -> str:
    return plain(error) if isinstance(error, BaseException) else str(error)
