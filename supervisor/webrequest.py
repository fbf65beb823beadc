"""Pure: the bytes of an HTTP request become what is asked for, or what is wrong with it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final, NamedTuple

LIMIT: Final = 8_192  # bytes of a request and its headers; those of a browser are a tenth of that
_METHODS: Final = {"GET": True, "HEAD": False}
_PARTS: Final = 3


class Wanted(NamedTuple):
    """A request. `has_body`: whether the answer's body is wanted too."""

    path: str
    has_body: bool


class Bad(NamedTuple):
    """A request that cannot be answered, and why."""

    status: HTTPStatus
    words: str


def parse(data: bytes) -> Wanted | Bad | None:
    """What is asked for; None while the request is not complete."""
    head, end, _ = data.replace(b"\r\n", b"\n").partition(b"\n\n")
    if len(head) > LIMIT:
        return Bad(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"more than {LIMIT} bytes of request")
    if not end:
        return None
    words = head.decode("latin-1").partition("\n")[0].split(" ")
    if len(words) != _PARTS or not words[2].startswith("HTTP/1."):
        return Bad(HTTPStatus.BAD_REQUEST, "not a request of HTTP/1")
    method, target, _ = words
    if method not in _METHODS:
        return Bad(HTTPStatus.METHOD_NOT_ALLOWED, "only GET and HEAD")
    return Wanted(target.partition("?")[0], _METHODS[method])
