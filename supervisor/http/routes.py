"""What a run says over HTTP: metrics, whether its loop turns, whether it is in service, its status.

Every answer is made of what the loop itself tells at that moment. When it tells nothing in time it is stuck, and
then that is the answer: numbers of some time ago would look like life.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, NamedTuple

from supervisor import report
from supervisor.http.server import Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from ledger import Snapshot
    from supervisor.report import Report

_JSON: Final = "application/json"
_METRICS: Final = "text/plain; version=0.0.4; charset=utf-8"
_INDEX: Final = b"""Sluicegate
/metrics      for Prometheus
/healthz      200 while the supervisor's loop turns
/readyz       200 while everything is in service, 503 and the reasons otherwise
/status.json  what `sluicegate status --json` prints
"""


class RunView(NamedTuple):
    """A run at one moment."""

    report: Report
    snapshot: Snapshot | None


class Routes:
    """Knows the answer to each path. `look` gives the run as it is, or None when its loop is stuck."""

    def __init__(self, look: Callable[[], RunView | None]) -> None:
        self._look = look
        self._known: Final[dict[str, Callable[[RunView], Response]]] = {
            "/metrics": _metrics,
            "/healthz": lambda _seen: Response(HTTPStatus.OK, b"the loop turns\n"),
            "/readyz": _ready,
            "/status.json": _status,
        }

    def __call__(self, path: str) -> Response:
        """The answer to a request for `path`."""
        if path == "/":
            return Response(HTTPStatus.OK, _INDEX)
        answer = self._known.get(path)
        if answer is None:
            return Response(HTTPStatus.NOT_FOUND, b"there is no such page; / lists those there are\n")
        seen = self._look()
        if seen is None:
            return Response(HTTPStatus.SERVICE_UNAVAILABLE, b"the supervisor's loop does not answer: it is stuck\n")
        return answer(seen)


def _metrics(seen: RunView) -> Response:
    from supervisor.http import metrics  # the library is loaded by the first who asks

    return Response(HTTPStatus.OK, metrics.text_of(seen.report, seen.snapshot), _METRICS)


def _ready(seen: RunView) -> Response:
    reasons = report.problems(seen.report)
    if reasons:
        return Response(HTTPStatus.SERVICE_UNAVAILABLE, "".join(f"{reason}\n" for reason in reasons).encode())
    return Response(HTTPStatus.OK, b"everything is in service\n")


def _status(seen: RunView) -> Response:
    from supervisor.status import as_json, status

    counts, age_s = status.recent_counts(seen.report, datetime.now(UTC))
    now = status.Status(
        is_running=True,
        pid=seen.report.supervisor.pid,
        report=seen.report,
        snapshot=seen.snapshot,
        counts=counts,
        counts_age_s=age_s,
        notes=() if counts is not None else ("rows are not counted: the supervisor has not, or not for a while",),
    )
    return Response(HTTPStatus.OK, json.dumps(as_json.to_json(now)).encode() + b"\n", _JSON)
