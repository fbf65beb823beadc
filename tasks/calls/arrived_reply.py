"""What a reply of `/token` says of the balance, and when a reply arrived."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from tasks.calls.spool_header import answered, unanswered
from tasks.errors import Throttled, Transient
from tasks.keepa.reply import envelope_of_reply

if TYPE_CHECKING:
    from ledger import Reading
    from tasks.calls.spool_header import Header
    from tasks.keepa.reply import RawReply
    from tasks.store.calls.calls import Call


def balance_in(reply: RawReply, header: Header) -> tuple[Reading, Call]:
    """The balance that a reply of `/token` tells, and the call for the record.

    Raises:
        Transient: it tells none.
        Forbidden: the server does not serve this key, or does not know the request.
    """
    try:
        envelope = envelope_of_reply(reply)
    except Throttled as error:
        reading, call = error.reading, unanswered(header, error)
    else:
        reading, call = envelope.reading, answered(header, envelope, rows=0)
    if reading is None:
        raise Transient("the reply to /token has no refill rate", status=reply.status)
    return reading, call


def arrived(header: Header, reply: RawReply) -> Header:
    """The header of a reply that has come just now."""
    return msgspec.structs.replace(
        header, status=reply.status, duration_s=reply.duration_s, received_at=datetime.now(UTC)
    )
