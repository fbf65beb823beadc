"""One request and what came of it: announced with a beat, counted, and recorded when it brought no rows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from ledger import NS_PER_S
from tasks.calls.spool_header import Header, Origin, unanswered
from tasks.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tasks.keepa.client import KeepaClient
    from tasks.keepa.reply import RawReply
    from tasks.keepa.request import Request
    from tasks.runtime.job import JobContext
    from tasks.store.calls.calls import Call


class Exchange:
    """Sends the requests of one worker. `record` takes a call that brought no rows."""

    def __init__(self, context: JobContext, client: KeepaClient, record: Callable[[Call], None]) -> None:
        self._context = context
        self._client = client
        self.record = record

    def begin(self, what: str) -> int:
        """The time now in nanoseconds, after a beat that promises when the call that begins will be over."""
        now_ns = self._context.clock.now_ns()
        until_ns = now_ns + round(self._context.settings.longest_call_s * NS_PER_S)
        self._context.beat.phase("calling", what, until_ns=until_ns)
        return now_ns

    def header(
        self, request: Request, origin: Origin, *, tier: str = "", estimate: int = 0, waited_s: float = 0.0
    ) -> Header:
        """What is known of a call before its reply: `estimate` in tokens, `waited_s` at its gate."""
        return Header(
            origin=origin,
            endpoint=request.endpoint,
            tier=tier,
            worker=self._context.worker,
            shape=request.shape.name,
            items=request.items,
            estimate=estimate,
            received_at=datetime.now(UTC),
            status=0,
            duration_s=0.0,
            waited_s=waited_s,
            account=self._context.settings.key_name,
            host=self._context.settings.host_name,
        )

    def send(self, request: Request) -> RawReply:
        """The server's reply, whatever it says; the call is counted in any case.

        Raises:
            ApiError: there is none.
        """
        began_ns = self._context.clock.now_ns()
        try:
            reply = self._client.send(request)
        except ApiError as error:
            error.lasted_s = self._elapsed_s(began_ns)
            self._context.beat.called(request.endpoint, error.status, error.lasted_s)
            raise
        self._context.beat.called(request.endpoint, reply.status, reply.duration_s)
        return reply

    def failed(self, header: Header, error: ApiError, began_ns: int) -> None:
        """Record a call that came to nothing."""
        self.record(unanswered(msgspec.structs.replace(header, duration_s=self._elapsed_s(began_ns)), error))

    def _elapsed_s(self, began_ns: int) -> float:
        return (self._context.clock.now_ns() - began_ns) / NS_PER_S
