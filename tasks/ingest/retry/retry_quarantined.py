"""A second look at what was quarantined: this build reads what was kept before anything is asked for again.

A newer build may read what an older one could not, and a database may by now take what it refused. So rows come out
of the bytes that were paid for, and only what left no bytes goes back into the queue. Everything about one fault
happens in one transaction.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from tasks.calls.spool import Damaged, Spool
from tasks.calls.spool_name import SUFFIX
from tasks.ingest.odd_items import ODD
from tasks.ingest.retry import reprocess, reprocess_source, retry_advice
from tasks.ingest.retry.reprocess import StillUnreadable
from tasks.ingest.unreadable import ENVELOPE
from tasks.keepa.decode.replies import decode_envelope
from tasks.keepa.detail import is_detail
from tasks.keepa.request import DOMAINS, is_asin
from tasks.store import quarantine, refused_sources
from tasks.store.queue import queue, requeue
from tasks.store.refused_sources import SOURCE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tasks.keepa.request import Detail
    from tasks.keepa.source.source import Source
    from tasks.store.connection import Connection
    from tasks.store.quarantine import StoredFault


class Outcome(Enum):
    """What became of a fault."""

    READ = "read"
    """What is kept became rows; nothing was paid."""
    QUEUED = "queued"
    """It is asked for again, which costs tokens."""
    SETTLED = "settled"
    """There was nothing left to do."""
    LEFT = "left"
    """It is still in quarantine."""


@dataclass(frozen=True, slots=True)
class RetryResult:
    """What became of it, in a word and in words for a person."""

    outcome: Outcome
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryOptions:
    """What a second look works with.

    Attributes:
        spool_dir: where replies lie that no worker could process.
        detail: how much to fetch of a product the queue knows nothing of.
        may_pay: whether to ask again for a product whose kept answer this build cannot read either.
        sources: the sources of the settings, by key and locale.
    """

    spool_dir: Path
    detail: Detail
    may_pay: bool
    sources: Mapping[tuple[str, int], Source] = field(default_factory=dict[tuple[str, int], "Source"])


def retry_fault(conn: Connection, fault_id: int, options: RetryOptions) -> RetryResult | None:
    """What became of the fault of that number; None when there is none.

    Raises:
        psycopg.Error: the database does not take it, which is not the fault's fault.
    """
    with conn.transaction():
        kept = quarantine.lock_fault(conn, fault_id)
        if kept is None:
            return None
        try:
            with conn.transaction():
                result = _look(conn, kept, options)
        except StillUnreadable as reason:
            result = RetryResult(Outcome.LEFT, str(reason))
        if result.outcome is not Outcome.LEFT:
            quarantine.delete_fault(conn, fault_id)
    return result


def _look(conn: Connection, kept: StoredFault, options: RetryOptions) -> RetryResult:
    match kept.kind:
        case "deal":
            return _deal(conn, kept, options)
        case "product":
            return _product(conn, kept, options)
        case "body":
            return _body(conn, kept, options)
        case "request":
            return _request(conn, kept)


def _request(conn: Connection, kept: StoredFault) -> RetryResult:
    """A selection or source that was refused: of a source it is known whether it has been accepted since.

    What was asked for tells the two apart: a selection may be called so that its key begins as that of a source.
    """
    name = kept.key.removeprefix(SOURCE)
    if _is_of_source(kept) and not any(
        (one.name, one.domain) == (name, kept.domain) for one in refused_sources.all_refused(conn)
    ):
        return RetryResult(Outcome.SETTLED, "the source was accepted since")
    raise StillUnreadable(retry_advice.REFUSED)


def _is_of_source(kept: StoredFault) -> bool:
    try:
        asked = ast.literal_eval((kept.raw or b"").decode())
    except (SyntaxError, ValueError):
        return False
    return isinstance(asked, dict) and "source" in asked and kept.key.startswith(SOURCE)


def _deal(conn: Connection, kept: StoredFault, options: RetryOptions) -> RetryResult:
    if not kept.raw:
        raise StillUnreadable(retry_advice.NO_DEAL)
    return RetryResult(Outcome.READ, reprocess.deal(conn, kept, kept.raw, detail=options.detail))


def _product(conn: Connection, kept: StoredFault, options: RetryOptions) -> RetryResult:
    if not kept.raw:
        return _queue_again(conn, kept, options)
    try:
        with conn.transaction():
            return RetryResult(Outcome.READ, reprocess.product(conn, kept, kept.raw))
    except StillUnreadable:
        if not options.may_pay:
            raise
        return _queue_again(conn, kept, options, even_if_done=True)


def _body(conn: Connection, kept: StoredFault, options: RetryOptions) -> RetryResult:
    if kept.key.endswith(SUFFIX):
        return _reply(kept, options)
    endpoint, _, what = kept.key.partition(" ")
    if what == ENVELOPE:
        return _envelope(kept)
    if what == ODD:
        return RetryResult(Outcome.SETTLED, "an example: all such items were written at once, the odd field in `extra`")
    if kept.raw and endpoint == "/deal":
        return RetryResult(Outcome.READ, reprocess.page(conn, kept, kept.raw, detail=options.detail))
    if kept.raw and endpoint == "/product":
        return RetryResult(Outcome.READ, reprocess.batch(conn, kept, kept.raw))
    if kept.raw and endpoint in retry_advice.SOURCE_ENDPOINTS:
        words = reprocess_source.page(conn, kept, kept.raw, detail=options.detail, sources=options.sources)
        return RetryResult(Outcome.READ, words)
    raise StillUnreadable(retry_advice.UNKNOWN)


def _envelope(kept: StoredFault) -> RetryResult:
    """A body whose rows were written at once."""
    unusable = reprocess.read(decode_envelope, kept.raw or b"").unusable
    if unusable:
        raise StillUnreadable(f"its rows were written at once; its envelope still has no usable {', '.join(unusable)}")
    return RetryResult(Outcome.SETTLED, "its rows were written at once, and its envelope can be read by now")


def _reply(kept: StoredFault, options: RetryOptions) -> RetryResult:
    """A reply no worker could process, file and all: back to where workers look for what others left."""
    if not options.spool_dir.is_dir():
        raise StillUnreadable("its file is no longer in the spool: it can only be dropped")
    try:
        Spool(options.spool_dir, limit_bytes=0).put_back(kept.key)
    except FileNotFoundError:
        raise StillUnreadable("its file is no longer in the spool: it can only be dropped") from None
    except Damaged as damage:
        raise StillUnreadable(f"its file is still damaged: {damage}") from None
    return RetryResult(Outcome.READ, "back in the spool: a running worker takes it within half a minute")


def _queue_again(
    conn: Connection, kept: StoredFault, options: RetryOptions, *, even_if_done: bool = False
) -> RetryResult:
    if not is_asin(kept.key) or kept.domain not in DOMAINS:
        raise StillUnreadable("not an ASIN of a known locale: it can never be asked for; drop it")
    states = requeue.states(conn, kept.domain, kept.key)
    if any(state in {"pending", "leased"} for state, _ in states.values()):
        return RetryResult(Outcome.SETTLED, "it is in the queue already")
    failed = [detail for detail, (state, _) in states.items() if state == "given up" and is_detail(detail)]
    if failed:
        requeue.requeue_failed(conn, kept.domain, kept.key, failed)
        return RetryResult(Outcome.QUEUED, f"queued again for {' and '.join(failed)}")
    if not even_if_done and any(at is not None and at > kept.last_at for _, at in states.values()):
        return RetryResult(Outcome.SETTLED, "it was fetched since")
    detail = next((detail for detail in states if is_detail(detail)), options.detail)
    queue.enqueue(conn, kept.domain, [kept.key], detail=detail, again=True)
    return RetryResult(Outcome.QUEUED, f"queued again for {detail}")
