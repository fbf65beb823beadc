"""Details of the newest deals, as far as the tokens at hand go beyond those kept for the next walk.

What the backfill is fetching now, or has fetched since the deal changed, is left to it. What still waits for it in
the queue is taken from there, and asked for with history, which costs nothing more: one call serves both jobs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tasks.calls.request_plan import ClaimedRequest
from tasks.calls.spool_header import Origin
from tasks.jobs.queue_batch import unwritten_leases
from tasks.keepa.detail import covering
from tasks.keepa.request import ProductRequest, max_asins, product_shape
from tasks.planning.pacing import fit
from tasks.roles import UPSERT
from tasks.runtime.job import owner_name
from tasks.store.queue import claim_by_asin, queue

if TYPE_CHECKING:
    from ledger import Shape
    from tasks.jobs.components import JobComponents
    from tasks.keepa.request import Detail
    from tasks.planning.backlog import BacklogItem, DetailBacklog
    from tasks.runtime.job import JobContext
    from tasks.store.connection import Connection
    from tasks.store.queue.queue import Item


class DetailBatch:
    """A batch of details. Not worth waiting for: what is not fetched now competes with newer deals next time."""

    tier: Final = UPSERT
    may_wait: Final = False
    endpoint: Final = "/product"

    def __init__(
        self,
        context: JobContext,
        components: JobComponents,
        backlog: DetailBacklog,
        detail: Detail,
        *,
        kept_tokens: int,
        expected: Detail | None = None,
    ) -> None:
        """Want as many of the backlog's newest as there are tokens for beyond `kept_tokens`; `size` is how many.

        `expected` is the detail to reserve for, such as that of the last batch; None before it, when the queue holds
        what was just listed. `fetched` is the detail asked for in the end: where it differs, a second lease is taken.
        """
        self._context = context
        self._session = components.session
        self._spool = components.spool
        self._backlog = backlog
        self._detail: Detail = detail
        self._chosen: list[BacklogItem] = []
        self._items: list[Item] = []
        planned: Detail = expected or self._covering() or detail
        self.fetched: Detail = planned
        spare = context.ledger.headroom(self.tier).now - kept_tokens
        max_items = min(len(backlog), max_asins(planned))
        self.size = fit(lambda n: context.ledger.estimate(product_shape(planned, n)), tokens=spare, max_items=max_items)

    def plan(self) -> Shape:
        """As many products as there are tokens to spare."""
        return product_shape(self.fetched, max(1, min(self.size, len(self._backlog))))

    def claim(self) -> ClaimedRequest | None:
        """The newest products that nobody else has fetched or is fetching, all of one domain and one detail."""
        newest = self._backlog.take(self.size)
        if not newest:
            return None
        wanted, self._items = self._session.run(lambda connection: self._share(connection, newest))
        claimed = {item.asin: item.lease for item in self._items}
        self._chosen = [one for one in wanted if not claimed or one.asin in claimed]
        self._backlog.add(one for one in wanted if claimed and one.asin not in claimed)
        if not self._chosen:
            return None
        domain = newest[0].domain
        asins = tuple(one.asin for one in self._chosen)
        self.fetched = detail = (self._covering() or self._detail) if claimed else self._detail
        leases = tuple(claimed[asin] for asin in asins) if claimed else ()
        origin = Origin(job=self.tier, domain=domain, asins=asins, leases=leases, detail=detail)
        return ClaimedRequest(ProductRequest(domain, asins, detail), origin)

    @property
    def what(self) -> str:
        """The newest products: what failed is among them the next time."""
        return f"{self.endpoint} {self._detail}"

    def release(self) -> None:
        """Put them back into the backlog, and what was claimed into the queue."""
        items = self._put_back()
        if items:
            self._session.run(lambda connection: queue.release(connection, items))

    def postpone(self) -> None:
        """Put them back into the backlog; what was claimed waits in the queue."""
        items = self._put_back()
        if items:
            self._session.run(lambda connection: queue.postpone(connection, items))

    def _put_back(self) -> list[Item]:
        items, self._items = self._items, []
        self._backlog.add(self._chosen)
        self._chosen = []
        return items

    def refused(self, reason: str) -> None:
        """Want them no more: the next change of a deal asks again, and the queue counts the attempt."""
        items, self._items = self._items, []
        max_attempts = self._context.settings.max_attempts
        if items:
            self._session.run(lambda connection: queue.fail(connection, items, reason, max_attempts=max_attempts))

    def _covering(self) -> Detail | None:
        return covering(self._detail, self._context.settings.backfill_detail)

    def _share(self, connection: Connection, newest: list[BacklogItem]) -> tuple[list[BacklogItem], list[Item]]:
        """The products that are left to this job, and those of them that it claimed in the queue."""
        domain, asins = newest[0].domain, [one.asin for one in newest]
        paid = unwritten_leases(self._spool)
        items = self._claim(connection, domain, asins, paid)
        # In this order: whoever has a product in hand writes it and lets go of it in one transaction. What is not held
        # any more is known when we look for that afterwards; the other way round it would be bought again.
        gone = claim_by_asin.being_fetched(connection, domain, asins, paid=paid) - {item.asin for item in items}
        gone |= claim_by_asin.already_fetched(connection, domain, {one.asin: one.minute for one in newest})
        unneeded = [item for item in items if item.asin in gone]
        if unneeded:
            queue.release(connection, unneeded)
        return [one for one in newest if one.asin not in gone], [item for item in items if item.asin not in gone]

    def _claim(self, connection: Connection, domain: int, asins: list[str], paid: list[int]) -> list[Item]:
        """Those of the products that wait in the queue for a detail that covers ours, taken from there."""
        if self._covering() is None:
            return []
        settings = self._context.settings
        return claim_by_asin.claim(
            connection,
            domain,
            asins,
            detail=settings.backfill_detail,
            owner=owner_name(self._context),
            lease_s=settings.lease_s,
            paid=paid,
        )
