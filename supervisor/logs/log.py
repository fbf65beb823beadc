"""The log of a run: records of the supervisor and those its workers write, in one format, repeats counted.

A record is one JSON object on one line, or one line for people in a terminal. `tasks.runtime.log` makes the records.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from ledger.localtime import clock_of
from supervisor.logs import rollup
from supervisor.logs.faults import Faults
from supervisor.logs.phrases import name_of
from supervisor.logs.repeats import Key, RepeatFilter, key_of
from supervisor.logs.rollup import WorkRollup
from supervisor.logs.sentences import is_known, sentence
from supervisor.process.child_pipes import is_deep
from tasks.runtime.log import Logger, is_written, now

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from supervisor.eventloop.loop import Loop, Timer
    from tasks.redaction import Redactor

_FIRST: Final = ("ts", "level", "event", "role", "slot", "pid")
_VALUE_LIMIT: Final = 300  # characters of one value on a line for people
_COLOURS: Final = {"debug": "2", "info": "0", "warning": "33", "error": "31"}


class Log(Logger):
    """The log of a run: remembers the last faults, and counts what repeats. Used by the loop's thread alone."""

    def __init__(
        self,
        put: Callable[[str], None],
        *,
        render: Callable[[Mapping[str, object]], str],
        redactor: Redactor,
        level: str = "info",
    ) -> None:
        super().__init__(self._take, redactor)
        self._put = put
        self._render = render
        self.faults = Faults()
        self.level = level
        self._repeats = RepeatFilter()
        self._rollup = WorkRollup()
        self._loop: Loop | None = None
        self._timer: Timer | None = None
        self._timer_ns = 0

    def count_repeats(self, loop: Loop) -> None:
        """Count lines that repeat, from now on; `loop` calls when a count is due."""
        self._loop = loop

    def relay(self, line: str, *, role: str, slot: int, pid: int | None) -> Mapping[str, object]:
        """Write a line of a child and return its record; a line that is not a record becomes the event `stderr`."""
        if not line.strip():
            return {}
        record = _parse(line)
        if record is None:
            record = {"level": "warning", "event": "stderr", "message": line}
        clean = self._object(record, None)
        record = {"ts": now(), "level": "info", **clean, "role": role, "slot": slot, "pid": pid}
        self._take(record)
        return record

    def flush(self) -> None:
        """Write every count and sum now that is due later."""
        self._write_due(None)

    def _take(self, record: Mapping[str, object]) -> None:
        record = with_sentence(record)
        self.faults.note(record)
        if not is_written(record, self.level):
            return
        if self._loop is not None and not self._lets_through(record, self._loop.now_ns()):
            self._set_timer()
            return
        self._write(record)

    def _lets_through(self, record: Mapping[str, object], now_ns: int) -> bool:
        if record.get("event") in rollup.EVENTS and self.level != "debug":
            return self._rollup.lets_through(record, now_ns)
        return self._repeats.lets_through(key_of(record), now_ns, str(record.get("message") or ""))

    def _write(self, record: Mapping[str, object]) -> None:
        ordered = {name: record[name] for name in _FIRST if record.get(name) is not None}
        self._put(self._render({**ordered, **record}))

    def _set_timer(self) -> None:
        dues = [due_ns for due_ns in (self._repeats.due_ns(), self._rollup.due_ns()) if due_ns is not None]
        if self._loop is None or not dues or (self._timer is not None and self._timer_ns <= min(dues)):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_ns = min(dues)
        self._timer = self._loop.at(self._timer_ns, self._on_due)

    def _on_due(self) -> None:
        self._timer = None
        if self._loop is not None:
            self._write_due(self._loop.now_ns())
            self._set_timer()

    def _write_due(self, now_ns: int | None) -> None:
        for key, count in self._repeats.take_due(now_ns):
            self._write(
                with_sentence({"ts": now(), "level": key.level, "event": "repeated", **_like(key), "times": count})
            )
        for record in self._rollup.take_due(now_ns):
            self._write(with_sentence({**record, "ts": now(), "message": None}))


def _like(key: Key) -> dict[str, object]:
    return {"role": key.role, "slot": key.slot, "like": f"{key.event}: {key.text}"[:_VALUE_LIMIT]}


def with_sentence(record: Mapping[str, object]) -> Mapping[str, object]:
    """Return the record with its sentence for people as `message`, where one is known."""
    words = sentence(record)
    return record if words is None else {**record, "message": words}


def renderer(log_format: str, *, is_terminal: bool) -> Callable[[Mapping[str, object]], str]:
    """Choose how records are written."""
    if is_json(log_format, is_terminal=is_terminal):
        return as_json
    return coloured if is_terminal else as_console


def is_json(log_format: str, *, is_terminal: bool) -> bool:
    """Whether lines are JSON: `auto` means for people in a terminal, and JSON otherwise."""
    return log_format == "json" or (log_format == "auto" and not is_terminal)


def as_json(record: Mapping[str, object]) -> str:
    """Write a record as one JSON object on one line."""
    return json.dumps(
        {name: value for name, value in record.items() if value is not None}, ensure_ascii=False, default=str
    )


def as_console(record: Mapping[str, object]) -> str:
    """Write a record as one line for people: time, who, what; the fields where there is no sentence."""
    shown = dict(with_sentence(record) if record.get("message") is None else record)
    at = clock_of(str(shown.pop("ts", "")))
    level = str(shown.pop("level", "info"))
    event = str(shown.pop("event", ""))
    role, slot, pid = shown.pop("role", None), shown.pop("slot", None), shown.pop("pid", None)
    message, trace = shown.pop("message", None), shown.pop("traceback", None)
    rest = [f"{name}={_short(value)}" for name, value in shown.items() if value is not None]
    if message is not None and is_known(event):
        rest = []  # the sentence has them
    elif pid is not None and level != "info":
        rest.append(f"pid={pid}")
    words = [event.replace("_", " ") if message is None else _short(message, quoted=False), *rest]
    mark = {"warning": "! ", "error": "!! "}.get(level, "")
    line = f"{at} {name_of(role, slot):<11} {mark}{' '.join(words)}"
    return line if trace is None else line + "\n" + "\n".join(f"    {one}" for one in str(trace).splitlines())


def coloured(record: Mapping[str, object]) -> str:
    """Write a record as `as_console` does, in the colour of its level."""
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
