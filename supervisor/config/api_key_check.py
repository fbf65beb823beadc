"""Checks an API key before a call with it ends the run. What is wrong is said without any of the key. Pure."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

_LENGTH: Final = 64  # letters and digits: the form of every key in Keepa's own documentation and account pages
_FORM: Final = re.compile(rf"[A-Za-z0-9]{{{_LENGTH}}}")
_KEEPA: Final = "keepa.com"
_PLACEHOLDER: Final = re.compile(r"(?i)[.…]+|<.*>|\$\{\w*\}|your[-_ ].*")
_QUOTES: Final = "\"'`\u2018\u2019\u201c\u201d"


def check(key: str, base_url: str | None, named: str, faults: list[str], notes: list[str]) -> None:
    """Add to `faults` why the server cannot know the key, or to `notes` why it may not.

    `base_url` is empty for Keepa itself, and None while it is not known which server that is; `named` is what a message
    calls the key.
    """
    never, not_keepas = _why_no_key(key), _why_no_keepa_key(key)
    if base_url is None:
        not_keepas, base_url = None, ""
    if never is not None or (not_keepas is not None and _is_for_keepa(base_url)):
        faults.append(f"{named} cannot be used: {never or not_keepas}")
    elif not_keepas is not None and not _is_here(base_url):
        notes.append(f"{named} is no key of Keepa's: {not_keepas}, unless the server at KEEPA_BASE_URL has others")


def _why_no_key(key: str) -> str | None:
    """Why no server can know this key, if so."""
    if _PLACEHOLDER.fullmatch(key):
        return "it is a placeholder: put your own key there, or leave it empty to run against the simulator"
    if key[0] in _QUOTES or key[-1] in _QUOTES:
        return "there are quotes around it: remove them (docker keeps those of an --env-file)"
    if not key.isascii() or not key.isprintable() or " " in key:
        return "it contains a blank or a character that no key has: copy it once more"
    return None


def _why_no_keepa_key(key: str) -> str | None:
    """Why Keepa cannot have given out this key, if so."""
    if _FORM.fullmatch(key):
        return None
    found = f"it has {len(key)} characters" if len(key) != _LENGTH else "it contains other characters"
    return f"{found}; a key of Keepa's has {_LENGTH} letters and digits: copy it once more"


def _is_for_keepa(base_url: str) -> bool:
    """Whether calls go to Keepa itself: without a URL of another server, or with one of theirs."""
    host = (urlsplit(base_url).hostname or "") if base_url else _KEEPA
    return host == _KEEPA or host.endswith(f".{_KEEPA}")


def _is_here(base_url: str) -> bool:
    """Whether the server is on this machine: a simulator, which takes any key."""
    host = urlsplit(base_url).hostname or ""
    return host in {"localhost", "::1"} or host.startswith("127.")
