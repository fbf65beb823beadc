"""Pure: the bytes of an HTTP request become what is asked for, or what is wrong with it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final, NamedTuple

from supervisor.config.host_names import is_ours

LIMIT: Final = 8_192  # bytes of a request and its headers; those of a browser are a tenth of that
ANY_HOST: Final = frozenset({"/healthz", "/readyz"})  # a check may come by any name, and they tell no numbers
_METHODS: Final = {"GET": True, "HEAD": False}
_PARTS: Final = 3
_SCHEME: Final = "http://"
_FOREIGN: Final = "this answers requests for localhost and for addresses; another name has to be in WEB_HOSTS"


class HttpRequest(NamedTuple):
    """A request. `has_body`: whether the answer's body is wanted too."""

    path: str
    has_body: bool


class BadRequest(NamedTuple):
    """A request that cannot be answered, and why."""

    status: HTTPStatus
    words: str


def parse(data: bytes, hosts: frozenset[str] = frozenset()) -> HttpRequest | BadRequest | None:
    """What is asked for; None while the request is not complete. `hosts`: names it may be for besides our own."""
    head, end, _ = data.replace(b"\r\n", b"\n").partition(b"\n\n")
    if len(head) > LIMIT:
        return BadRequest(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"more than {LIMIT} bytes of request")
    if not end:
        return None
    return _understood(*head.decode("latin-1").split("\n"), hosts=hosts)


def _understood(first: str, *headers: str, hosts: frozenset[str]) -> HttpRequest | BadRequest:
    words = first.split(" ")
    if len(words) != _PARTS or not words[2].startswith("HTTP/1."):
        return BadRequest(HTTPStatus.BAD_REQUEST, "not a request of HTTP/1")
    method, target, version = words
    host, path = _place(target, headers, version)
    if host is None:
        return BadRequest(HTTPStatus.BAD_REQUEST, "one Host belongs to every request of HTTP/1.1")
    if path not in ANY_HOST and host and not is_ours(host, hosts):
        return BadRequest(HTTPStatus.MISDIRECTED_REQUEST, _FOREIGN)
    if method not in _METHODS:
        return BadRequest(HTTPStatus.METHOD_NOT_ALLOWED, "only GET and HEAD")
    return HttpRequest(path, _METHODS[method])


def _place(target: str, headers: tuple[str, ...], version: str) -> tuple[str | None, str]:
    """The host and the path: in a target that is a whole URL its host counts (RFC 9112, 3.2.2).

    The host is None where there should be one and is not one, and "" where HTTP/1.0 may leave it away.
    """
    told = [value.strip() for name, _, value in (line.partition(":") for line in headers) if name.lower() == "host"]
    missing = "" if version == "HTTP/1.0" else None
    host = told[0] if len(told) == 1 and told[0] else missing if not told or told == [""] else None
    if target.lower().startswith(_SCHEME):
        authority, slash, rest = target[len(_SCHEME) :].partition("/")
        return (None if host is None else authority), (slash + rest).partition("?")[0] or "/"
    return host, target.partition("?")[0]
