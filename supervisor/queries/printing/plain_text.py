"""Text from outside in one line, and sizes in words. Pure."""

from __future__ import annotations

import html
from typing import Final

_SIZE_UNITS: Final = ("B", "kB", "MB", "GB", "TB")
_SIZE_STEP: Final = 1000


def readable(text: str) -> str:
    """The text in one line, with HTML entities decoded and without characters that would control the terminal."""
    plain = html.unescape(text) if "&" in text else text
    return "".join(char if char.isprintable() else " " for char in plain)


def size(count: float) -> str:
    """Bytes in words: 999 B, 12 kB, 1.5 MB."""
    unit = 0
    while count >= _SIZE_STEP and unit < len(_SIZE_UNITS) - 1:
        count, unit = count / _SIZE_STEP, unit + 1
    digits = 0 if _SIZE_UNITS[unit] in {"B", "kB"} else 1
    return f"{count:.{digits}f} {_SIZE_UNITS[unit]}"
