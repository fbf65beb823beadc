"""Changes one setting in the text of a `.env` file and leaves every other line as it is. Pure."""

from __future__ import annotations

import io
import re
from typing import Final

from dotenv.parser import parse_stream

_PLAIN: Final = re.compile(r"[A-Za-z0-9_./:+-]*")
_SPECIAL: Final = re.compile(r"(['\\])")


def with_value(text: str, name: str, value: str) -> str:
    """The text with `NAME=value` in place of the first line that sets it, or at the end; no other line sets it."""
    line = f"{name}={_quoted(value)}\n"
    kept: list[str] = []
    is_placed = False
    for binding in parse_stream(io.StringIO(text)):
        if binding.key != name:
            kept.append(binding.original.string)
        elif not is_placed:
            kept.append(line)
            is_placed = True
    whole = "".join(kept)
    if is_placed:
        return whole
    return f"{whole}{'' if not whole or whole.endswith(chr(10)) else chr(10)}{line}"


def _quoted(value: str) -> str:
    if _PLAIN.fullmatch(value):
        return value
    return "'" + _SPECIAL.sub(r"\\\1", value) + "'"
