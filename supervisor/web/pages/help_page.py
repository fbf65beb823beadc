"""What the words mean and which keys there are."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from supervisor.web.cells import SHAPES, Shape
from supervisor.web.page import Listing, Page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from supervisor.web.page import Visit

_TERM: Final = re.compile(r"^- \*\*(?P<term>[^*]+)\*\*: (?P<text>.+)$", re.MULTILINE)
_KEYS: Final = (("g n", "Now"), ("g e", "Events"), ("p", "stop and go on with live numbers"), ("?", "this page"))
_SHAPES: Final[dict[Shape, str]] = {
    "good": "in service, open, done",
    "wait": "waits, or is about to change",
    "bad": "needs a look",
    "off": "paused, stopped or over",
}


@cache
def glossary() -> tuple[tuple[str, str], ...]:
    """Each word with what it means; the text is that of docs/glossary.md."""
    text = (resources.files("supervisor.web") / "help" / "glossary.md").read_text(encoding="utf-8")
    return tuple((found["term"], found["text"].replace("`", "")) for found in _TERM.finditer(text))


def _data(_visit: Visit) -> Mapping[str, Any]:
    shapes = [(SHAPES[name], text) for name, text in _SHAPES.items()]
    return {"glossary": glossary(), "keys": _KEYS, "shapes": shapes}


def _listing(_visit: Visit) -> Listing:
    return Listing("glossary", ("term", "meaning"), glossary())


PAGE: Final = Page(path="/help", title="Help", template="help.html", data=_data, listing=_listing)
