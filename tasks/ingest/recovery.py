"""Replies that a dead worker had paid for and not finished: processed before anything is paid for again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ledger import NS_PER_S
from tasks.calls.spool import Damaged
from tasks.ingest.unreadable import items_of
from tasks.store import quarantine
from tasks.store.queue import queue

if TYPE_CHECKING:
    from pathlib import Path

    from tasks.calls.header import Header
    from tasks.calls.spool import Entry, Spool
    from tasks.ingest.intake import Intake
    from tasks.ingest.session import Session
    from tasks.runtime.job import Site
    from tasks.store.connection import Connection

LOOK_EVERY_NS: Final = 30 * NS_PER_S  # a slot that is not started again must not keep its replies for ever
MOST_ATTEMPTS: Final = 10  # a reply that ended ten workers ends no eleventh


class Replay:
    """Looks for such replies and gives them to the intake, one a step."""

    def __init__(self, site: Site, spool: Spool, intake: Intake, session: Session) -> None:
        self._site = site
        self._spool = spool
        self._intake = intake
        self._session = session
        self._look_ns = 0

    def step(self) -> bool:
        """Whether a reply was dealt with; False when there is none, or when it was looked for a moment ago.

        Raises:
            StoreError: the database does not take it; it stays in the spool.
        """
        now_ns = self._site.clock.now_ns()
        if now_ns < self._look_ns:
            return False
        for path in self._spool.orphans():
            entry = self._spool.claim(path)
            if entry is not None:
                self._site.beat.phase("replaying", path.name)
                self._take(entry)
                return True
        self._look_ns = now_ns + LOOK_EVERY_NS
        return False

    def _take(self, entry: Entry) -> None:
        try:
            header, body = entry.read()
        except Damaged as damage:
            self._set_aside(entry, str(damage), None)
            return
        if entry.attempts > MOST_ATTEMPTS:
            self._set_aside(entry, f"not processed in {MOST_ATTEMPTS} attempts", body, header)
            return
        self._site.log.info("replay", endpoint=header.endpoint, items=header.items, paid_by=header.worker)
        self._intake.take(header, body)
        entry.remove()

    def _set_aside(self, entry: Entry, reason: str, raw: bytes | None, header: Header | None = None) -> None:
        """Keep it for a person. What it was to answer is given up: asked for again, it would end workers again."""
        kept: Path = self._spool.set_aside(entry)
        self._site.log.alarm("reply_set_aside", reason=reason, file=kept.name)

        def work(connection: Connection) -> None:
            quarantine.add(connection, kind="body", key=kept.name, reason=reason, raw=raw, domain=None)
            if header is not None and header.origin.leases:
                queue.fail(connection, items_of(header), reason, max_attempts=1)

        self._session.run(work)
        self._site.beat.set_aside("body")
