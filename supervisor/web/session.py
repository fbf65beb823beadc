"""Who is let in: the token, and the cookie that a browser has instead of it. Pure.

The cookie is not the token, because browsers send cookies to every port of a host: other programs on this machine would
see it. It is a random name with a time, signed with the token; so it needs no store, stays good over restarts, and is
good no more when there is another token.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tasks.secret import Secret

COOKIE: Final = "sluicegate_session"
LASTS_S: Final = 30 * 86_400
_COOKIE: Final = re.compile(r"(?P<name>[A-Za-z0-9_-]{16,64})\.(?P<until>[0-9]{1,12})\.(?P<mark>[0-9a-f]{64})")
_PURPOSE: Final = b"sluicegate session "


def is_token(given: str, token: Secret) -> bool:
    """Whether `given` is the token; it takes as long for one that is nearly right."""
    return hmac.compare_digest(given.encode(errors="replace"), token.reveal().encode())


def cookie(name: str, now_s: float, token: Secret) -> str:
    """The value of a cookie for the session `name`, which is random, good for thirty days from `now_s`."""
    until = str(round(now_s) + LASTS_S)
    return f"{name}.{until}.{_mark(name, until, token)}"


def session_of(value: str, now_s: float, token: Secret) -> str | None:
    """The name of the session whose cookie has this value; None when it is none of ours, or has run out."""
    found = _COOKIE.fullmatch(value)
    if found is None or not hmac.compare_digest(found["mark"], _mark(found["name"], found["until"], token)):
        return None
    return found["name"] if now_s < int(found["until"]) else None


def _mark(name: str, until: str, token: Secret) -> str:
    return hmac.new(token.reveal().encode(), _PURPOSE + f"{name}.{until}".encode(), hashlib.sha256).hexdigest()
