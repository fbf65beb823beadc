"""A batch from the shared queue: as large as the tokens allow, claimed with a lease in hand, released if unanswered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tasks.calls.request_plan import ClaimedRequest
from tasks.calls.spool_header import Origin
from tasks.keepa.detail import is_detail
from tasks.keepa.request import DOMAINS, ProductRequest, is_asin, max_asins, product_shape
from tasks.planning.pacing import batch_size, fit, together
from tasks.roles import BACKFILL
from tasks.runtime.job import owner_name
from tasks.store.queue import queue
from tasks.store.queue.front import ClaimFront

if TYPE_CHECKING:
    from ledger import Shape
    from tasks.calls.spool import Spool
    from tasks.ingest.database_session import DatabaseSession
    from tasks.keepa.request import Detail
    from tasks.planning.streams import WantedStreams
    from tasks.runtime.job import JobContext
    from tasks.store.connection import Connection
    from tasks.store.queue.queue import Item

UNASKABLE: Final = "the ASIN, the locale or the detail is none that this build knows"


def unwritten_leases(spool: Spool) -> list[int]:
    """The leases of the queue's items whose answer waits to be written, however long the database was unavailable."""
    return [lease for origin in spool.origins() for lease in origin.leases]


class QueueBatch:
    """One batch wanted from the queue. Worth waiting for.

    What is next in the queue may want another detail than the settings say: what was queued before they were changed.
    `detail` is what is planned for, and once items were claimed it is theirs, for the next plan to start from.
    """

    tier: str = BACKFILL
    may_wait: bool = True
    endpoint: Final = "/product"

    def __init__(  # noqa: PLR0913 - what a batch is taken from, and by whom
        self,
        context: JobContext,
        session: DatabaseSession,
        spool: Spool,
        *,
        waiting: int,
        detail: Detail,
        chosen: WantedStreams | None = None,
        front: ClaimFront | None = None,
    ) -> None:
        """Ask for at most `waiting` items of `chosen`, for that is what the queue held when last counted.

        They are looked for from `front` on, which batch after batch is moved.
        """
        self._chosen = chosen
        self._front = front or ClaimFront()
        self._context = context
        self._session = session
        self._spool = spool
        self._waiting = waiting
        self._limit = 1
        self.detail: Detail = detail
        self.items: list[Item] = []

    def plan(self) -> Shape:
        """As many products as can be had now, or as about one tick pays for."""
        ledger, detail = self._context.ledger, self.detail
        room = ledger.headroom(self.tier)
        self._limit = batch_size(
            lambda n: ledger.estimate(product_shape(detail, n)),
            now=room.now,
            ever=room.ever,
            tick_tokens=round(ledger.snapshot().bucket.refill_rate),
            max_items=max(1, min(self._waiting, max_asins(detail))),
        )
        return product_shape(detail, self._limit)

    def claim(self) -> ClaimedRequest | None:
        """The next items: of one locale and detail, and with the same past of refusals and deaths."""
        planned = product_shape(self.detail, self._limit)
        tokens = self._context.ledger.estimate(planned)
        self.items = self._session.run(lambda connection: self._claim(connection, tokens))
        if not self.items:
            return None
        first = self.items[0]
        detail = self.detail = first.detail
        asins = tuple(item.asin for item in self.items)
        origin = Origin(
            job=self.tier,
            domain=first.domain,
            asins=asins,
            leases=tuple(item.lease for item in self.items),
            detail=detail,
        )
        return ClaimedRequest(ProductRequest(first.domain, asins, detail), origin)

    @property
    def what(self) -> str:
        """Any batch of this detail: the items of one that failed wait in the queue."""
        return f"{self.endpoint} {self.detail}"

    def postpone(self) -> None:
        """Nobody takes them before a pause, which grows with each call that fails."""
        items, self.items = self.items, []
        if items:
            self._session.run(lambda connection: queue.postpone(connection, items))

    def release(self) -> None:
        """Anybody may take them, untried."""
        items, self.items = self.items, []
        if items:
            self._session.run(lambda connection: queue.release(connection, items))

    def refused(self, reason: str) -> list[Item]:
        """The items that have failed now; the others are asked for again in smaller batches."""
        items, self.items = self.items, []
        max_attempts = self._context.settings.max_attempts
        return self._session.run(lambda connection: queue.fail(connection, items, reason, max_attempts=max_attempts))

    def _claim(self, connection: Connection, tokens: int) -> list[Item]:
        """Items of one detail, as many as `tokens` pay for at what that detail costs, but at least one."""
        owner, length_s = owner_name(self._context), self._context.settings.lease_s
        paid = unwritten_leases(self._spool)
        self._front.at(self._context.clock.now_ns())
        claimed = queue.claim(
            connection,
            owner=owner,
            limit=self._limit,
            lease_s=length_s,
            paid=paid,
            chosen=self._chosen,
            front=self._front,
        )
        good = [item for item in claimed if _is_askable(item)]
        bad = [item for item in claimed if item not in good]
        if bad:
            queue.fail(connection, bad, UNASKABLE, max_attempts=1)
        if not good:
            return []
        detail = good[0].detail
        chosen, rest = together(good, lambda item: (item.attempts, item.deaths), max_asins(detail))
        estimate = self._context.ledger.estimate
        paid_for = max(1, fit(lambda n: estimate(product_shape(detail, n)), tokens=tokens, max_items=len(chosen)))
        rest += chosen[paid_for:]
        if rest:
            queue.release(connection, rest)
        return chosen[:paid_for]


def _is_askable(item: Item) -> bool:
    return is_asin(item.asin) and item.domain in DOMAINS and is_detail(item.detail)
