"""Parses a `.env` file into names and values, and says which lines are neither a setting nor a comment. Pure.

python-dotenv reads it. It leaves out what it does not understand, so that a slip in the line of the key would start
the simulator: here such a line is a fault. A line may hold a secret, so a message names it by its number.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from dotenv.parser import parse_stream

from supervisor.config.options import BY_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dotenv.parser import Binding

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")  # other programs have names with dots and dashes
_BLANK: Final = re.compile(r"\s*")
_LINE_END: Final = re.compile(r"\r\n|\n|\r")
# A name and = with a quotation mark behind it: python-dotenv finds no fault in such a line but that it has no end.
_OPEN_QUOTE: Final = re.compile(
    r"""\s*(?:export\s+)?[A-Za-z_][\w.-]*\s*=\s*(["'])(?:\\.|(?!\1)[^\r\n\\])*(?:[\r\n]|\Z)"""
)
_WORDS: Final = re.compile(r"[A-Za-z_]+")
_MEANT: Final = re.compile(r"[\s-]*(?:(?:export|set)\s+)?([A-Za-z_]\w*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvFile:
    """The contents of a file.

    Attributes:
        values: the value of each name; of several the last.
        faults: the lines that cannot be understood, each a sentence without the text of the line.
        unread: the settings whose names stand in such lines.
        may_set_any: whether such a line begins with no setting's name, and so may have been meant for any of them.
        repeated: for each setting with more than one line, their numbers.
    """

    values: dict[str, str] = field(default_factory=dict, repr=False)  # with the secrets in clear
    faults: tuple[str, ...] = ()
    unread: frozenset[str] = frozenset()
    may_set_any: bool = False
    repeated: dict[str, tuple[int, ...]] = field(default_factory=dict)


def parse(text: str) -> EnvFile:
    """The names and values in `text`, and what is wrong in it."""
    values: dict[str, str] = {}
    faults: list[str] = []
    unread: set[str] = set()
    may_set_any = False
    lines: dict[str, list[int]] = {}
    for line, binding in _bindings(text):
        fault = _fault(binding)
        if fault is not None:
            faults.append(f"line {line} {fault}")
            unread.update(name for name in BY_NAME if name in binding.original.string.upper())
            may_set_any = may_set_any or not _names_each(binding.original.string)
        elif binding.key is not None and binding.value is not None:
            values[binding.key] = binding.value
            lines.setdefault(binding.key, []).append(line)
    repeated = {name: tuple(at) for name, at in lines.items() if len(at) > 1 and name in BY_NAME}
    return EnvFile(
        values=values,
        faults=tuple(faults),
        unread=frozenset(unread),
        may_set_any=may_set_any,
        repeated=repeated,
    )


def _bindings(text: str) -> Iterator[tuple[int, Binding]]:
    """Each line with its number; python-dotenv counts the blank lines before it as a part of it."""
    # After a line that it does not understand, python-dotenv takes \r\n for two ends.
    for binding in parse_stream(io.StringIO(_LINE_END.sub("\n", text.removeprefix("\ufeff")))):
        blank = _BLANK.match(binding.original.string)
        before = "" if blank is None else blank[0]
        yield binding.original.line + before.count("\n"), binding


def _fault(binding: Binding) -> str | None:
    """What is wrong with a line; None when nothing is, or when it is a comment."""
    if binding.error and _OPEN_QUOTE.match(binding.original.string):
        return f"is not understood{_meant_setting(binding)}: a quotation mark is opened and not closed; close it"
    if binding.error or (binding.key is not None and binding.value is None):
        return f"is not understood{_meant_setting(binding)}: write NAME=value, and # in front of a comment"
    if binding.key is None:
        return None
    if not _NAME.fullmatch(binding.key):
        return f"is not understood{_meant_setting(binding)}: what stands before = is not a name; write NAME=value"
    if binding.key in BY_NAME and "\n" in (binding.value or ""):
        return f"begins a value of {binding.key} that goes on in the next line; is a quotation mark missing?"
    return None


def _names_each(text: str) -> bool:
    """Whether each line of `text` that is no comment begins with the name of a setting."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return all((found := _MEANT.match(line)) is not None and found[1] in BY_NAME for line in lines)


def _meant_setting(binding: Binding) -> str:
    """The setting that is probably meant, when the line begins with one: a name is not a secret."""
    first = next((word for word in _WORDS.findall(binding.original.string) if word != "export"), "")
    return f" (is {first} meant?)" if first in BY_NAME else ""
