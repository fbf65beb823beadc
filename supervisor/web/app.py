"""Puts the pages, their lists and their actions together to one application."""

from __future__ import annotations

import logging
import os
import secrets
import sys
import time
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from ledger import LedgerError
from supervisor.config.state_dir import web_token
from supervisor.config.state_dir.state_dir import StateDir
from supervisor.control import send_order
from supervisor.database.backend import secrets_in
from supervisor.database.ledger_source import sources_in
from supervisor.eventloop.loop import MonotonicClock
from supervisor.web import lists, session
from supervisor.web.database import EXPORT_S, Database
from supervisor.web.guard import LOGIN, Guard
from supervisor.web.live import LiveAnswer
from supervisor.web.page import NotHere, Refusal, Visit
from supervisor.web.pages import PAGES
from supervisor.web.render import Renderer
from supervisor.web.run_reader import RunReader
from supervisor.web.static_files import FOLDER, StaticFiles
from supervisor.web.views.way_back import WayBack, way_back
from tasks.errors import ConfigError, Error, plain
from tasks.redaction import Redactor
from tasks.runtime.log import LibraryHandler, capture_library_logs, stream_logger
from tasks.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.requests import Request
    from starlette.types import ASGIApp, Scope

    from supervisor.config.web_settings import WebSettings
    from supervisor.control.protocol import Answer, Order
    from supervisor.web.page import Listing, Moved, Page

_THREADS: Final = 4
_WAIT_S: Final = 3.0  # for the answer to an order
_FOREVER: Final = "public, max-age=31536000, immutable"
_SMALLEST_PACKED: Final = 500
_TITLES: Final = {
    HTTPStatus.BAD_REQUEST: "This cannot be answered",
    HTTPStatus.NOT_FOUND: "There is no such thing",
    HTTPStatus.CONFLICT: "Nothing was done",
    HTTPStatus.SERVICE_UNAVAILABLE: "Not now",
    HTTPStatus.INTERNAL_SERVER_ERROR: "A fault of the program",
}
_ENCODINGS: Final = {".csv": lists.as_csv, ".json": lists.as_json}


def make_app(settings: WebSettings) -> ASGIApp:
    """The application that serves the page of one run."""
    return _Site(settings).app


