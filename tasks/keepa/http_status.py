"""Says what each HTTP status means, with a body of the API or of anybody else. One table, one row for each. Pure.

The fields that every reply of the API has show whether a body is its own; the status does not: a portal answers 200,
and a balancer without a server behind it answers 404. What others answer is nobody's refusal.

The server answers a key it does not know exactly as it answers a bad parameter: 400 with all token fields 0. Only
`/token`, which has no parameter, tells them apart.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final, NamedTuple

import msgspec

TOKEN_ENDPOINT: Final = "/token"  # noqa: S105 - a path, not a secret

_FIELDS: Final = (b"tokensLeft", b"tokensConsumed", b"refillIn", b"refillRate", b"tokenFlowReduction")
_LISTS: Final = (b"products", b"dr")
_OBJECT: Final = re.compile(rb"[ \t\r\n]*\{")


class Meaning(Enum):
    """What follows from a reply."""

    REPLY = "the reply, which is paid for"
    FREE = "the balance was not above 0; free, and no failure"
    QUARANTINE = "this request will never be answered: it is quarantined, and the run goes on"
    RETRY = "a failed call: made again later, and the run goes on"
    END_RUN = "a person has to repair it: the run ends"


class Row(NamedTuple):
    """The statuses from `first` to `last`. `own` and `token` limit it to own bodies and to `/token`; None: whatever."""

    first: int
    last: int
    own: bool | None
    token: bool | None
    meaning: Meaning
    remedy: str = ""


_KEY: Final = "check KEEPA_API_KEY"
_ACCESS: Final = "the key has no access to the API: check the subscription, and KEEPA_API_KEY"
_SERVER: Final = "the server does not speak the API: check KEEPA_BASE_URL"

# The first row that fits decides.
TABLE: Final = (
    Row(200, 299, True, None, Meaning.REPLY),
    Row(429, 429, True, None, Meaning.FREE),
    Row(401, 403, True, None, Meaning.END_RUN, _ACCESS),
    Row(400, 400, True, True, Meaning.END_RUN, f"the server does not know the key: {_KEY}"),
    Row(404, 405, True, True, Meaning.END_RUN, _SERVER),
    Row(400, 499, True, True, Meaning.RETRY),  # nothing in it could be to blame
    Row(408, 408, None, None, Meaning.RETRY),  # the server waited for us
    Row(425, 425, None, None, Meaning.RETRY),  # too early for the connection
    Row(400, 499, True, None, Meaning.QUARANTINE),
    # Not the API's own, or no status of it: a server or a proxy in trouble, or a redirect, which is not followed.
    Row(0, 999, None, None, Meaning.RETRY),
)
# What others say about the key is believed only after minutes of it.
ABOUT_THE_KEY: Final = frozenset({401, 402, 403})


def row(status: int, *, own: bool, endpoint: str) -> Row:
    """The row of the table for a reply. No status that HTTP can carry is without one."""
    is_token = endpoint == TOKEN_ENDPOINT
    return next(
        one
        for one in TABLE
        if one.first <= status <= one.last and one.own in {None, own} and one.token in {None, is_token}
    )


def is_own(body: bytes) -> bool:
    """Whether the API wrote the body: an object with one of the fields every body of it has, or one of its lists.

    By the bytes, so that it holds for a body that no parser reads. The oldest errors have an `error` alone, with a type
    and a message; `timestamp` and `error` alone are common among servers of all kinds.
    """
    if _OBJECT.match(body) is None:
        return False
    return any(b'"%b"' % name in body for name in (*_FIELDS, *_LISTS)) or _is_old_error(body)


def _is_old_error(body: bytes) -> bool:
    try:
        return bool(_OLD_ERROR.decode(body).error.type)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


class _Fault(msgspec.Struct):
    type: str
    message: str


class _OldError(msgspec.Struct):
    error: _Fault


_OLD_ERROR: Final = msgspec.json.Decoder(_OldError)
