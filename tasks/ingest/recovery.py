"""What dead workers left: replies that were paid for and not finished, and the work that was in hand.

A reply in the spool of a dead worker is processed before anything is paid for again. Replies go by what was asked:
live ones to whoever waits for them, replayed ones by their header.

What a dead worker of this machine had in hand (items of the queue, and pages of walks) is anybody's again at once,
without waiting for its time to run out. A turn is looked at by whoever wants it (`tasks.store.turns`).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from ledger import NS_PER_S
from tasks.calls.spool import Damaged
from tasks.ingest import held
from tasks.ingest.deal_page import DealPageWriter
from tasks.ingest.product_batch import ProductBatchWriter
from tasks.ingest.source_page import SourcePageWriter
from tasks.ingest.unreadable import items_of, quarantine_body
from tasks.keepa.source.request import ENDPOINTS
from tasks.planning.streams import by_stream
from tasks.runtime.job import owner_names
from tasks.store import quarantine, turns
from tasks.store.queue import queue

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tasks.calls.spool import Spool, SpoolEntry
    from tasks.calls.spool_header import Header
    from tasks.ingest.brake import Brake
    from tasks.ingest.database_session import DatabaseSession
    from tasks.keepa.source.source import Source
    from tasks.planning.streams import Stream
    from tasks.runtime.job import JobContext
    from tasks.store.connection import Connection

REPLIES_EVERY_NS: Final = 30 * NS_PER_S  # a slot that is not started again must not keep its replies for ever
MAX_ATTEMPTS: Final = 10  # a reply that ended ten workers ends no eleventh
LEASES_EVERY_NS: Final = 30 * NS_PER_S


class SpoolRecovery:
    """Claims the replies that dead workers left in the spool and has them written, one a step."""

    def __init__(self, context: JobContext, spool: Spool, replies: ReplyRouter, session: DatabaseSession) -> None:
        self._context = context
        self._spool = spool
        self._replies = replies
        self._session = session
        self._next_ns = 0

    def step(self) -> bool:
        """Whether a reply was dealt with; False when there is none, or when it was looked for a moment ago.

        Raises:
            StoreError: the database does not take it; it stays in the spool.
        """
        now_ns = self._context.clock.now_ns()
        if now_ns < self._next_ns:
            return False
        for path in self._spool.orphans():
            entry = self._spool.claim(path)
            if entry is not None:
                self._context.beat.phase("replaying", path.name)
                self._take(entry)
                return True
        self._next_ns = now_ns + REPLIES_EVERY_NS
        return False

    def _take(self, entry: SpoolEntry) -> None:
        try:
            header, body = entry.read()
        except Damaged as damage:
            self._quarantine(entry, str(damage), None)
            return
        if entry.attempts > MAX_ATTEMPTS:
            self._quarantine(entry, f"not processed in {MAX_ATTEMPTS} attempts", body, header)
            return
        self._context.log.info("replay", endpoint=header.endpoint, items=header.items, paid_by=header.worker)
        self._replies.write(header, body)
        entry.remove()

    def _quarantine(self, entry: SpoolEntry, reason: str, raw: bytes | None, header: Header | None = None) -> None:
        """Keep it for a person. What it was to answer counts as failed: asked for again, it would end workers again."""
        kept: Path = self._spool.quarantine(entry)
        self._context.log.error("reply_quarantined", reason=reason, file=kept.name)

        def work(connection: Connection) -> None:
            quarantine.add(connection, kind="body", key=kept.name, reason=reason, raw=raw, domain=None)
            if header is not None and header.origin.leases:
                queue.fail(connection, items_of(header), reason, max_attempts=1)

        self._session.run(work)
        self._context.beat.quarantined("body")


class ReplyRouter:
    """Writes the replies of each endpoint by the writer for it."""

    def __init__(
        self,
        context: JobContext,
        session: DatabaseSession,
        asked: tuple[Sequence[Stream], Sequence[Source]],
        brake: Brake,
    ) -> None:
        """Write for the streams and the sources of the settings, which are `asked`."""
        streams, sources = asked
        self._context = context
        self._session = session
        self.pages = DealPageWriter(
            context, session, {(stream.key, stream.domain): stream for stream in streams}, brake
        )
        self.batches = ProductBatchWriter(context, session, brake)
        self.sources = SourcePageWriter(context, session, by_stream(sources), streams)

    def write(self, header: Header, body: bytes) -> None:
        """Write what the reply holds.

        Raises:
            StoreError: the database does not take it.
        """
        if header.endpoint == "/deal":
            self.pages.write(header, body)
        elif header.endpoint == "/product":
            self.batches.write(header, body)
        elif header.endpoint in ENDPOINTS.values():
            self.sources.write(header, body)
        else:
            quarantine_body(
                self._context, self._session, header, body, f"this build does not read replies of {header.endpoint}"
            )


class LeaseRecovery:
    """Gives back the items and pages that dead workers held. Every worker does, for either role may run alone."""

    def __init__(self, context: JobContext, session: DatabaseSession, spool: Spool) -> None:
        self._context = context
        self._session = session
        self._spool = spool
        self._next_ns = 0

    def step(self) -> int:
        """How many items and pages went back; 0 as well when they were looked for a moment ago. Own turns are kept.

        Raises:
            StoreError: the database does not answer.
        """
        now_ns = self._context.clock.now_ns()
        if now_ns < self._next_ns:
            return 0
        self._next_ns = now_ns + LEASES_EVERY_NS
        for owner in owner_names(self._context):
            self._session.run(partial(turns.renew_turns, owner=owner))
        return self._release()

    def _release(self) -> int:
        """Nothing goes back while a dead worker's reply lies in the spool: it may answer just these items.

        The dead are found first: whoever is dead by then has put its last reply where the look at the spool finds it.
        """
        settings = self._context.settings
        dead = [name for name in self._session.run(held.holders) if held.is_ours_and_dead(name, settings)]
        if not dead or self._spool.holds_leftovers():
            return 0
        freed = self._session.run(partial(held.release, owners=dead))
        if freed.items or freed.pages:
            self._context.log.info("released", items=freed.items, pages=freed.pages)
        return freed.items + freed.pages
