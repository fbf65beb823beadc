"""Log records: ours and those the workers write, in one format, without secrets, repeats counted.

A record is one JSON object on one line, or one line for people in a terminal. What libraries say through `logging`
becomes such a record too.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from ledger.localtime import clock_of
from supervisor.logs import rollup
from supervisor.logs.faults import Faults
from supervisor.logs.phrases import name_of
from supervisor.logs.repeats import Key, RepeatFilter, key_of
from supervisor.logs.rollup import WorkRollup
from supervisor.logs.sentences import is_known, sentence
from supervisor.process.output import is_deep
from tasks.runtime.log import LEVELS, level_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from supervisor.eventloop.loop import Loop, Timer
    from tasks.redaction import Redactor

_FIRST: Final = ("ts", "level", "event", "role", "slot", "pid")
_VALUE_LIMIT: Final = 300  # characters of one value on a line for people
_COLOURS: Final = {"debug": "2", "info": "0", "warning": "33", "error": "31"}


class Log:
    """Writes records through `put`, and remembers the last faults. Used by the loop's thread alone."""

    def __init__(
        self,
        put: Callable[[str], None],
        *,
        render: Callable[[Mapping[str, object]], str],
        redactor: Redactor,
        level: str = "info",
    ) -> None:
        self._put = put
        self._render = render
        self._redactor = redactor
        self.faults = Faults(redactor.clean)
        self.level = level
        self._repeats = RepeatFilter()
        self._steady = WorkRollup()
        self._loop: Loop | None = None
        self._timer: Timer | None = None
        self._timed_ns = 0

    def count_repeats(self, loop: Loop) -> None:
        """From now on count lines that repeat; `loop` says when a number is due."""
        self._loop = loop

    def clean(self, text: str) -> str:
        """The text without any secret."""
        return self._redactor.clean(text)

    def debug(self, event: str, **fields: object) -> None:
        """What only a person who looks for a fault wants to read."""
        self.write("debug", event, fields)

    def info(self, event: str, **fields: object) -> None:
        """What happened, as it should."""
        self.write("info", event, fields)

    def warning(self, event: str, **fields: object) -> None:
        """What went wrong and is being dealt with."""
        self.write("warning", event, fields)

    def error(self, event: str, **fields: object) -> None:
        """What a person has to look at."""
        self.write("error", event, fields)

    def write(self, level: str, event: str, fields: Mapping[str, object]) -> None:
        """Write a record of this moment."""
        self._emit({"ts": _now(), "level": level, "event": event, **fields})

    def relay(self, line: str, *, role: str, slot: int, pid: int | None) -> Mapping[str, object]:
        """Write what a child wrote, and give it back as a record; what is no record becomes the event `stderr`."""
        if not line.strip():
            return {}
        record = _parse(line)
        if record is None:
            record = {"level": "warning", "event": "stderr", "message": line}
        record = {"ts": _now(), "level": "info", **record, "role": role, "slot": slot, "pid": pid}
        self._emit(record)
        return record

    def settle(self) -> None:
        """Write every number that is owed by now."""
        self._tell(None)

    def close(self) -> None:
        """Write every number that is still owed."""
        self.settle()

    def _emit(self, record: Mapping[str, object]) -> None:
        record = with_sentence(record)
        self.faults.note(record)
        if LEVELS.get(str(record.get("level")), LEVELS["error"]) < LEVELS[self.level]:
            return
        if self._loop is not None and not self._lets_through(record, self._loop.now_ns()):
            self._plan()
            return
        self._out(record)

    def _lets_through(self, record: Mapping[str, object], now_ns: int) -> bool:
        if record.get("event") in rollup.EVENTS and self.level != "debug":
            return self._steady.lets_through(record, now_ns)
        return self._repeats.lets_through(key_of(record), now_ns, str(record.get("message") or ""))

    def _out(self, record: Mapping[str, object]) -> None:
        ordered = {name: record[name] for name in _FIRST if record.get(name) is not None}
        self._put(self._redactor.clean(self._render({**ordered, **record})))

    def _plan(self) -> None:
        dues = [due_ns for due_ns in (self._repeats.due_ns(), self._steady.due_ns()) if due_ns is not None]
        if self._loop is None or not dues or (self._timer is not None and self._timed_ns <= min(dues)):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timed_ns = min(dues)
        self._timer = self._loop.at(self._timed_ns, self._tell_due)

    def _tell_due(self) -> None:
        self._timer = None
        if self._loop is not None:
            self._tell(self._loop.now_ns())
            self._plan()

    def _tell(self, now_ns: int | None) -> None:
        for key, count in self._repeats.take_due(now_ns):
            self._out(
                with_sentence({"ts": _now(), "level": key.level, "event": "repeated", **_like(key), "times": count})
            )
        for record in self._steady.take_due(now_ns):
            self._out(with_sentence({**record, "ts": _now(), "message": None}))


