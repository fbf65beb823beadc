"""The only way to the API: reserve, commit, one request, body to the spool, settle.

A call is made for a `RequestPlan`, which says what it would cost and hands out the request once the tokens are there:
work is claimed from a shared queue with a lease in hand, so nobody sits on items while waiting an hour for tokens.
Every attempt has its own lease. What follows a 429 is in `tasks.calls.too_many_requests`, what follows any other
failure in `tasks.calls.failed_calls`, and how one request is sent in `tasks.calls.exchange`.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from ledger import NS_PER_S, LeaseGone
from tasks.calls.arrived_reply import arrived
from tasks.calls.balance_request import BalanceRequest
from tasks.calls.budget import Budget
from tasks.calls.exchange import Exchange
from tasks.calls.failed_calls import BALANCE, FailedCalls
from tasks.calls.request_plan import SpooledReply
from tasks.calls.spool import SpoolFull
from tasks.calls.spool_header import Header, unanswered
from tasks.calls.too_many_requests import TooManyRequests
from tasks.errors import ApiError, Forbidden, NotSent, RequestRefused, Throttled, Transient
from tasks.keepa.reply import envelope_of_reply
from tasks.keepa.request import max_tokens
from tasks.runtime.job import Idle

if TYPE_CHECKING:
    from collections.abc import Callable

    from ledger import Lease
    from tasks.calls.budget import Reservation
    from tasks.calls.request_plan import ClaimedRequest, RequestPlan
    from tasks.calls.spool import Spool, SpoolEntry
    from tasks.keepa.client import KeepaClient
    from tasks.keepa.reply import RawReply
    from tasks.runtime.job import JobContext
    from tasks.store.calls.calls import Call

FULL_NS: Final = 5 * NS_PER_S  # until the next look whether the spool has room


class MeteredClient:
    """Makes the calls of one worker.

    `record` takes a call that brought no rows; `brake` says why no call of the shape it is given may be made now.
    """

    def __init__(
        self,
        context: JobContext,
        client: KeepaClient,
        spool: Spool,
        record: Callable[[Call], None],
        brake: Callable[[str], Idle | None] = lambda _shape: None,
    ) -> None:
        self._brake = brake
        self._context = context
        self._spool = spool
        self._exchange = Exchange(context, client, record)
        self._budget = Budget(context)
        self._failing = FailedCalls(context, BalanceRequest(self._exchange).send)
        self._too_many = TooManyRequests(context)

    def close(self) -> None:
        """Leave the places in the ledger's queue that are kept between two calls."""
        self._budget.close()

    def update_conditions(self) -> None:
        """Bring the reported conditions of calls, balance and spool up to date between two calls; call it often."""
        self._failing.update_conditions()
        self._budget.update_conditions()
        if self._context.beat.is_degraded("spool"):
            with suppress(SpoolFull):
                self._spool.require_room()
                self._context.beat.condition_over("spool")

    def call(self, request_plan: RequestPlan) -> SpooledReply | Idle:
        """The reply to the request planned, or why there is none now and when to come back.

        Raises:
            RequestRefused: the server will not answer this request; what was claimed for it is not released.
            Forbidden: the server does not serve this key.
            StoreError: the work could not be claimed in the database.
        """
        rest = self._failing.rest(request_plan) or self._brake(request_plan.plan().name) or self._kept_from_disk()
        if rest is not None:
            return rest
        try:
            return self._attempt(request_plan)
        except Transient as error:
            # Only the balance was asked for, which is free.
            return self._failing.failed(BALANCE, error, may_be_charged=False)
        except Forbidden:
            request_plan.release()  # others may go on with it: another key is served
            raise

    def learn_balance(self) -> None:
        """Ask the server for the balance, which is free, unless the ledger knows it.

        Raises:
            Transient: it says nothing.
            Forbidden: the server does not serve this key.
        """
        if self._context.ledger.standing().believed_age_s is None:
            self.ask()

    def ask(self) -> None:
        """Ask the server for the balance, which is free, and give it to the ledger.

        Raises:
            Transient: it says nothing.
            Forbidden: the server does not serve this key.
        """
        self._context.ledger.observe(self._failing.read_balance())

    def _kept_from_disk(self) -> Idle | None:
        """Why no reply can be kept now, so that none is paid for."""
        context = self._context
        try:
            self._spool.require_room()
        except SpoolFull as full:
            context.log.warning("spool_full", reason=str(full))
            context.beat.degraded("spool", str(full))
            return Idle(until_ns=context.clock.now_ns() + FULL_NS, phase="replaying", why=str(full))
        context.beat.condition_over("spool")
        return None

    def _attempt(self, request_plan: RequestPlan) -> SpooledReply | Idle:
        reservation = self._budget.reserve(
            request_plan.tier, request_plan.plan, self._failing.read_balance, may_wait=request_plan.may_wait
        )
        if isinstance(reservation, Idle):
            return reservation
        with reservation:
            claimed = request_plan.claim()
            if claimed is not None and claimed.request.shape == reservation.shape:
                return self._send(request_plan, claimed, reservation)
        if claimed is None:
            return Idle(until_ns=None, phase="waiting_work", why="nothing left to ask for")
        # Something else than planned was there: reserve for what it is, so that the cost per item is learned right.
        smaller = self._budget.reserve_now(request_plan.tier, claimed.request.shape)
        if isinstance(smaller, Idle):
            request_plan.release()
            return smaller
        with smaller:
            return self._send(request_plan, claimed, smaller)

    def _send(
        self, request_plan: RequestPlan, claimed: ClaimedRequest, reservation: Reservation
    ) -> SpooledReply | Idle:
        request = claimed.request
        rest = self._brake(request.shape.name) or self._kept_from_disk()  # a while may have passed at the gate
        if rest is not None:
            request_plan.release()
            return rest
        began_ns = self._exchange.begin(f"{request.endpoint} {reservation.shape.name} x{request.items}")
        try:
            reservation.commit()
        except LeaseGone as gone:
            request_plan.release()
            return Idle(until_ns=self._context.clock.now_ns(), phase="waiting_tokens", why=str(gone))
        header = self._exchange.header(
            request,
            claimed.origin,
            tier=request_plan.tier,
            estimate=reservation.lease.cost,
            waited_s=reservation.waited_s,
        )
        try:
            reply = self._exchange.send(request)
            spooled = self._settle(reservation, header, reply)
        except Throttled as error:
            return self._throttled(request_plan, reservation, error, header)
        except Transient as error:
            self._exchange.failed(header, error, began_ns)
            return self._in_vain(request_plan, reservation.lease, error)
        except ApiError as error:
            self._exchange.failed(header, error, began_ns)
            reservation.lease.cancel()
            self._failing.answered(request_plan)
            if isinstance(error, RequestRefused):
                self._doubt_key(request_plan)
                self._failing.refused(request_plan, claimed.origin.items, error)
            raise
        self._failing.accepted(request_plan)
        return spooled

    def _in_vain(self, request_plan: RequestPlan, lease: Lease, error: Transient) -> Idle:
        """Settle a call that got no answer: it may have been charged unless nothing was sent."""
        if isinstance(error, NotSent):
            lease.cancel()
            request_plan.release()
        else:
            lease.settle(None, error.reading)
            request_plan.postpone()
        return self._failing.failed(request_plan.what, error, may_be_charged=not isinstance(error, NotSent))

    def _doubt_key(self, request_plan: RequestPlan) -> None:
        """Return if the request is to blame: the server answers a key it does not know like a bad parameter.

        Raises:
            Forbidden: it is the key.
            Transient: nobody can tell now; what was claimed is released.
        """
        try:
            self.ask()
        except Transient:
            request_plan.release()
            raise

    def _settle(self, reservation: Reservation, header: Header, reply: RawReply) -> SpooledReply:
        """The reply, on disk before it is looked into; its lease settled.

        Raises:
            ApiError: the reply is none.
        """
        header = arrived(header, reply)
        entry = self._keep(header, reply) if reply.is_paid else None
        envelope = envelope_of_reply(reply).costing_at_most(max_tokens(header.endpoint, header.items))
        reservation.lease.settle(envelope.tokens_consumed, envelope.reading)
        self._too_many.answered()
        return SpooledReply(entry=entry, header=header, body=reply.body, envelope=envelope)

    def _keep(self, header: Header, reply: RawReply) -> SpoolEntry | None:
        try:
            return self._spool.put(header, reply.body, reply.packed)
        except OSError as error:
            # Paid for and in memory: going on without the safety net beats throwing it away.
            self._context.log.error("spool_write_failed", error=error)
            return None

    def _throttled(self, request_plan: RequestPlan, reservation: Reservation, error: Throttled, header: Header) -> Idle:
        """Take in a 429: its reading goes to the ledger, and what was claimed is anybody's again."""
        reservation.lease.settle(0, error.reading, refused=True)
        self._exchange.record(unanswered(header, error))
        request_plan.release()
        if error.reading is None:  # the reply has no balance, so the gate cannot know when to open
            return self._failing.failed(request_plan.what, error, may_be_charged=False)
        self._failing.answered(request_plan)
        return self._too_many.refused(error.reading, waited_s=reservation.waited_s)
