"""Decides before anything else whether a request is answered at all, and puts the same headers on every answer.

Outermost of all: first whom the request is for, then who asks, then where an order comes from. See docs/operations.md,
"The page", for what each rule keeps out.
"""

from __future__ import annotations

import asyncio
import time
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse

from supervisor.config.host_names import is_ours
from supervisor.web import session
from supervisor.web.static_files import FOLDER

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from tasks.secret import Secret

BODY_LIMIT: Final = 16 * 1024
QUERY_LIMIT: Final = 4 * 1024
HEAD_LIMIT: Final = 8 * 1024
ANSWER_S: Final = 5.0
LOGIN: Final = "/login"
_SAFE: Final = ("GET", "HEAD")
_WRONG_ALLOWED: Final = 10
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # with no-referrer browsers send `Origin: null` with a form
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_FOREIGN: Final = "this answers requests for localhost and for addresses; another name has to be in WEB_HOSTS"
_ELSEWHERE: Final = (
    "an order has to come from a form of this page, and the browser has to say so (Sec-Fetch-Site and Origin); "
    "browsers do over https and on localhost and 127.0.0.1; programs use `sluicegate` instead"
)
_LATE: Final = f"the answer took longer than {ANSWER_S:g} s and was given up; try again\n"
_NO_CONTROL: Final = "WEB_CONTROL is off: this page takes no orders"


class Guard:
    """Passes on the requests that may be answered; the session's name is in `scope["session"]`."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        token: Callable[[], Secret],
        hosts: frozenset[str],
        has_control: bool,
        ask: Callable[[Scope], Response],
    ) -> None:
        """Let in who has a cookie made from what `token` gives; answer others with the page that `ask` makes."""
        self._app = app
        self._token = token
        self._hosts = hosts
        self._has_control = has_control
        self._ask = ask
        self._wrong = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        headers = Headers(scope=scope)
        response = self._refused(scope, headers)
        answer = _Answer(send)
        if response is None:
            response = await self._within(self._app(scope, receive, answer.send), scope)
        if response is not None and not answer.has_begun:
            await response(scope, receive, answer.send)

    async def delay_guess(self, *, is_right: bool) -> None:
        """Take note of a token that was given; after ten wrong ones each further one takes a second."""
        if is_right:
            self._wrong = 0
            return
        self._wrong += 1
        if self._wrong > _WRONG_ALLOWED:
            await asyncio.sleep(1)

    def _refused(self, scope: Scope, headers: Headers) -> Response | None:
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not is_ours(hosts[0], self._hosts):
            return PlainTextResponse(_FOREIGN + "\n", HTTPStatus.MISDIRECTED_REQUEST)
        if (too_long := _too_long(scope, headers)) is not None:
            return PlainTextResponse("the request is too long\n", too_long)
        if scope["method"] not in _SAFE and (refused := self._refused_order(headers, hosts[0])) is not None:
            return refused
        path: str = scope["path"]
        scope["session"] = self._session(headers)
        if not scope["session"] and path != LOGIN and not path.startswith(FOLDER):
            return self._ask(scope)
        return None

    def _refused_order(self, headers: Headers, host: str) -> Response | None:
        if not self._has_control:
            return PlainTextResponse(_NO_CONTROL + "\n", HTTPStatus.FORBIDDEN)
        origin = urlsplit(headers.get("origin", ""))
        is_ours = origin.scheme in {"http", "https"} and origin.netloc.lower() == host.lower()
        if not is_ours or headers.get("sec-fetch-site") != "same-origin":
            return PlainTextResponse(_ELSEWHERE + "\n", HTTPStatus.FORBIDDEN)
        return None

    def _session(self, headers: Headers) -> str:
        token = self._token()
        kind, _, given = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and session.is_token(given.strip(), token):
            return "bearer"
        try:
            cookies = SimpleCookie(headers.get("cookie", ""))
        except CookieError:
            return ""
        mine = cookies.get(session.COOKIE)
        now_s = time.time()  # noqa: TID251 - a cookie is good until a date
        return "" if mine is None else session.session_of(mine.value, now_s, token) or ""

    async def _within(self, answer: Awaitable[None], scope: Scope) -> Response | None:
        """Wait for an answer, for which a stream may set another limit; what is answered instead when it is late."""
        try:
            async with asyncio.timeout(ANSWER_S) as limit:
                scope["limit"] = limit
                await answer
        except TimeoutError:
            return PlainTextResponse(_LATE, HTTPStatus.SERVICE_UNAVAILABLE)
        return None


def _too_long(scope: Scope, headers: Headers) -> HTTPStatus | None:
    if sum(len(name) + len(value) for name, value in scope["headers"]) > HEAD_LIMIT:
        return HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
    if len(scope["query_string"]) > QUERY_LIMIT:
        return HTTPStatus.REQUEST_URI_TOO_LONG
    return None if _is_short(headers) else HTTPStatus.REQUEST_ENTITY_TOO_LARGE


def _is_short(headers: Headers) -> bool:
    lengths = headers.getlist("content-length")
    if "transfer-encoding" in headers:
        return False
    return not lengths or (len(lengths) == 1 and lengths[0].isdecimal() and int(lengths[0]) <= BODY_LIMIT)


class _Answer:
    """Sends an answer with the headers that every answer has."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.has_begun = False

    async def send(self, message: Message) -> None:
        """Send a part of it."""
        if message["type"] == "http.response.start":
            self.has_begun = True
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("Cache-Control", "no-store")
        await self._send(message)
