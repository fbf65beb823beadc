"""What the words mean, which keys there are, and what to do about what may happen."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup

from supervisor.web.cells import SHAPES, Shape
from supervisor.web.page import Listing, Page
from supervisor.web.views.commands import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from supervisor.web.page import Visit

_TERM: Final = re.compile(r"^- \*\*(?P<term>[^*]+)\*\*: (?P<text>.+)$", re.MULTILINE)
_HEADING: Final = re.compile(r"[^\w\- ]")
_LINK: Final = re.compile(r"\[(?P<text>[^\]]+)\]\((?!#)[^)]*\)")  # to what is not on the page
_KEYS: Final = (
    ("g n", "Now"),
    ("g d", "Deals"),
    ("g t", "Tokens"),
    ("g q", "Quarantine"),
    ("g e", "Events"),
    ("g s", "Settings"),
    ("/", "to the search for words, where there is one"),
    ("p", "stop and go on with live numbers"),
    ("?", "this page"),
)
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
    return {"glossary": glossary(), "keys": _KEYS, "shapes": shapes, "commands": COMMANDS}


@cache
def operations() -> Markup:
    """The text of docs/operations.md as HTML, with an anchor at each heading; HTML in it would be shown as text."""
    from markdown_it import MarkdownIt

    text = (resources.files("supervisor.web") / "help" / "operations.md").read_text(encoding="utf-8")
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(_LINK.sub(r"\g<text>", text))
    for at, token in enumerate(tokens):
        if token.type == "heading_open":
            words = tokens[at + 1].content.replace("`", "").lower()
            token.attrSet("id", _HEADING.sub("", words).replace(" ", "-"))
        elif token.type == "table_open":
            token.attrSet("tabindex", "0")
    return Markup(markdown.renderer.render(tokens, markdown.options, {}))  # noqa: S704 - a document of ours


def _operations(_visit: Visit) -> Mapping[str, Any]:
    return {"text": operations()}


def _listing(_visit: Visit) -> Listing:
    return Listing("glossary", ("term", "meaning"), glossary())


PAGES: Final = (
    Page(path="/help", title="Help", template="help.html", data=_data, listing=_listing),
    Page(
        path="/help/operations",
        title="Operations",
        template="operations.html",
        data=_operations,
        in_navigation=False,
    ),
)
