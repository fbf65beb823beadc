"""Asks the server for one page of a selection, in the tier of a person's own look-ups: the ledger's way, and once.

Beside a running supervisor it takes a lease like any worker; alone it holds the state directory for as long as the call
takes. The reply is looked at and not stored, but it is on disk for an hour (`paid_pages`): the next one that asks for
the page within that pays nothing, whether this process has shown it or was killed.
"""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from ledger import NeedsReading
from ledger.localtime import near
from supervisor.database import backend, ledger_source, server_in_use, shared_ledger
from supervisor.database.access import query_connection, require_place
from supervisor.database.hosts import joining
from supervisor.selections.describe import label
from supervisor.selections.paid_pages import PaidPages
from tasks.calls.arrived_reply import arrived
from tasks.calls.spool_header import Header, Origin, answered, unanswered
from tasks.errors import ApiError, ConfigError, NoRows, NotSent, StoreError, Throttled, Transient, plain
from tasks.keepa.client import KeepaClient
from tasks.keepa.decode.replies import any_envelope, decode_deals
from tasks.keepa.reply import envelope_of_reply
from tasks.keepa.request import DEAL_TOKENS, DealRequest, max_tokens
from tasks.planning import page_figures
from tasks.store.calls import calls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ledger import Lease, TokenLedger, Wait
    from supervisor.config.run_plan import RunPlan
    from tasks.calls.spool import SpoolEntry
    from tasks.keepa.deal import Deal
    from tasks.keepa.decode.replies import DealPage
    from tasks.keepa.selection.selection import Selection
    from tasks.planning.page_figures import PageFigures
    from tasks.store.calls.calls import Call

TIER: Final = "interactive"
WORKER: Final = "selection-preview"  # in the table of calls


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSeen:
    """One page.

    Attributes:
        figures: what it tells of the whole selection.
        deals: its deals, newest first.
        server_minute: the server's time, in Keepa minutes.
        tokens: what it cost, as the reply says; 0 when it was paid for before.
        balance: tokens left after it; None when the reply does not say.
    """

    figures: PageFigures
    deals: tuple[Deal, ...]
    server_minute: int
    tokens: int
    balance: int | None


class PageCaller:
    """Makes such calls with one connection and one ledger."""

    def __init__(self, plan: RunPlan, base_url: str, ledger: TokenLedger) -> None:
        settings = plan.settings
        self._ledger = ledger
        self.key = plan.key if len(plan.keys) > 1 else None
        """Which of several keys pays; None where there is one."""
        self._account, self._host = plan.key, settings.host_name
        self._client = KeepaClient(
            plan.api_key,
            base_url,
            connect_timeout_s=settings.connect_timeout_s,
            read_timeout_s=settings.read_timeout_s,
            max_body_mb=settings.max_body_mb,
        )
        self._paid = PaidPages(plan)
        self.records: list[Call] = []

    def close(self) -> None:
        """Close the connection."""
        self._paid.close()
        self._client.close()

    def balance(self) -> int:
        """The tokens that the server has for the key, by the free call where the ledger does not know them.

        Raises:
            ApiError: the server does not tell.
        """
        snapshot = self._ledger.snapshot()
        if not snapshot.synced:
            self._ledger.observe(self._client.read_bucket())
            snapshot = self._ledger.snapshot()
        return int(snapshot.bucket.balance)

    def page(self, selection: Selection, on_wait: Callable[[Wait], None]) -> PageSeen:
        """The first page of the selection, newest deal first; waits for its tokens, and tells `on_wait` until when.

        Raises:
            RequestRefused: the server does not accept the selection.
            ApiError: it did not answer.
            SpoolFull: the disk does not take a page that is paid for, so none is.
        """
        request = DealRequest(selection.for_upsert(), 0)
        header = _header((self._account, self._host), request, selection)
        self._paid.require_room()
        lease = self._lease(request, on_wait)
        entry = None
        try:
            lease.commit()
            reply = self._client.send(request)
            header = arrived(header, reply)
            entry = self._paid.keep(header, reply) if reply.is_paid else None
            envelope = envelope_of_reply(reply).costing_at_most(max_tokens(request.endpoint, request.items))
        except ApiError as error:
            is_unknown = isinstance(error, Transient) and not isinstance(error, NotSent)
            lease.settle(None if is_unknown else 0, error.reading, refused=isinstance(error, Throttled))
            self.records.append(unanswered(header, error))
            raise
        lease.settle(envelope.tokens_consumed, envelope.reading)
        self.records.append(answered(header, envelope, rows=0))
        return self._read(selection, reply.body, entry)

    def kept(self, selection: Selection) -> PageSeen | None:
        """The page, if it was paid for within the hour, which is told; None where it has to be asked for.

        Raises:
            SpoolFull: what was paid for cannot be read.
            Transient: the page cannot be read.
        """
        header = _header((self._account, self._host), DealRequest(selection.for_upsert(), 0), selection)
        found = self._paid.find(header.origin)
        if found is None:
            return None
        at = near(found.header.received_at, datetime.now(UTC))
        sys.stderr.write(f"0 tokens: the page of {label(selection)} of {at} is used, which is paid for\n")
        if not found.is_recorded:
            envelope = any_envelope(found.body).costing_at_most(max_tokens(found.header.endpoint, found.header.items))
            self.records.append(answered(found.header, envelope, rows=0))
        return replace(self._read(selection, found.body, found.entry), tokens=0, balance=None)

    @staticmethod
    def _read(selection: Selection, body: bytes, entry: SpoolEntry | None) -> PageSeen:
        """What the page tells; one that cannot be read is kept no longer, because it would not be the next time.

        Raises:
            Transient: it cannot be read.
        """
        try:
            return _seen(selection, decode_deals(body))
        except Transient:
            if entry is not None:
                entry.remove()
            raise

    def _lease(self, request: DealRequest, on_wait: Callable[[Wait], None]) -> Lease:
        while True:
            try:
                return self._ledger.reserve(TIER, DEAL_TOKENS, shape=request.shape, on_wait=on_wait)
            except NeedsReading:
                self._ledger.observe(self._client.read_bucket())


