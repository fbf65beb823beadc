"""What came with status 200 and cannot be read, a body or a part of one: paid, kept, and left to a person."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from tasks.calls.spool_header import answered
from tasks.keepa.decode.replies import any_envelope
from tasks.keepa.request import max_tokens
from tasks.store import quarantine
from tasks.store.calls import calls
from tasks.store.queue import queue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.calls.spool_header import Header
    from tasks.ingest.database_session import DatabaseSession
    from tasks.keepa.decode.item import ItemFault
    from tasks.keepa.decode.replies import Envelope
    from tasks.runtime.job import JobContext
    from tasks.store.connection import Connection
    from tasks.store.quarantine import Kind

PAUSE_S = 60.0
ENVELOPE = "envelope"  # in the key of a body whose rows are good


def quarantine_body(context: JobContext, session: DatabaseSession, header: Header, body: bytes, reason: str) -> None:
    """Keep the body and count the attempt of what it was to answer.

    Raises:
        StoreError: the database does not take it.
    """
    context.log.error("body_unreadable", endpoint=header.endpoint, reason=reason, bytes=len(body))
    origin = header.origin

    def work(connection: Connection) -> None:
        keep_body(connection, header, body, reason)
        if origin.leases:
            queue.fail(
                connection, items_of(header), reason, max_attempts=context.settings.max_attempts, pause_s=PAUSE_S
            )
        envelope = any_envelope(body).costing_at_most(max_tokens(header.endpoint, header.items))
        calls.record(connection, answered(header, envelope, rows=0))

    session.run(work)
    context.beat.quarantined("body")


def keep_body(connection: Connection, header: Header, body: bytes, reason: str) -> int:
    """Keep a body that cannot be read, or not all of it, in the place of one that was to answer the same; 1.

    In the caller's transaction.
    """
    origin = header.origin
    key = f"{header.endpoint} {origin.selection_key or origin.detail} page {origin.page}"
    if origin.asins:
        key += f" {_mark(','.join(origin.asins).encode())}"  # of other products: their bytes have no other place
    quarantine.add(connection, kind="body", key=key, reason=reason, raw=body, domain=origin.domain)
    return 1


def keep_faults(connection: Connection, kind: Kind, domain: int, faults: Sequence[ItemFault]) -> int:
    """Keep what in a good body could not be read, each with its reason, for a person to look at; how many.

    In the caller's transaction.
    """
    for fault in faults:
        key = fault.asin or f"no ASIN {_mark(fault.raw)}"
        quarantine.add(connection, kind=kind, key=key, reason=fault.reason, raw=fault.raw, domain=domain)
    return len(faults)


def keep_odd(connection: Connection, header: Header, envelope: Envelope, body: bytes) -> int:
    """Keep a body whose rows are good and whose envelope is not, for a person to look at; how many were kept: 0 or 1.

    In the caller's transaction.
    """
    if not envelope.unusable:
        return 0
    reason = f"no usable {', '.join(envelope.unusable)}"
    key = f"{header.endpoint} {ENVELOPE}"
    quarantine.add(connection, kind="body", key=key, reason=reason, raw=body, domain=header.origin.domain)
    return 1


def _mark(raw: bytes) -> str:
    """What tells these bytes from others, in a few characters."""
    return hashlib.blake2b(raw, digest_size=4).hexdigest()


def items_of(header: Header) -> list[queue.Item]:
    """The queue's items that a call was made for."""
    origin = header.origin
    return [
        queue.Item(domain=origin.domain, asin=asin, detail=origin.detail, attempts=0, lease=lease)
        for asin, lease in zip(origin.asins, origin.leases, strict=False)
    ]
