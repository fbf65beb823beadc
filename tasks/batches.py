"""A batch of products becomes rows: products and series, the queue's items, faults and the call, in ONE transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tasks.errors import Transient
from tasks.keepa.wire import open_products
from tasks.record import answered
from tasks.store import calls, products, queue
from tasks.unreadable import items_of, keep_faults, keep_odd, set_aside

if TYPE_CHECKING:
    from tasks.job import Site
    from tasks.keepa.wire import ProductReply
    from tasks.session import Session
    from tasks.spool import Header
    from tasks.store.connection import Connection

MISSING: Final = "the reply to a request for it did not hold it"
STATS_ONLY: Final = "stats"


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchTaken:
    """What a batch brought, in products and rows."""

    products: int = 0
    series: int = 0
    missing: int = 0
    faults: int = 0


class Batches:
    """Takes batches of products, live or replayed."""

    def __init__(self, site: Site, session: Session) -> None:
        self._site = site
        self._session = session

    def take(self, header: Header, body: bytes) -> BatchTaken:
        """What the batch brought; committed.

        Raises:
            StoreError: the database does not take it.
        """
        self._site.beat.phase("writing", f"{header.items} products")
        try:
            reply = open_products(body)
        except Transient as fault:
            set_aside(self._site, self._session, header, body, str(fault))
            return BatchTaken(faults=1)
        taken = self._session.run(lambda connection: self._write(connection, header, reply, body))
        self._site.beat.wrote(products=taken.products, price_series=taken.series)
        odd = int(bool(reply.envelope.unusable))
        self._site.beat.set_aside("product", taken.faults - odd)
        self._site.beat.set_aside("body", odd)
        return taken

    def _write(self, connection: Connection, header: Header, reply: ProductReply, body: bytes) -> BatchTaken:
        origin = header.origin
        answered_asins: set[str | None] = set()
        rows = series = faults = 0
        for part in reply.parts():
            written = products.write(
                connection,
                origin.domain,
                part.products,
                fetched_at=header.received_at,
                has_history=origin.detail != STATS_ONLY,
            )
            answered_asins |= {product.asin for product in part.products} | {fault.asin for fault in part.faults}
            rows += written.inserted + written.updated
            series += written.series
            faults += written.refused + keep_faults(connection, "product", origin.domain, part.faults)
        missing = self._settle_queue(connection, header, answered_asins)
        calls.record(connection, answered(header, reply.envelope, rows=rows))
        faults += keep_odd(connection, header, reply.envelope, body)
        return BatchTaken(products=rows, series=series, missing=missing, faults=faults)

    def _settle_queue(self, connection: Connection, header: Header, answered_asins: set[str | None]) -> int:
        """Answered items are done, found or not; those the reply does not hold are tried again. How many these are.

        An item whose answer could not be read is done as well: the answer is kept, and asking again would pay for the
        same.
        """
        items = items_of(header)
        missing = [item for item in items if item.asin not in answered_asins]
        queue.complete(connection, [item for item in items if item.asin in answered_asins])
        if missing:
            queue.fail(connection, missing, MISSING, max_attempts=self._site.settings.max_attempts)
        return len(missing)