@contextmanager
def page_caller(plan: RunPlan) -> Iterator[PageCaller]:
    """A caller that uses the ledger of the running supervisor, or its own; what it called is in the record of calls.

    Raises:
        ConfigError: a supervisor is starting, or was started for another server; or these settings may lead to one that
            nobody meant (`require_place`).
        AlreadyRunning: another command holds the state directory.
    """
    require_place(plan)
    plan.state.make()
    with ExitStack() as stack:
        holder = plan.state.lock.holder()
        if holder is None:
            stack.enter_context(plan.state.lock.held(command="selection"))
            base_url = plan.base_url or stack.enter_context(server_in_use.simulator(plan))
            ledger = _own_ledger(plan, stack)
        else:
            _, base_url = server_in_use.running(plan, holder)
            ledger = shared_ledger.ledger_beside(plan)
        stack.enter_context(closing(ledger))
        caller = stack.enter_context(closing(PageCaller(plan, base_url, ledger)))
        try:
            yield caller
        finally:
            _record(plan, caller.records)


def _own_ledger(plan: RunPlan, stack: ExitStack) -> TokenLedger:
    """The ledger while no supervisor runs here; where hosts share it, this one is among them until the stack ends."""
    plan = ledger_source.as_last_run(plan)
    run, url, host = str(os.getpid()), plan.settings.database_url, 0
    if plan.settings.ledger == "database":
        rows = backend.backend_of(plan)
        stack.callback(rows.stop)
        url = rows.start()
        among = joining.take_part(plan, url, run)
        if among is not None:
            host = stack.enter_context(closing(among)).number
    return shared_ledger.create_ledger(plan, url, run, host)


def _seen(selection: Selection, page: DealPage) -> PageSeen:
    minutes = [deal.creation_date for deal in page.deals]
    now = page.server_minute if page.server_minute is not None else max(minutes, default=0)
    envelope = page.envelope
    return PageSeen(
        figures=page_figures.page_figures(
            selection,
            minutes,
            rows=len(page.deals) + len(page.faults),
            server_minute=now,
            counts=dict(zip(page.category_ids, page.category_counts, strict=False)),
        ),
        deals=tuple(page.deals),
        server_minute=now,
        tokens=DEAL_TOKENS if envelope.tokens_consumed is None else envelope.tokens_consumed,
        balance=envelope.tokens_left,
    )


def _header(of: tuple[str, str], request: DealRequest, selection: Selection) -> Header:
    return Header(
        origin=Origin(job=TIER, domain=selection.domain, selection_key=selection.key),
        endpoint=request.endpoint,
        tier=TIER,
        worker=WORKER,
        shape=request.shape.name,
        items=request.items,
        estimate=DEAL_TOKENS,
        received_at=datetime.now(UTC),
        status=0,
        duration_s=0.0,
        waited_s=0.0,
        account=of[0],
        host=of[1],
    )


def _record(plan: RunPlan, records: list[Call]) -> None:
    """Keep the calls where `sluicegate spend` finds them; without a database yet there is no such place.

    What was paid for is shown whether or not the database takes the record.
    """
    if not records:
        return
    try:
        with query_connection(plan, writes=True) as conn, conn.transaction():
            for call in records:
                calls.record(conn, call)
    except NoRows:
        return
    except (StoreError, ConfigError) as error:
        sys.stderr.write(f"sluicegate: the call is not in the record of calls: {plain(error)}\n")
