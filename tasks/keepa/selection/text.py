"""Finds the deal query in a text that somebody pasted: the object itself, or an address or a wrapper with it. Pure.

The deals page shows its query as JSON, keeps it in its own address, and an API call carries it in another one; all
three are accepted. The message about any other text says what to paste instead.
"""

from __future__ import annotations

import codecs
import json
import re
from collections import Counter
from typing import Any, Final
from urllib.parse import unquote, unquote_plus

from tasks.keepa.selection.rules import Fault, shown

DEEPEST: Final = 8  # lists and objects within each other; a query has three
_PASTE: Final = "paste the JSON object that the deals page shows for its filters"
_TOO_DEEP: Final = f"its lists and objects are nested deeper than {DEEPEST} levels: {_PASTE}"
_ADDRESS: Final = re.compile(r"(?i)[\s\"'<(]*(?:curl\s|https?://|(?:www\.|api\.)?keepa\.com/|selection=|#!deals/)")
_IN_CALL: Final = "selection="
_IN_PAGE: Final = "#!deals/"
_WRAPPERS: Final = ("selection", "queryJSON")
_BESIDE: Final = frozenset({*_WRAPPERS, "key", "domain"})  # what else an API call has for parameters
_WIDE: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

# What to do about a text, from how it looks: the first that fits is in the message.
_LOOKS: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (re.compile(r"\{\\rtf"), "it is a formatted document: save it as plain text"),
    (re.compile(r"(?i)\s*<(?:!doctype|html)"), f"it is a web page: {_PASTE}"),
    (re.compile(r"\s*```"), "remove the lines with ```"),
    (re.compile("[\u201c\u201d\u201e\u2018\u2019]"), 'replace the typographic quotes by plain ones (")'),
    (re.compile("&quot;"), 'replace &quot; by "'),
    (re.compile(r"(?m)(?:^|[,{\[]\s*)(?://|/\*|#)"), "remove the comments: JSON has none"),
    (re.compile(r"[{,\[:]\s*'|\b(?:True|False|None)\b"), "it is Python: write double quotes, true, false and null"),
    (re.compile(r",\s*[}\]]"), "remove the comma before } or ]"),
)


def read(source: str | bytes) -> dict[str, Any]:
    """Return the object in `source`, not yet checked.

    Raises:
        Fault: there is none. The message says what to do, and quotes no address, which may hold a key.
    """
    text = source if isinstance(source, str) else _decoded(source)
    text = text.removeprefix("\ufeff").strip()
    if not text:
        raise Fault(f"it is empty: {_PASTE}")
    return _unwrapped(_in_address(text) if _ADDRESS.match(text) else _loaded(text))


def _decoded(data: bytes) -> str:
    is_wide = data.startswith(_WIDE)
    try:
        return data.decode("utf-16" if is_wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise Fault(f"it is not UTF-8 text (byte {error.start}): save it as plain text in UTF-8") from None


def _in_address(text: str) -> object:
    """Return the object in the address of an API call or of the deals page, percent-encoded or not."""
    for mark, decoded in ((_IN_CALL, unquote_plus), (_IN_PAGE, unquote)):
        _, found, rest = text.partition(mark)
        if not found:
            continue
        # Pasted from some programs, an address is encoded twice.
        for candidate in (rest, decoded(rest), unquote(decoded(rest))):
            if candidate.startswith("{"):
                return _loaded(candidate, is_part=True)
    raise Fault(f"it is an address without a selection in it: {_PASTE}")


def _loaded(text: str, *, is_part: bool = False) -> object:
    """Return the value that `text` is or, with `is_part`, begins with."""
    repeated: list[str] = []

    def pairs(entries: list[tuple[str, Any]]) -> dict[str, Any]:
        repeated.extend(name for name, times in Counter(name for name, _ in entries).items() if times > 1)
        return dict(entries)

    decoder = json.JSONDecoder(object_pairs_hook=pairs)
    try:
        value: object = decoder.raw_decode(text)[0] if is_part else decoder.decode(text)
    except json.JSONDecodeError as error:
        raise Fault(_why(text, error)) from None
    except ValueError:
        raise Fault("it is not JSON: a number in it is too long") from None
    except RecursionError:
        raise Fault(_TOO_DEEP) from None
    if repeated:
        raise Fault(f"{_plain(repeated[0])}: is given twice")
    if is_deep(value):
        raise Fault(_TOO_DEEP)
    return value


def _unwrapped(value: object) -> dict[str, Any]:
    if isinstance(value, list):
        if len(value) != 1:
            raise Fault(f"it is a list of {len(value)}: save one JSON object in each file")
        value = value[0]
    if not isinstance(value, dict):
        raise Fault("it must be a JSON object, as the deals page exports it")
    wrapped = next((name for name in _WRAPPERS if name in value), None)
    if wrapped is None or not set(value) <= _BESIDE:
        return value
    inside = value[wrapped]
    inside = _loaded(inside) if isinstance(inside, str) else inside
    if not isinstance(inside, dict):
        raise Fault(f"{wrapped}: must be a JSON object, as the deals page exports it")
    return inside


def _why(text: str, error: json.JSONDecodeError) -> str:
    found = f"it is not JSON: {error.msg}: line {error.lineno} column {error.colno}"
    look = next((words for pattern, words in _LOOKS if pattern.search(text)), None)
    if look is None and error.msg.startswith("Extra data"):
        look = "remove what follows the object: a file has one selection"
    if look is None and text.startswith("{") and error.pos >= len(text.rstrip()) - 1:
        look = "it ends too early: copy all of it"
    return found if look is None else f"{found}; {look}"


def _plain(name: str) -> str:
    return name if name.isidentifier() and name.isascii() else shown(name)


def is_deep(value: object) -> bool:
    """Whether lists and objects are nested deeper in it than any query needs."""
    level: list[object] = [value]
    for _ in range(DEEPEST):
        level = [
            inside
            for one in level
            if isinstance(one, dict | list)
            for inside in (one.values() if isinstance(one, dict) else one)
        ]
    return bool(level)