class _Site:
    """The pages of one run, and what they are made from."""

    def __init__(self, settings: WebSettings, deliver: Callable[[Order], Answer] | None = None) -> None:
        """Serve it; orders go to the running supervisor, or to `deliver`."""
        self._settings = settings
        state = StateDir(Path(settings.state_dir))
        self._deliver = deliver or partial(send_order.deliver, state, patience_s=_WAIT_S)
        self._token_path = state.web_token
        sources = sources_in(state, settings.database_url, settings.accounts)
        self._run = RunReader(state, sources, os.getppid(), MonotonicClock())
        self._database = Database(self._run, settings.database_url)
        self._files = StaticFiles()
        self._live = LiveAnswer(self._run, has_control=settings.has_control)
        self._renderer = Renderer(
            self._files,
            {
                "navigation": [page for page in PAGES if page.in_navigation],
                "has_control": settings.has_control,
                "is_synthetic": settings.is_synthetic,
            },
        )
        self._limiter: CapacityLimiter | None = None
        redactor = Redactor((self._token().reveal(), *secrets_in(settings.database_url)))
        self._log = stream_logger(sys.stderr, level="warning", redactor=redactor)
        capture_library_logs(LibraryHandler(self._log))
        logging.getLogger("uvicorn").setLevel(logging.CRITICAL)  # it would log each error once more
        routes = [
            Route("/live.json", self._answer_live),
            Route(FOLDER + "{name:path}", self._answer_file),
            Route(LOGIN, self._log_in, methods=["GET", "POST"]),
            Route("/logout", self._log_out, methods=["POST"]),
        ]
        for page in PAGES:
            routes += self._routes_of(page)
        inner = Starlette(
            routes=routes,
            middleware=[Middleware(GZipMiddleware, minimum_size=_SMALLEST_PACKED)],
            exception_handlers={HTTPStatus.NOT_FOUND: self._not_found, Exception: self._bug},
        )
        self._guard = Guard(
            inner,
            token=self._token,
            hosts=frozenset(settings.hosts),
            has_control=settings.has_control,
            ask=self._ask_for_token,
        )
        self.app: ASGIApp = self._guard

    def _routes_of(self, page: Page) -> list[Route]:
        routes = [Route(path, self._acts(page, act), methods=["POST"]) for path, act in page.actions.items()]
        if page.listing is not None:
            base = page.path.rstrip("/") or "/now"
            routes += [Route(base + ending, self._lists(page.listing, ending)) for ending in _ENCODINGS]
        return [*routes, Route(page.path, self._shows(page))]

    def _shows(self, page: Page) -> Callable[[Request], Awaitable[Response]]:
        async def show(request: Request) -> Response:
            async def answer() -> Response:
                visit = self._visit(request)
                html = await self._in_thread(self._render, page, visit)
                return HTMLResponse(html)

            return await self._or_refused(request, answer, page)

        return show

    def _lists(self, listing: Callable[[Visit], Listing], ending: str) -> Callable[[Request], Awaitable[Response]]:
        async def send_list(request: Request) -> Response:
            async def answer() -> Response:
                limit = request.scope["limit"]
                limit.reschedule(limit.when() + EXPORT_S)
                return _ENCODINGS[ending](await self._in_thread(listing, self._visit(request)))

            return await self._or_refused(request, answer)

        return send_list

    def _acts(self, page: Page, act: Callable[[Visit], Moved]) -> Callable[[Request], Awaitable[Response]]:
        async def do(request: Request) -> Response:
            async def answer() -> Response:
                moved = await self._in_thread(self._act, act, self._visit(request, await _form_of(request)))
                return RedirectResponse(moved.path, HTTPStatus.SEE_OTHER)

            return await self._or_refused(request, answer, page)

        return do

    def _act(self, act: Callable[[Visit], Moved], visit: Visit) -> Moved:
        """Do it; the next look at the run is a new one, however it ends."""
        try:
            return act(visit)
        finally:
            self._run.forget()

    def _render(self, page: Page, visit: Visit) -> str:
        look = visit.run.look()
        values = page.data(visit)
        about = {"page": page, "now": visit.now, "status": look.status, "query": visit.query}
        return self._renderer.html(page.template, {**about, **values})

    def _visit(self, request: Request, form: Mapping[str, str] | None = None) -> Visit:
        query = request.query_params
        return Visit(
            run=self._run,
            database=self._database,
            settings=self._settings,
            now=datetime.now(UTC),
            query=dict(query),
            lists={name: query.getlist(name) for name in query},
            path={name: str(value) for name, value in request.path_params.items()},
            form=form or {},
            session=request.scope["session"],
            deliver=self._deliver,
        )

    async def _in_thread(self, call: Callable[..., Any], *arguments: object) -> Any:  # noqa: ANN401 - what it gives
        if self._limiter is None:
            self._limiter = CapacityLimiter(_THREADS)
        return await to_thread.run_sync(call, *arguments, limiter=self._limiter, abandon_on_cancel=True)

    async def _or_refused(
        self, request: Request, answer: Callable[[], Awaitable[Response]], page: Page | None = None
    ) -> Response:
        try:
            return await answer()
        except Refusal as refusal:
            return self._say(request, refusal.status, str(refusal), await _way_back(request, page))
        except ConfigError as error:
            return self._say(request, HTTPStatus.INTERNAL_SERVER_ERROR, plain(error), await _way_back(request, page))
        except (Error, LedgerError) as error:
            return self._say(request, HTTPStatus.SERVICE_UNAVAILABLE, plain(error), await _way_back(request, page))

    def _say(self, request: Request, status: HTTPStatus, words: str, back: WayBack | None = None) -> Response:
        """A page with a sentence, and a link to where the visitor came from; JSON for a program that asks for it."""
        if request.url.path.endswith(".json") or "application/json" in request.headers.get("accept", ""):
            return JSONResponse({"error": words}, status)
        title = _TITLES.get(status, status.phrase)
        values = {"page": None, "now": datetime.now(UTC), "words": words, "title": title, "back": back}
        return HTMLResponse(self._renderer.html("message.html", values), status)

    async def _not_found(self, request: Request, _error: Exception) -> Response:
        return self._say(request, NotHere.status, "there is no such page; the navigation has all there are")

    async def _bug(self, request: Request, error: Exception) -> Response:
        self._log.failure("answer_failed", error)
        return self._say(
            request, HTTPStatus.INTERNAL_SERVER_ERROR, "a bug: the log of the supervisor has its traceback"
        )

    async def _answer_live(self, request: Request) -> Response:
        try:
            body, version = self._live.get(request.query_params)
        except Refusal as refusal:
            return self._say(request, refusal.status, str(refusal))
        if request.query_params.get("after") == version:
            return Response(status_code=HTTPStatus.NO_CONTENT)
        return Response(body, media_type="application/json")

    async def _answer_file(self, request: Request) -> Response:
        found = self._files.find(request.url.path)
        if found is None:
            return self._say(request, HTTPStatus.NOT_FOUND, "there is no such file")
        is_packed = "gzip" in request.headers.get("accept-encoding", "")
        headers = {"Cache-Control": _FOREVER, "Vary": "Accept-Encoding"}
        if is_packed:
            headers["Content-Encoding"] = "gzip"
        return Response(found.packed if is_packed else found.content, media_type=found.content_type, headers=headers)

    async def _log_in(self, request: Request) -> Response:
        form = await _form_of(request) if request.method == "POST" else {}
        given = form.get("token") or request.query_params.get("token", "")
        is_right = session.is_token(given.strip(), self._token())
        await self._guard.delay_guess(is_right=is_right)
        if not is_right:
            return self._ask_for_token(request.scope)
        # No redirect: a browser that came by a link elsewhere would not send the cookie along with it.
        values = {"page": None, "now": datetime.now(UTC)}
        response = HTMLResponse(self._renderer.html("let_in.html", values))
        now_s = time.time()  # noqa: TID251 - a cookie is good until a date
        is_secure = request.headers.get("x-forwarded-proto", request.url.scheme) == "https"
        response.set_cookie(
            session.COOKIE,
            session.cookie(secrets.token_urlsafe(16), now_s, self._token()),
            max_age=session.LASTS_S,
            httponly=True,
            samesite="strict",
            secure=is_secure,
        )
        return response

    async def _log_out(self, _request: Request) -> Response:
        response = RedirectResponse(LOGIN, HTTPStatus.SEE_OTHER)
        response.delete_cookie(session.COOKIE)
        return response

    def _ask_for_token(self, scope: Scope) -> Response:
        if scope["path"].endswith(".json"):
            return JSONResponse({"error": "log in first: `sluicegate web` prints a link"}, HTTPStatus.UNAUTHORIZED)
        values = {"page": None, "now": datetime.now(UTC)}
        return HTMLResponse(self._renderer.html("login.html", values), HTTPStatus.UNAUTHORIZED)

    def _token(self) -> Secret:
        try:
            return web_token.read_or_make(self._token_path)
        except OSError:
            return Secret(secrets.token_urlsafe())  # nobody can know it: nobody is let in


async def _way_back(request: Request, page: Page | None) -> WayBack | None:
    """Where the visitor came from with this request for `page`."""
    if page is None:
        return None
    path = {name: str(value) for name, value in request.path_params.items()}
    is_form = request.method == "POST"
    address = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return way_back(page, path, await _form_of(request) if is_form else {}, "" if is_form else address)


async def _form_of(request: Request) -> dict[str, str]:
    """The fields of a form; the guard has limited its length."""
    return dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))
