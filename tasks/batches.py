"""A batch of products becomes rows: products and series, the queue's items, faults and the call, in ONE transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tasks.errors import Transient
from tasks.keepa.wire import decode_products
from tasks.record import answered
from tasks.store import calls, products, quarantine, queue
from tasks.unreadable import items_of, keep_odd, set_aside

if TYPE_CHECKING:
    from tasks.job import Site
    from tasks.keepa.wire import ProductBatch
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
            batch = decode_products(body)
        except Transient as fault:
            set_aside(self._site, self._session, header, body, str(fault))
            return BatchTaken(faults=1)
        taken = self._session.run(lambda connection: self._write(connection, header, batch, body))
        self._site.beat.wrote(products=taken.products, price_series=taken.series)
        odd = int(bool(batch.envelope.unusable))
        self._site.beat.set_aside("product", taken.faults - odd)
        self._site.beat.set_aside("body", odd)
        return taken

    def _write(self, connection: Connection, header: Header, batch: ProductBatch, body: bytes) -> BatchTaken:
        origin = header.origin
        written = products.write(
            connection,
            origin.domain,
            batch.products,
            fetched_at=header.received_at,
            has_history=origin.detail != STATS_ONLY,
        )
        for fault in batch.faults:
            quarantine.add(
                connection,
                kind="product",
                key=fault.asin or "",
                reason=fault.reason,
                raw=fault.raw,
                domain=origin.domain,
            )
        missing = self._settle_queue(connection, header, batch)
        rows = written.inserted + written.updated
        calls.record(connection, answered(header, batch.envelope, rows=rows))
        odd = keep_odd(connection, header, batch.envelope, body)
        return BatchTaken(
            products=rows,
            series=written.series,
            missing=missing,
            faults=written.refused + len(batch.faults) + odd,
        )

    def _settle_queue(self, connection: Connection, header: Header, batch: ProductBatch) -> int:
        """Answered items are done, found or not; those the reply does not hold are tried again. How many these are.

        An item whose answer could not be read is done as well: the answer is kept, and asking again would pay for the
        same.
        """
        answered_asins = {product.asin for product in batch.products} | {fault.asin for fault in batch.faults}
        items = items_of(header)
        missing = [item for item in items if item.asin not in answered_asins]
        queue.complete(connection, [item for item in items if item.asin in answered_asins])
        if missing:
            queue.fail(connection, missing, MISSING, max_attempts=self._site.settings.max_attempts)
        return len(missing)
