"""Keeps people's own lists of products fresh: what is due is queued, and fetched with what the walks leave over.

The lists are upsert's: they spend what lies above its floor and beyond what the next walk needs, and what they fetch
for the queue of the backfill need not be fetched by that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ledger import NS_PER_S
from tasks.errors import RequestRefused
from tasks.ingest.watch_lists import WatchLists
from tasks.jobs.queue_batch import QueueBatch
from tasks.keepa.request import max_asins, product_shape
from tasks.planning.pacing import fit
from tasks.planning.streams import WantedStreams
from tasks.planning.watch_plan import WatchNeed, describe, watch_plan
from tasks.roles import UPSERT
from tasks.runtime.job import Idle, StepDone
from tasks.store.queue.front import ClaimFront
from tasks.store.watch import due, lists

if TYPE_CHECKING:
    from ledger import Shape
    from tasks.jobs.components import JobComponents
    from tasks.runtime.job import JobContext
    from tasks.store.connection import Connection

MOST_QUEUED: Final = 2_000  # of a list at a time: what a plan of 1,200 tokens a minute fetches while nobody looks
_FEW: Final = 500
SAMPLE: Final = 100  # products whose estimate, divided, is what one costs
REST_NS: Final = 60 * NS_PER_S  # until the next look whether something is due
EMPTY_NS: Final = 5 * NS_PER_S
UNKNOWN_TICK_S: Final = 1.0


class WatchBatch(QueueBatch):
    """What is next in the lists, as far as there are tokens to spare now. Not worth waiting for: a walk may be due."""

    tier = UPSERT
    may_wait = False
    kept_tokens = 0

    @property
    def size(self) -> int:
        """How many products there are tokens for now, beyond those that are kept for the next walk."""
        ledger, detail = self._context.ledger, self.detail
        spare = ledger.headroom(self.tier).now - self.kept_tokens
        most = min(self._waiting, max_asins(detail))
        return fit(lambda n: ledger.estimate(product_shape(detail, n)), tokens=spare, max_items=most)

    def plan(self) -> Shape:
        """As many products as that, and at least one: its call learns the balance where nobody knows it yet."""
        self._limit = max(1, self.size)
        return product_shape(self.detail, self._limit)


class Watch:
    """The lists, as one worker of upsert looks after them."""

    def __init__(self, context: JobContext, components: JobComponents) -> None:
        self._context = context
        self._components = components
        self._lists = WatchLists(context, components.session)
        self._keys = tuple(watch.key for watch in self._lists.lists)
        self._chosen = WantedStreams(keys=self._keys, domains=())
        self._front = ClaimFront()
        self._detail: str = self._lists.lists[0].detail if self._lists.lists else "history"
        self._queued = 0
        self._look_ns = 0
        self._refed_ns = 0
        self._is_planned = False

    @property
    def is_wanted(self) -> bool:
        """Whether there are lists at all."""
        return bool(self._keys)

    def step(self, until_ns: int, *, kept_tokens: int) -> StepDone | Idle:
        """One batch of the lists, or until when there is none, at the latest `until_ns`.

        Raises:
            Forbidden: the server does not serve this key.
            StoreError: the database does not answer.
        """
        context = self._context
        now_ns = context.clock.now_ns()
        if self._lists.update() or now_ns >= self._look_ns or (self._queued < _FEW and now_ns >= self._refed_ns):
            self._feed()
        if not self._queued:
            look_ns = min(self._look_ns, max(self._refed_ns, now_ns))
            return Idle(until_ns=min(until_ns, look_ns), phase="waiting_poll", why=_fresh(len(self._keys)))
        batch = WatchBatch(
            context,
            self._components.session,
            self._components.spool,
            waiting=self._queued,
            detail=self._detail,
            chosen=self._chosen,
            front=self._front,
        )
        batch.kept_tokens = kept_tokens
        snapshot = context.ledger.snapshot()
        if snapshot.synced and not batch.size:
            tick_in_s = snapshot.bucket.next_tick_in_s or UNKNOWN_TICK_S
            at_ns = min(until_ns, now_ns + round(tick_in_s * NS_PER_S))
            return Idle(until_ns=at_ns, phase="waiting_poll", why="products of lists wait until tokens can be spared")
        return self._call(batch, until_ns)

    def _call(self, batch: WatchBatch, until_ns: int) -> StepDone | Idle:
        context = self._context
        try:
            outcome = self._components.metered_client.call(batch)
        except RequestRefused as error:
            failed = batch.refused(str(error))
            context.log.warning("batch_refused", error=error, failed=[item.asin for item in failed])
            context.beat.quarantined("product", len(failed))
            return StepDone(completes=False)
        self._detail = batch.detail
        if isinstance(outcome, Idle):
            if outcome.phase == "waiting_work":
                self._queued = 0
                self._refed_ns = context.clock.now_ns() + EMPTY_NS  # others have them in hand, or they are put off
                return StepDone(completes=False)
            at_ns = until_ns if outcome.until_ns is None else min(until_ns, outcome.until_ns)
            return Idle(
                until_ns=at_ns,
                phase="calling" if outcome.is_held else "waiting_poll",
                why=outcome.why,
                is_held=outcome.is_held,
            )
        self._components.replies.batches.write(outcome.header, outcome.body)
        outcome.acknowledge()
        self._queued = max(0, self._queued - len(batch.items))
        return StepDone(completes=False)

    def _feed(self) -> None:
        """Queue what is due of each list, and count the lists."""
        context = self._context
        now_ns = context.clock.now_ns()
        self._queued = self._components.session.run(self._feed_all)
        # What is queued now is all there was: with less than a few the next look would find nothing either.
        self._refed_ns = now_ns + REST_NS if self._queued < _FEW else now_ns
        self._look_ns = now_ns + REST_NS
        if not self._is_planned and context.ledger.snapshot().synced:
            self._is_planned = True
            self._tell_plan()

    def _tell_plan(self) -> None:
        """Log what the lists will cost, once, before they do."""
        context = self._context
        snapshot = context.ledger.snapshot()
        found = self._components.session.run(lists.all_lists)
        needs = [
            WatchNeed(
                products=one.products,
                tokens_each=context.ledger.estimate(product_shape(one.detail, SAMPLE)) / SAMPLE,
                refresh_s=one.refresh_s,
            )
            for one in found
            if one.list_key in self._keys
        ]
        share = next((tier.share for tier in snapshot.tiers if tier.name == UPSERT), 0.0)
        bucket = snapshot.bucket
        plan = watch_plan(needs, rate=bucket.refill_rate, tick_s=bucket.tick_period_s, share=share)
        words = describe(plan, rate=bucket.refill_rate, tick_s=bucket.tick_period_s)
        context.log.info("lists_planned", message=words)

    def _feed_all(self, connection: Connection) -> int:
        queued = 0
        for watch in self._lists.lists:
            queued += due.feed(connection, watch, most=MOST_QUEUED, keys=self._keys)
            lists.count(connection, watch.key)
        return queued


def _fresh(count: int) -> str:
    return "the list is fresh" if count == 1 else f"all {count} lists are fresh"
