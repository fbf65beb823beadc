"""The whole of each selection with full history: crawl its pages, queue its products, drain the queue in batches.

Several workers share the queue; one at a time crawls a selection, page and batch in turn, so that both get on however
few tokens there are.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec

from ledger import NS_PER_S
from tasks.errors import RequestRefused
from tasks.jobs.components import JobComponents
from tasks.jobs.listing import REFUSED_NS, PageRefused
from tasks.jobs.queue_batch import QueueBatch
from tasks.jobs.sources import Sources
from tasks.keepa.request import DEAL_TOKENS, product_shape
from tasks.keepa.selection.rules import MAX_ROWS, PAGE_ROWS
from tasks.planning.forecast import WINDOW_S, Forecast
from tasks.planning.pacing import crawl_interval_s
from tasks.planning.sliding_rate import SlidingRate
from tasks.planning.streams import pool_streams
from tasks.planning.time_left import time_left_s
from tasks.roles import BACKFILL
from tasks.runtime.job import Idle, StepDone
from tasks.store import crawls
from tasks.store.queue.check import check
from tasks.store.queue.counts import LowestLease, queue_counts
from tasks.store.queue.front import ClaimFront
from tasks.store.queue.renew import renew

if TYPE_CHECKING:
    from ledger import Snapshot
    from tasks.ingest.deal_page import PageResult
    from tasks.jobs.process_parts import ProcessParts
    from tasks.keepa.request import Detail
    from tasks.planning.streams import Stream
    from tasks.runtime.job import JobContext
    from tasks.store.crawls import Crawl
    from tasks.store.queue.counts import QueueCounts

REST_NS: Final = 60 * NS_PER_S  # until the next look whether a crawl is due, or its turn free
COUNT_NS: Final = 5 * NS_PER_S
EMPTY_NS: Final = 5 * NS_PER_S
DAY_S: Final = 86_400
RENEWED_AT_ONCE: Final = 1_000  # what is new meanwhile comes first again after so many

SAMPLE: Final = 100  # items whose estimate, divided, is what one costs


class Backfill:
    """The job for history."""

    def __init__(self, context: JobContext, parts: ProcessParts | None = None) -> None:
        self.context = context
        self._components = JobComponents(context, parts)
        self._rest_ns: dict[Stream, int] = dict.fromkeys(self._components.streams, 0)
        self._resting: dict[Stream, Idle] = {}
        self._sources = Sources(context, self._components)
        self._chosen = pool_streams(context.settings)
        self._is_crawl_next = True
        self._detail: Detail = context.settings.backfill_detail  # what the next items of the queue are expected to want
        self._front = ClaimFront()
        self._lease = LowestLease()
        self._counts: QueueCounts | None = None
        self._counted_ns = 0
        self._check_ns = 0
        self._renew_ns = 0
        self._renewed_after: datetime | None = None  # how far the last look at what is done came; from the beginning
        self._rate = SlidingRate(WINDOW_S)
        self._forecast = Forecast()

    def start(self) -> None:
        """See `Job.start`."""
        self._components.start()

    def step(self) -> StepDone | Idle:
        """See `Job.step`."""
        self.start()
        if self._components.recover():
            return StepDone(completes=False)
        if self._is_crawl_next:
            outcome = self._crawl() or self._ask_source()
            if outcome is not None:
                return outcome
        self._is_crawl_next = True
        outcome = self._drain()
        if isinstance(outcome, Idle) and self._resting:
            return replace(outcome, phase="calling", why=next(iter(self._resting.values())).why)
        return outcome

    def ask(self) -> None:
        """See `Job.ask`."""
        self._components.metered_client.ask()

    def close(self) -> None:
        """See `Job.close`."""
        self._components.close()

    def _crawl(self) -> StepDone | Idle | None:
        """One page of the first crawl that is due and this worker's turn; None when there is none."""
        stream = next((stream for stream in self._components.streams if self._may_crawl(stream)), None)
        if stream is None:
            return None
        outcome = self._components.listing.step(stream)
        if isinstance(outcome, Idle):
            if outcome.is_held and outcome.until_ns is not None:
                self._rest_ns[stream] = outcome.until_ns  # this request rests; the queue does not
                self._resting[stream] = outcome
                return None
            return outcome
        self._resting.pop(stream, None)
        if outcome is None:
            return StepDone(completes=False)  # another worker goes on with it: the next step finds the turn taken
        if isinstance(outcome, PageRefused):
            if outcome.is_whole:
                self._rest_ns[stream] = self.context.clock.now_ns() + REFUSED_NS
            return StepDone(completes=True)
        self._after_page(stream, outcome.result)
        self._is_crawl_next = False
        self._counts = None
        return StepDone(completes=True)

    def _ask_source(self) -> StepDone | Idle | None:
        """One page of a source that is due; None when there is none."""
        outcome = self._sources.step()
        if isinstance(outcome, StepDone):
            self._is_crawl_next = not outcome.completes
            self._counts = None
        return outcome

    def _may_crawl(self, stream: Stream) -> bool:
        now_ns = self.context.clock.now_ns()
        if self._rest_ns[stream] > now_ns:
            return False
        self._rest_ns[stream] = now_ns + REST_NS
        if not self._components.listing.has_turn(stream):
            self._resting.pop(stream, None)
            return False
        last = self._components.session.run(
            lambda connection: crawls.load_crawl(connection, self.context.role, stream.key, stream.domain)
        )
        is_fresh = last is not None and self._is_fresh(last)
        if not is_fresh:
            self._rest_ns[stream] = now_ns
        return not is_fresh

    def _is_fresh(self, last: Crawl) -> bool:
        """Whether the last crawl is complete and too recent to pay for another."""
        if last.finished_at is None:
            return False
        snapshot = self.context.ledger.snapshot()
        bucket = snapshot.bucket
        pages = last.rows / PAGE_ROWS + 1
        interval_s = crawl_interval_s(
            tokens=pages * DEAL_TOKENS,
            rate=bucket.refill_rate,
            tick_period_s=bucket.tick_period_s,
            budget=next((tier.tokens_per_day for tier in snapshot.tiers if tier.name == BACKFILL), None),
            selections=len(self._components.streams),
        )
        age_s = (datetime.now(UTC) - last.finished_at).total_seconds()
        return 0 <= age_s < interval_s  # one that ends in the future tells of a clock that was set back

    def _after_page(self, stream: Stream, result: PageResult) -> None:
        advance = result.advance
        if advance is None:
            # Unreadable, and would be paid for again to no end; or somebody else went on, who may have the turn.
            rest_ns = REST_NS if result.is_usable else REFUSED_NS * result.pauses
            self._rest_ns[stream] = self.context.clock.now_ns() + rest_ns
            return
        if advance.cut is not None:
            # Only a narrower selection can show the rest: more rows than the API shows have one price.
            self.context.log.error("crawl_cut", selection=stream.label, part=str(advance.cut), shown=MAX_ROWS)
        if advance.verdict.is_complete:
            self.context.log.info(
                "crawl_complete",
                selection=stream.label,
                rows=advance.crawl.rows,
                why=advance.verdict.name.lower(),
            )

    def _drain(self) -> StepDone | Idle:
        """One batch from the queue."""
        components, context = self._components, self.context
        counts = self._count()
        if not counts.pending:
            self._counts = None
            if self._renew():
                return StepDone(completes=False)
            return Idle(
                until_ns=context.clock.now_ns() + EMPTY_NS,
                phase="waiting_work",
                why=f"nothing is queued: {counts.done} products are done, {counts.leased} are with other workers",
            )
        batch = QueueBatch(
            context,
            components.session,
            components.spool,
            waiting=counts.pending,
            detail=self._detail,
            chosen=self._chosen,
            front=self._front,
        )
        try:
            outcome = components.metered_client.call(batch)
            self._detail = batch.detail
        except RequestRefused as error:
            failed = batch.refused(str(error))
            context.log.warning("batch_refused", error=error, failed=[item.asin for item in failed])
            context.beat.quarantined("product", len(failed))
            return StepDone(completes=True)
        if isinstance(outcome, Idle):
            if outcome.phase == "waiting_work":
                self._counts = None
            return outcome
        began_ns = context.clock.now_ns()
        result = components.replies.batches.write(outcome.header, outcome.body)
        outcome.acknowledge()
        writing_s = (context.clock.now_ns() - began_ns) / NS_PER_S
        self._forecast.read_work(len(batch.items), outcome.header.duration_s + writing_s)
        if result.missing:
            context.log.warning("products_missing", missing=result.missing)
        done = len(batch.items) - result.missing
        self._counts = replace(counts, pending=max(0, counts.pending - done), done=counts.done + done)
        self._report()
        return StepDone(completes=True)

    def _renew(self) -> int:
        """How much of what was fetched too long ago is queued again: some, once all that nobody has yet is there."""
        now_ns, settings = self.context.clock.now_ns(), self.context.settings
        if not settings.history_max_age_d or now_ns < self._renew_ns:
            return 0
        self._renew_ns = now_ns + REST_NS
        age_s = settings.history_max_age_d * DAY_S
        after = self._renewed_after
        found = self._components.session.run(
            lambda connection: renew(
                connection, detail=settings.backfill_detail, age_s=age_s, limit=RENEWED_AT_ONCE, after=after
            )
        )
        self._renewed_after = found.after
        if found.count:
            self.context.log.info("history_is_old", products=found.count, days=settings.history_max_age_d)
        return found.count

    def _count(self) -> QueueCounts:
        now_ns = self.context.clock.now_ns()
        if now_ns >= self._check_ns:
            self._check_ns = now_ns + REST_NS
            self._components.session.run(check)
        if self._counts is None or now_ns - self._counted_ns > COUNT_NS:
            self._counts = self._components.session.run(
                lambda connection: queue_counts(connection, self._chosen, lease=self._lease)
            )
            self._counted_ns = now_ns
            self._rate.read(now_ns, self._counts.done)
            self._report()
        return self._counts

    def _report(self) -> None:
        counts = self._counts
        if counts is None:
            return
        left = counts.pending + counts.leased
        per_min = self._rate.per_min()
        snapshot = self.context.ledger.snapshot()
        self._forecast.read_others(
            self.context.clock.now_ns(), sum(tier.spent for tier in snapshot.tiers if tier.name != BACKFILL)
        )
        pace = self._forecast.pace(self._per_item(snapshot), counts.workers)
        eta_s = time_left_s(left, pace, (snapshot,), BACKFILL)
        # The pace goes along: who shows the time left reckons it from what is queued and in the bucket at that moment.
        self.context.beat.job(
            done=counts.done,
            total=left + counts.done,
            rate_per_min=None if per_min is None else round(per_min, 2),
            eta_s=None if eta_s is None else round(eta_s),
            pace=msgspec.to_builtins(pace),
        )

    def _per_item(self, snapshot: Snapshot) -> float:
        """Tokens a product costs on average, as learned; before that what would be reserved for one."""
        shape = product_shape(self.context.settings.backfill_detail, SAMPLE)
        learned = next((cost.mean for cost in snapshot.costs if cost.shape == shape.name and cost.samples), None)
        return self.context.ledger.estimate(shape) / SAMPLE if learned is None else learned
