"""What is odd about an API key, told without any of it. Pure."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

LENGTH: Final = 64  # letters and digits: the form of every key in Keepa's own documentation and account pages
_FORM: Final = re.compile(rf"[A-Za-z0-9]{{{LENGTH}}}")
_KEEPA: Final = "keepa.com"
_PLACEHOLDER: Final = re.compile(r"(?i)[.…]+|<.*>|\$\{\w*\}|your[-_ ].*")
_QUOTES: Final = "\"'`\u2018\u2019\u201c\u201d"


def why_no_key(key: str) -> str | None:
    """Why no server can know this key, if so."""
    if _PLACEHOLDER.fullmatch(key):
        return "it is the place of a key and not a key: put your own there, or nothing to run against the simulator"
    if key[0] in _QUOTES or key[-1] in _QUOTES:
        return "there are quotes around it: take them away (docker keeps those of an --env-file)"
    if not key.isascii() or not key.isprintable() or " " in key:
        return "there is a blank or a character in it that no key has: copy it once more"
    return None


def why_no_keepa_key(key: str) -> str | None:
    """Why Keepa cannot have given out this key, if so."""
    if _FORM.fullmatch(key):
        return None
    found = f"it has {len(key)} characters" if len(key) != LENGTH else "there are other characters in it"
    return f"{found}; a key of Keepa's has {LENGTH} letters and digits: copy it once more"


def is_for_keepa(base_url: str) -> bool:
    """Whether calls go to Keepa itself: without a URL of another server, or with one of theirs."""
    host = (urlsplit(base_url).hostname or "") if base_url else _KEEPA
    return host == _KEEPA or host.endswith(f".{_KEEPA}")


def is_here(base_url: str) -> bool:
    """Whether the server is on this machine: a simulator, which takes any key."""
    host = urlsplit(base_url).hostname or ""
    return host in {"localhost", "::1"} or host.startswith("127.")
