"""What stands in a cell of a table that is kept up to date: in the first HTML and in `/live.json` it is the same. Pure.

A cell is an object with one letter for each part, because it is sent every second: `t` its text, `s` a state that has a
shape and a colour of its own, `h` where it leads, `u` the moment (in seconds since 1970) that its text counts down to,
`w` the words before that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from datetime import datetime

Cell: TypeAlias = dict[str, Any]
Shape: TypeAlias = Literal["good", "wait", "bad", "off"]

SHAPES: Final[dict[Shape, str]] = {"good": "✔", "wait": "◔", "bad": "✖", "off": "‖"}
NOTHING: Final = "–"  # noqa: RUF001 - a dash where nothing is to be said


def plain(text: str) -> Cell:
    """A text."""
    return {"t": text or NOTHING}


def state(shape: Shape, text: str) -> Cell:
    """A state: a shape, a word and a colour, so that no one of them is needed."""
    return {"t": text, "s": shape}


def count(value: float) -> Cell:
    """A number of tokens, rows or the like."""
    return {"t": f"{value:,.0f}", "n": 1}


def link(text: str, to: str) -> Cell:
    """A link to another page of ours."""
    return {"t": text, "h": to}


def until(shape: Shape, words: str, at: datetime, text: str) -> Cell:
    """A state that ends at a moment: `text` says so, and `words` come before the time that is left."""
    return {"t": text, "s": shape, "w": words, "u": round(at.timestamp())}
