"""The log: each event becomes a record, a level and named fields, and goes nowhere before its secrets are taken out.

A worker writes its records to stderr as JSON, one a line (`stream_logger`). Its supervisor reads those lines, and its
own log (`supervisor.logs.log`) is a `Logger` too. What libraries say through `logging` becomes a record as well: HTTP
libraries print whole URLs, and the API key travels in the URL.

The rest does without `logging`, because a record here is its fields: they are given as arguments and come out as JSON,
in their order. `logging` formats a message instead, so each call would go through an adapter, and each line of a
worker, which has a time and a level of its own, through a made-up `LogRecord`: that is more code than this class. And
its handlers hold a lock while they write, so the event loop would wait for a thread that is stuck in one.
"""

from __future__ import annotations

import json
import logging
import traceback
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final, TextIO

from tasks.errors import plain
from tasks.redaction import Redactor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Record = Mapping[str, object]

VALUE_LIMIT: Final = 8_000  # characters of one value: a server's error page must not become a log line of megabytes
_LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}


class Logger:
    """Makes a record of each event and hands it, without secrets, to `emit`."""

    def __init__(self, emit: Callable[[Record], None], redactor: Redactor, fields: Record | None = None) -> None:
        self._emit = emit
        self._redactor = redactor
        self._fields = dict(fields or {})

    def bind(self, **fields: object) -> Logger:
        """Make a logger that adds `fields` to every record and hands it to the same place."""
        return Logger(self._emit, self._redactor, {**self._fields, **fields})

    def debug(self, event: str, **fields: object) -> None:
        """Log what only a person who looks for a fault wants to read."""
        self.write("debug", event, fields)

    def info(self, event: str, **fields: object) -> None:
        """Log what happened, as it should."""
        self.write("info", event, fields)

    def warning(self, event: str, **fields: object) -> None:
        """Log what went wrong and is being dealt with."""
        self.write("warning", event, fields)

    def error(self, event: str, **fields: object) -> None:
        """Log what a person has to look at."""
        self.write("error", event, fields)

    def failure(self, event: str, error: BaseException, **fields: object) -> None:
        """Log an error with its traceback, on one line."""
        # The secrets are taken out before it is cut: half a secret would not be known for one.
        text = self.clean("".join(traceback.format_exception(error)))
        self.write("error", event, {**fields, "error": error, "traceback": text[-VALUE_LIMIT:]})

    def write(self, level: str, event: str, fields: Record) -> None:
        """Log an event of this moment."""
        clean = self._object({**self._fields, **fields}, VALUE_LIMIT)
        self._emit({"ts": now(), "level": level, "event": event, **clean})

    def clean(self, text: str) -> str:
        """Return `text` without any secret."""
        return self._redactor.clean(text)

    def _object(self, fields: Record, limit: int | None) -> dict[str, object]:
        return {self.clean(str(name)): self._value(value, limit) for name, value in fields.items()}

    def _value(self, value: object, limit: int | None) -> object:
        """Make what JSON has of `value`: without secrets, and no text in it longer than `limit`."""
        if value is None or isinstance(value, (bool, int, float)):
            return value
        if isinstance(value, dict):
            return self._object(value, limit)
        if isinstance(value, (list, tuple)):
            return [self._value(item, limit) for item in value]
        return self.clean(plain(value) if isinstance(value, BaseException) else str(value))[:limit]


def stream_logger(
    stream: TextIO,
    *,
    level: str = "info",
    redactor: Redactor | None = None,
    render: Callable[[Record], str] | None = None,
) -> Logger:
    """Make a logger that writes each record of `level` or above to `stream`: as JSON, or as the line `render` makes."""

    def emit(record: Record) -> None:
        if not is_written(record, level):
            return
        # When nobody reads any more, the parent is dead: the lifeline ends a worker a moment later.
        with suppress(BrokenPipeError, ValueError):
            line = json.dumps(record, ensure_ascii=False) if render is None else render(record)
            stream.write(line + "\n")
            stream.flush()

    return Logger(emit, Redactor() if redactor is None else redactor)


def is_written(record: Record, level: str) -> bool:
    """Whether a record is of `level` or above; one of an unknown level is an error."""
    return _LEVELS.get(str(record.get("level")), _LEVELS["error"]) >= _LEVELS[level]


def now() -> str:
    """The time of a record: UTC, in milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class LibraryHandler(logging.Handler):
    """Logs the warnings and errors of libraries as the event `library`.

    They come from any thread. `call` has the record written where the log may be used, by default at once.
    """

    def __init__(self, log: Logger, call: Callable[[Callable[[], None]], object] = lambda write: write()) -> None:
        super().__init__(logging.WARNING)
        self._log = log
        self._call = call

    def emit(self, record: logging.LogRecord) -> None:
        """Log one record."""
        fields = {"logger": record.name, "message": record.getMessage()}
        self._call(partial(self._log.write, _level_of(record), "library", fields))


def capture_library_logs(handler: LibraryHandler) -> None:
    """From now on, give `handler` what every library of this process says."""
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


def _level_of(record: logging.LogRecord) -> str:
    # What psycopg ignores while it cleans up behind an error follows from that error, which is raised and logged.
    if record.name.startswith("psycopg") and str(record.msg).startswith("error ignored"):
        return "debug"
    return "error" if record.levelno >= logging.ERROR else "warning"
