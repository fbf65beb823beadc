"""One request and its reply, counted however it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger import NS_PER_S
from tasks.errors import ApiError

if TYPE_CHECKING:
    from tasks.keepa.client import KeepaClient
    from tasks.keepa.reply import RawReply
    from tasks.keepa.request import Request
    from tasks.runtime.job import JobContext


def exchange(context: JobContext, client: KeepaClient, request: Request) -> RawReply:
    """The server's reply, whatever it says.

    Raises:
        ApiError: there is none.
    """
    began_ns = context.clock.now_ns()
    try:
        reply = client.send(request)
    except ApiError as error:
        context.beat.called(request.endpoint, error.status, (context.clock.now_ns() - began_ns) / NS_PER_S)
        raise
    context.beat.called(request.endpoint, reply.status, reply.duration_s)
    return reply