def _like(key: Key) -> dict[str, object]:
    return {"role": key.role, "slot": key.slot, "like": f"{key.event}: {key.text}"[:_VALUE_LIMIT]}


def with_sentence(record: Mapping[str, object]) -> Mapping[str, object]:
    """The record with its sentence for people as `message`, where one is known."""
    words = sentence(record)
    return record if words is None else {**record, "message": words}


def renderer(log_format: str, *, is_terminal: bool) -> Callable[[Mapping[str, object]], str]:
    """How records are written."""
    if is_json(log_format, is_terminal=is_terminal):
        return as_json
    return coloured if is_terminal else as_console


def is_json(log_format: str, *, is_terminal: bool) -> bool:
    """Whether lines are JSON: `auto` means for people in a terminal, and JSON otherwise."""
    return log_format == "json" or (log_format == "auto" and not is_terminal)


def as_json(record: Mapping[str, object]) -> str:
    """One JSON object on one line."""
    return json.dumps(
        {name: value for name, value in record.items() if value is not None}, ensure_ascii=False, default=str
    )


def as_console(record: Mapping[str, object]) -> str:
    """One line for people: time, who, what; of what has no sentence the fields."""
    shown = dict(with_sentence(record) if record.get("message") is None else record)
    at = clock_of(str(shown.pop("ts", "")))
    level = str(shown.pop("level", "info"))
    event = str(shown.pop("event", ""))
    role, slot, pid = shown.pop("role", None), shown.pop("slot", None), shown.pop("pid", None)
    message, trace = shown.pop("message", None), shown.pop("traceback", None)
    rest = [f"{name}={_short(value)}" for name, value in shown.items() if value is not None]
    if message is not None and is_known(event):
        rest = []  # the sentence tells it all
    elif pid is not None and level != "info":
        rest.append(f"pid={pid}")
    words = [event.replace("_", " ") if message is None else _short(message, quoted=False), *rest]
    mark = {"warning": "! ", "error": "!! "}.get(level, "")
    line = f"{at} {name_of(role, slot):<11} {mark}{' '.join(words)}"
    return line if trace is None else line + "\n" + "\n".join(f"    {one}" for one in str(trace).splitlines())


def coloured(record: Mapping[str, object]) -> str:
    """`as_console` in the colour of its level."""
    colour = _COLOURS.get(str(record.get("level")), "0")
    line = as_console(record)
    return line if colour == "0" else f"\x1b[{colour}m{line}\x1b[0m"


def _short(value: object, *, quoted: bool = True) -> str:
    if isinstance(value, dict | list):
        text = json.dumps(value, ensure_ascii=False, default=str)
    else:
        text = f"{value:g}" if isinstance(value, float) else str(value)
    text = text if len(text) <= _VALUE_LIMIT else text[:_VALUE_LIMIT] + "…"
    text = text.replace("\t", " ")
    text = "".join(char if char.isprintable() or char == "\n" else "?" for char in text).replace("\n", " | ")
    return f'"{text}"' if quoted and (" " in text or not text) and isinstance(value, str) else text


def _parse(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    is_record = isinstance(value, dict) and isinstance(value.get("event"), str) and not is_deep(value)
    return value if is_record else None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class LibraryHandler(logging.Handler):
    """Hands warnings and errors over to the loop, whichever thread they come from."""

    def __init__(self, loop: Loop, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._loop = loop
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record as the event `library`."""
        level = level_of(record)
        fields = {"logger": record.name, "message": record.getMessage()}
        self._loop.call(lambda: self._log.write(level, "library", fields))


def capture_library_logs(loop: Loop, log: Log) -> None:
    """From now on hear every library of this process."""
    logging.basicConfig(level=logging.WARNING, handlers=[LibraryHandler(loop, log)], force=True)
