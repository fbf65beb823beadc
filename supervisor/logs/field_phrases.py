"""Parts of a sentence that are made of the fields of a record: its cause, its numbers, when it is tried again. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ledger.durations import format_duration
from supervisor.logs.phrases import AGAIN, name_range
from tasks.errors import one_line

Fields = Mapping[str, object]


def ends_with_cause(start: str, end: Callable[[Fields], str] = lambda _: "") -> Callable[[Fields], str]:
    """Make a sentence that ends with the error or the reason that the fields name."""

    def make(fields: Fields) -> str:
        cause = cause_in(fields)
        return (f"{start}: {cause}" if cause else start) + end(fields)

    return make


def begins_with_cause(effect: str, end: Callable[[Fields], str] = lambda _: "") -> Callable[[Fields], str]:
    """Make a sentence that begins with its cause, so that a line cut at 80 columns still has it."""

    def make(fields: Fields) -> str:
        cause = cause_in(fields)
        return (f"{cause}; {effect}" if cause else effect) + end(fields)

    return make


def cause_in(fields: Fields) -> str:
    """The error, the reason or the message that the fields name, in one line; nothing when they name none."""
    return one_line(fields.get("error") or fields.get("reason") or fields.get("message") or "")


def list_names(value: object) -> str:
    """The names of a list, the first and the last of many; what is no list as it stands."""
    return name_range([str(one) for one in value]) if isinstance(value, list | tuple) else str(value)


def next_attempt(fields: Fields) -> str:
    """When it is tried again, as the end of a sentence; nothing when the fields do not say."""
    pause = fields.get("retry_in_s") if fields.get("again_in_s") is None else fields["again_in_s"]
    if not isinstance(pause, int | float):
        return ""
    return f"{AGAIN}in {format_duration(pause)}" if round(pause) else f"{AGAIN}in less than 1 s"


def number_in(fields: Fields, name: str) -> str:
    """The number in a field, with commas between thousands.

    Raises:
        KeyError: there is no such field.
        TypeError: it holds no number.
    """
    value = fields[name]
    if not isinstance(value, int | float):
        raise TypeError(name)
    return f"{value:,.10g}"


def count_in(fields: Fields, name: str, noun: str) -> str:
    """The number in a field and what is counted, in the plural unless it is one.

    Raises:
        KeyError: there is no such field.
        TypeError: it holds no number.
    """
    return f"{number_in(fields, name)} {noun}" + ("" if fields[name] == 1 else "s")
