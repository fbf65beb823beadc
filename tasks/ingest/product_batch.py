"""A batch of products becomes rows: products and series, the queue's items, faults and the call, in ONE transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tasks.calls.spool_header import answered
from tasks.errors import BadRow, Transient
from tasks.ingest import unwritable
from tasks.ingest.answered_products import answered_products
from tasks.ingest.odd_items import OddItems
from tasks.ingest.unreadable import PAUSE_S, items_of, keep_body, keep_faults, keep_odd, quarantine_body
from tasks.keepa.decode.frame import CUT_OFF
from tasks.keepa.decode.replies import open_products
from tasks.keepa.detail import history_coverage
from tasks.keepa.request import max_tokens
from tasks.store.calls import calls
from tasks.store.products import products
from tasks.store.queue import queue

if TYPE_CHECKING:
    from tasks.calls.spool_header import Header
    from tasks.ingest.brake import Brake
    from tasks.ingest.database_session import DatabaseSession
    from tasks.keepa.decode.item import ItemFault
    from tasks.keepa.decode.replies import Envelope, ProductReply
    from tasks.runtime.job import JobContext
    from tasks.store.connection import Connection

NOTHING: Final = "none of the products asked for is in it"
MISSING: Final = "the reply to a request for it did not hold it"


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchResult:
    """What a batch brought, in products and rows; `asins` are those that could be read, found by Keepa or not."""

    products: int = 0
    series: int = 0
    missing: int = 0
    faults: int = 0
    asins: tuple[str, ...] = ()
    is_void: bool = False  # the body was read and answers nothing of what was asked for


class ProductBatchWriter:
    """Takes batches of products, live or replayed."""

    def __init__(self, context: JobContext, session: DatabaseSession, brake: Brake) -> None:
        self._context = context
        self._session = session
        self._brake = brake

    def write(self, header: Header, body: bytes) -> BatchResult:
        """What the batch brought; committed.

        Raises:
            StoreError: the database does not take it.
        """
        self._context.beat.phase("writing", f"{header.items} products")
        try:
            reply = open_products(body)
        except Transient as fault:
            quarantine_body(self._context, self._session, header, body, str(fault))
            self._brake.record(header, unusable=header.items, of=header.items)
            return BatchResult(faults=1)
        envelope = reply.envelope.costing_at_most(max_tokens(header.endpoint, header.items))
        odd_items = OddItems(self._context.log, header)
        try:
            result = self._session.run(
                lambda connection: self._write_rows(connection, odd_items, reply, envelope, body)
            )
        except BadRow as refusal:
            unwritable.keep(self._context, self._session, header, body, refusal)
            return BatchResult(faults=1)
        self._context.beat.wrote(products=result.products, price_series=result.series)
        bodies = int(bool(envelope.unusable)) + int(not reply.is_whole) + int(result.is_void)
        self._context.beat.quarantined("product", result.faults - bodies)
        self._context.beat.quarantined("body", bodies)
        odd_items.log()
        self._brake.record(header, unusable=result.faults - bodies + result.missing, of=header.items)
        return result

    def _write_rows(
        self, connection: Connection, odd_items: OddItems, reply: ProductReply, envelope: Envelope, body: bytes
    ) -> BatchResult:
        header, origin = odd_items.header, odd_items.header.origin
        asked = frozenset(origin.asins)  # none when a code was asked for: whatever comes is the answer
        found: set[str] = set()
        unread: list[ItemFault] = []
        strangers: list[ItemFault] = []
        rows = series = faults = 0
        odd_items.begin()
        coverage = history_coverage(origin.detail)
        for part in reply.parts(asked=None if origin.code else asked):
            local = [product for product in part.products if product.is_of(origin.domain)]
            odd_items.unasked += len(part.products) - len(local)
            odd_items.odd += part.odd
            unread += part.faults
            strangers += part.strangers
            if not local:
                continue
            written = products.write(
                connection,
                origin.domain,
                local,
                fetched_at=header.received_at,
                has_history=coverage == "whole",
                has_part=coverage == "part",
            )
            found |= {product.asin for product in local}
            rows += written.inserted + written.updated
            series += written.series
            faults += written.refused
        # What was cut off in its middle is asked for again, as what came after it.
        answers = answered_products(asked, found, [fault for fault in unread if fault.reason != CUT_OFF], strangers)
        odd_items.unasked += len(answers.unasked)
        faults += keep_faults(connection, "product", origin.domain, answers.faults)
        is_void = reply.is_whole and bool(asked) and not answers.asins
        why = CUT_OFF if not reply.is_whole else NOTHING if is_void else MISSING
        missing = self._settle_queue(connection, header, answers.asins, why)
        calls.record(connection, answered(header, envelope, rows=rows))
        faults += keep_odd(connection, header, envelope, body)
        faults += keep_body(connection, header, body, why) if why != MISSING else 0
        odd_items.keep(connection)
        return BatchResult(
            products=rows, series=series, missing=missing, faults=faults, asins=tuple(sorted(found)), is_void=is_void
        )

    def _settle_queue(self, connection: Connection, header: Header, answers: set[str], why: str) -> int:
        """Answered items are done, found or not; those the reply does not hold are tried again. How many these are.

        An item whose answer could not be read is done as well: the answer is kept, and asking again would pay for the
        same. What a body as a whole is to blame for is tried again after a pause.
        """
        items = items_of(header)
        missing = [item for item in items if item.asin not in answers]
        queue.complete(connection, [item for item in items if item.asin in answers])
        if missing:
            max_attempts = self._context.settings.max_attempts
            pause_s = 0.0 if why == MISSING else PAUSE_S
            queue.fail(connection, missing, why, max_attempts=max_attempts, pause_s=pause_s)
        return len(missing)
