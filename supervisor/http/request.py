"""Reads an HTTP request out of the bytes received so far. Pure.

The standard library parses the head. Ours are the limits of size, which hold before a head is complete, and the rules
about Host.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from io import BytesIO
from typing import TYPE_CHECKING, Final, NamedTuple

from supervisor.config.host_names import is_ours
from supervisor.http.response import Response, refusal

if TYPE_CHECKING:
    from email.message import Message

LIMIT: Final = 8_192  # bytes of a request line and its headers; those of a browser are a tenth of that
BODY_LIMIT: Final = 65_536  # bytes; a form with every setting there is takes a tenth
METHODS: Final = ("GET", "HEAD")
ANY_HOST: Final = frozenset({"/healthz", "/readyz"})  # a check may come by any name, and they tell no numbers
_END_OF_HEAD: Final = re.compile(rb"\r?\n\r?\n")
_LENGTH: Final = re.compile(r"[0-9]{1,10}")
_SCHEME: Final = "http://"
_FOREIGN: Final = "this answers requests for localhost and for addresses; another name has to be in WEB_HOSTS"
_TOO_LARGE: Final = f"the request line and its headers are more than {LIMIT} bytes or 100 lines"


class HttpRequest(NamedTuple):
    """A complete request. `path` and `query` are as they were sent, still percent-encoded."""

    method: str
    path: str
    query: str
    headers: Message
    body: bytes


class _Head(BaseHTTPRequestHandler):
    """The library's parser, given the bytes of a head and no connection."""

    def __init__(self, head: bytes) -> None:
        self.refused: int = HTTPStatus.BAD_REQUEST
        self.rfile = BytesIO(head)
        self.raw_requestline = self.rfile.readline()
        self.is_understood = self.parse_request() and self.request_version.startswith("HTTP/1.")

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """Note the status of a refusal; whoever made this object answers."""
        self.refused = code


def parse(data: bytes, hosts: frozenset[str] = frozenset()) -> HttpRequest | Response | None:
    """The request, or the refusal of one; None while it is not complete.

    `hosts` are names that it may be for besides `localhost` and addresses.
    """
    end = _END_OF_HEAD.search(data)
    if (len(data) if end is None else end.start()) > LIMIT:
        return refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, _TOO_LARGE)
    if end is None:
        return None
    head = _Head(data[: end.end()])
    if head.refused == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE:
        return refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, _TOO_LARGE)
    if not head.is_understood:
        return refusal(HTTPStatus.BAD_REQUEST, "not a request of HTTP/1")
    host, path, query = _target(head)
    return _refused(head, host, path, hosts) or _with_body(head, path, query, data[end.end() :])


def _refused(head: _Head, host: str | None, path: str, hosts: frozenset[str]) -> Response | None:
    """Why a request is not answered although its head was understood; None when it is."""
    if head.headers.defects:  # at a line that is no header the library stops, and only notes it
        return refusal(HTTPStatus.BAD_REQUEST, "a line of the headers has no name, a colon and a value")
    if host is None:
        return refusal(HTTPStatus.BAD_REQUEST, "one Host belongs to every request of HTTP/1.1")
    if path not in ANY_HOST and host and not is_ours(host, hosts):
        return refusal(HTTPStatus.MISDIRECTED_REQUEST, _FOREIGN)
    if head.command not in METHODS:
        return refusal(HTTPStatus.METHOD_NOT_ALLOWED, f"only {' and '.join(METHODS)}", ("Allow", ", ".join(METHODS)))
    return None


def _with_body(head: _Head, path: str, query: str, rest: bytes) -> HttpRequest | Response | None:
    """The request once its body is complete, which is the first part of `rest`."""
    if "Transfer-Encoding" in head.headers:
        return refusal(HTTPStatus.LENGTH_REQUIRED, "a body needs its Content-Length")
    lengths = head.headers.get_all("Content-Length", ["0"])
    if len(lengths) > 1 or not _LENGTH.fullmatch(lengths[0].strip()):
        return refusal(HTTPStatus.BAD_REQUEST, "Content-Length must be one number")
    length = int(lengths[0])
    if length > BODY_LIMIT:
        return refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body is more than {BODY_LIMIT} bytes")
    return HttpRequest(head.command, path, query, head.headers, rest[:length]) if len(rest) >= length else None


def _target(head: _Head) -> tuple[str | None, str, str]:
    """The host, the path and the query: in a target that is a whole URL its host counts (RFC 9112, 3.2.2).

    The host is None where there should be one and is not one, and "" where HTTP/1.0 may leave it away.
    """
    hosts = [value.strip() for value in head.headers.get_all("Host", [])]
    if len(hosts) == 1 and hosts[0]:
        host: str | None = hosts[0]
    else:
        host = "" if head.request_version == "HTTP/1.0" and hosts in ([], [""]) else None
    target = head.path
    if target.lower().startswith(_SCHEME):
        authority, slash, rest = target[len(_SCHEME) :].partition("/")
        host, target = None if host is None else authority, slash + rest or "/"
    path, _, query = target.partition("?")
    return host, path, query
