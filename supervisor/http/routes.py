"""Answers each path of the HTTP port: `/metrics`, `/healthz`, `/readyz`, `/status.json`.

Every answer is made of what the loop reports at that moment. When the loop does not report in time it is stuck, and
the answer says so: older numbers would look like life. A further page is a function and a row in `_ROUTES`.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, NamedTuple

from supervisor.http.response import Response, refusal
from supervisor.status import health

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ledger import Snapshot
    from supervisor.http.request import HttpRequest
    from supervisor.report import Report

_JSON: Final = "application/json"
_METRICS: Final = "text/plain; version=0.0.4; charset=utf-8"
_INDEX: Final = b"""Sluicegate
/metrics      for Prometheus
/healthz      200 while the supervisor's loop runs, 503 when it is stuck
/readyz       200 while everything of this host is in service, 503 and the reasons otherwise
/status.json  what `sluicegate status --json` prints
"""


class RunView(NamedTuple):
    """A run at one moment."""

    report: Report
    snapshots: Mapping[str, Snapshot | None]  # by key; the first is the first

    @property
    def snapshot(self) -> Snapshot | None:
        """The ledger of the only key, or of the first of several."""
        return next(iter(self.snapshots.values()), None)


def respond(look: Callable[[], RunView | None], request: HttpRequest) -> Response:
    """The answer to a request. `look` gives the run as it is, or None when its loop is stuck."""
    if request.path == "/" and "text/html" not in request.headers.get("Accept", ""):
        return Response(HTTPStatus.OK, _INDEX)
    route = _root if request.path == "/" else _ROUTES.get(request.path)
    if route is None:
        return refusal(HTTPStatus.NOT_FOUND, "there is no such page; / lists those there are")
    view = look()
    if view is None:
        return refusal(HTTPStatus.SERVICE_UNAVAILABLE, "the supervisor's loop does not answer: it is stuck")
    return route(view)


def _root(view: RunView) -> Response:
    """Sends a browser on to the page, where there is one."""
    page = view.report.supervisor.web
    if page is None:
        return Response(HTTPStatus.OK, _INDEX)
    return Response(HTTPStatus.SEE_OTHER, b"", headers=(("Location", f"{page}/"),))


def _metrics(view: RunView) -> Response:
    from supervisor.http import metrics  # the library is loaded by the first request for it

    return Response(HTTPStatus.OK, metrics.text_of(view.report, view.snapshots), _METRICS)


def _healthz(_view: RunView) -> Response:
    return Response(HTTPStatus.OK, b"ok\n")


def _readyz(view: RunView) -> Response:
    """Whether this host can work; what is wrong with the others is told and no reason to be not ready."""
    reasons = health.problems(view.report)
    if health.obstacles(view.report):
        return Response(HTTPStatus.SERVICE_UNAVAILABLE, "".join(f"{reason}\n" for reason in reasons).encode())
    head = "everything of this host is in service" if reasons else "everything is in service"
    lines = [head, *reasons]  # a host that is away must not make the others not ready
    return Response(HTTPStatus.OK, "".join(f"{line}\n" for line in lines).encode())


def _status_json(view: RunView) -> Response:
    from supervisor.status import as_json, keys, status

    counts, age_s = status.recent_counts(view.report, datetime.now(UTC))
    now = status.Status(
        is_running=True,
        pid=view.report.supervisor.pid,
        report=view.report,
        snapshot=view.snapshot,
        counts=counts,
        counts_age_s=age_s,
        keys=keys.views(view.report.keys, view.snapshots, view.report),
        notes=() if counts is not None else ("the supervisor has not counted the rows, or not for a while",),
    )
    return Response(HTTPStatus.OK, json.dumps(as_json.to_json(now)).encode() + b"\n", _JSON)


_ROUTES: Final[dict[str, Callable[[RunView], Response]]] = {
    "/metrics": _metrics,
    "/healthz": _healthz,
    "/readyz": _readyz,
    "/status.json": _status_json,
}
