"""A reply that was read and that the database refuses as a whole: paid, and kept with its bytes.

The products it answers are not asked for again. A page is, after the longest pause: its walk stands at it.

Rows that are refused one by one are quarantined where they are written. This is for what is left: a trigger or a
constraint of the user's own on the tables of the jobs themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.calls.spool_header import answered
from tasks.ingest.unreadable import items_of, keep_body
from tasks.keepa.decode.replies import any_envelope
from tasks.keepa.request import max_tokens
from tasks.store.bulk.batch import refused
from tasks.store.calls import calls
from tasks.store.queue import queue

if TYPE_CHECKING:
    from tasks.calls.spool_header import Header
    from tasks.errors import BadRow
    from tasks.ingest.database_session import DatabaseSession
    from tasks.runtime.job import JobContext
    from tasks.store.connection import Connection


def keep(context: JobContext, session: DatabaseSession, header: Header, body: bytes, refusal: BadRow) -> None:
    """Keep the body with the database's reason; what it was to answer is done, and the call recorded, where that goes.

    Raises:
        BadRow: the database refuses even to keep it; the reply is in the spool still.
        StoreError: as a session does.
    """
    context.log.error("reply_refused", endpoint=header.endpoint, reason=str(refusal), bytes=len(body))
    envelope = any_envelope(body).costing_at_most(max_tokens(header.endpoint, header.items))

    def work(connection: Connection) -> None:
        keep_body(connection, header, body, str(refusal))
        refused(connection, lambda: queue.complete(connection, items_of(header)))
        refused(connection, lambda: calls.record(connection, answered(header, envelope, rows=0)))

    session.run(work)
    context.beat.quarantined("body")
