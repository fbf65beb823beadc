"""What came back, and what its status means.

| status | type | because |
|---|---|---|
| 200 | `Envelope` | answered, "nothing found" included |
| 429 | `Throttled` | the balance was not above 0; free |
| 401, 402, 403 | `Forbidden` | the key has no access |
| 400, 404, 405 on `/token` | `Forbidden` | it has no parameter: the key is bad, or the server not Keepa's |
| other 4xx | `Refused` | this request will never be answered |
| 408, 425, 5xx, anything else | `Transient` | a server or proxy in trouble, or a redirect, which is not followed |

The server answers a key it does not know exactly as it answers a bad parameter: 400 with all token fields 0. Only
`/token` tells them apart. So `Refused` with status 400 means "the parameter, if the key is good": whoever gets one
asks `/token` (free) before it throws work away.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tasks.errors import ApiError, Forbidden, Refused, Throttled, Transient
from tasks.keepa.wire import Envelope, decode_envelope

if TYPE_CHECKING:
    from ledger import Reading

OK: Final = 200
BAD_REQUEST: Final = 400
THROTTLED: Final = 429
TOKEN_ENDPOINT: Final = "/token"  # noqa: S105 - a path, not a secret

_NO_ACCESS: Final = frozenset({401, 402, 403})
_WRONG_SERVER_OR_KEY: Final = frozenset({400, 404, 405})
_PASSING: Final = frozenset({408, 425})
_EXCERPT_CHARS: Final = 200
_KEY_IN_URL: Final = re.compile(r"(key=)[^&\s\"'<>]+")


@dataclass(frozen=True, slots=True)
class RawReply:
    """A whole reply, unzipped but not looked into.

    Attributes:
        duration_s: seconds from sending to the last byte.
        endpoint: what was asked, such as `/deal`; empty when nobody remembers.
    """

    status: int
    body: bytes
    duration_s: float
    endpoint: str = ""


def check(reply: RawReply) -> Envelope:
    """The envelope of a reply with status 200.

    The error raised for any other carries the status, the reading when the body has one, and the server's reason.

    Raises:
        Throttled: see the table above.
        Transient: likewise; also a 200 whose body is not JSON, or not all of it.
        Refused: likewise.
        Forbidden: likewise.
    """
    if reply.status == OK:
        return decode_envelope(reply.body)
    kind = _kind(reply)
    reading, reason = _look(reply.body)
    said = f"{reply.status} for {reply.endpoint or 'the call'}: {reason}"
    if kind is Forbidden:
        said += _what_to_do(reply)
    elif kind is Throttled and reading is not None:
        said = f"429 for {reply.endpoint or 'the call'}: the balance is {reading.tokens_left}, not above 0"
    raise kind(said, status=reply.status, reading=reading)


def _kind(reply: RawReply) -> type[ApiError]:
    status = reply.status
    if status == THROTTLED:
        return Throttled
    if status in _NO_ACCESS or (reply.endpoint == TOKEN_ENDPOINT and status in _WRONG_SERVER_OR_KEY):
        return Forbidden
    if 400 <= status < 500 and status not in _PASSING:  # noqa: PLR2004 - the class of client errors
        return Refused
    return Transient


def _what_to_do(reply: RawReply) -> str:
    if reply.status in _NO_ACCESS:
        return "; the key has no access to the API: check the subscription"
    if reply.status == BAD_REQUEST:
        return "; the server does not know the key: check KEEPA_API_KEY"
    return "; the server does not speak the API: check KEEPA_BASE_URL"


def _look(body: bytes) -> tuple[Reading | None, str]:
    """The reading and the reason in a body of any kind."""
    try:
        envelope = decode_envelope(body)
    except Transient:
        return None, f"no JSON but {_excerpt(body.decode(errors='replace'))!r}" if body else "an empty body"
    if envelope.error is None:
        return envelope.reading, "the server gives no reason"
    return envelope.reading, _excerpt(str(envelope.error))


def _excerpt(text: str) -> str:
    """A line of readable text. A proxy may print the URL it was asked for, and the key travels in it."""
    line = " ".join(_KEY_IN_URL.sub(r"\1•••", text).split())
    line = "".join(char for char in line if char.isprintable())
    return line if len(line) <= _EXCERPT_CHARS else f"{line[:_EXCERPT_CHARS]}..."
