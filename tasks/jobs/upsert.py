"""Recent deals, kept fresh: walk through each selection newest first down to what is known, then fetch details.

Listing comes first and at its own pace; details take what is left of the tokens until the next walk is due, newest
deal first. A walk that was interrupted goes on where it was.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from ledger import NS_PER_S
from tasks.errors import RequestRefused
from tasks.jobs.components import JobComponents
from tasks.jobs.detail_batch import DetailBatch
from tasks.jobs.listing import REFUSED_NS, PageRefused
from tasks.jobs.watch import Watch
from tasks.keepa.request import DEAL_TOKENS
from tasks.planning.backlog import DetailBacklog
from tasks.planning.look_times import Intervals, LookTimes
from tasks.planning.pacing import poll_interval_s
from tasks.roles import UPSERT
from tasks.runtime.job import Idle, StepDone
from tasks.store import crawls

if TYPE_CHECKING:
    from tasks.calls.request_plan import SpooledReply
    from tasks.ingest.deal_page import PageResult
    from tasks.jobs.process_parts import ProcessParts
    from tasks.keepa.request import Detail
    from tasks.planning.streams import Stream
    from tasks.runtime.job import JobContext
    from tasks.store.crawls import Crawl

UNKNOWN_TICK_S: Final = 1.0
LOOK_NS: Final = 60 * NS_PER_S  # without a selection: until the next look at the lists
WEIGHT: Final = 0.2  # of the newest walk in what walks usually cost: one burst moves the pace by a fifth


class Upsert:
    """The job for recent deals."""

    def __init__(self, context: JobContext, parts: ProcessParts | None = None) -> None:
        self.context = context
        self._components = JobComponents(context, parts)
        self._backlog = DetailBacklog()
        self._watch = Watch(context, self._components)
        self._is_watch_next = False
        self._looks: LookTimes[Stream] = LookTimes()
        self._usual_tokens = float(DEAL_TOKENS)  # per walk
        self._walk_tokens: dict[Stream, int] = {}
        self._resting: dict[Stream, Idle] = {}
        self._reported_dropped = 0
        self._fetched: Detail | None = None  # the detail of the last batch, which the next one is expected to have

    def start(self) -> None:
        """See `Job.start`."""
        if not self._components.start():
            return
        self._looks.begin(self._components.streams, self.context.clock.now_ns())
        for stream in self._components.streams:
            self._resume(stream)

    def step(self) -> StepDone | Idle:
        """See `Job.step`."""
        self.start()
        if self._components.recover():
            return StepDone(completes=False)
        due = self._looks.next(self._intervals())
        if due is None and not self._watch.is_wanted:
            return Idle(until_ns=None, phase="waiting_work", why="no selection")
        now_ns = self.context.clock.now_ns()
        if due is not None and due[1] <= now_ns:
            self._looks.rest(*due)  # a walk that has begun goes on, even if looks become rarer meanwhile
            return self._list(due[0])
        outcome = self._spare(now_ns + LOOK_NS if due is None else due[1])
        if isinstance(outcome, Idle) and self._resting:
            return replace(outcome, phase="calling", why=next(iter(self._resting.values())).why)
        return outcome

    def ask(self) -> None:
        """See `Job.ask`."""
        self._components.metered_client.ask()

    def close(self) -> None:
        """See `Job.close`."""
        self._components.close()

    def _spare(self, next_due_ns: int) -> StepDone | Idle:
        """Details of new deals and products of lists in turn, so that neither takes all that the walks leave over."""
        if not self._watch.is_wanted:
            return self._detail(next_due_ns)
        idle: list[Idle] = []
        for is_watch in (self._is_watch_next, not self._is_watch_next):
            kept = DEAL_TOKENS * len(self._looks)
            outcome = self._watch.step(next_due_ns, kept_tokens=kept) if is_watch else self._detail(next_due_ns)
            if isinstance(outcome, StepDone):
                self._is_watch_next = not is_watch
                return outcome
            idle.append(outcome)
        return min(idle, key=lambda one: next_due_ns if one.until_ns is None else one.until_ns)

    def _last_walk(self, stream: Stream) -> Crawl | None:
        return self._components.session.run(
            lambda connection: crawls.load_crawl(connection, self.context.role, stream.key, stream.domain)
        )

    def _list(self, stream: Stream) -> StepDone | Idle:
        """One page of the walk through `stream`."""
        components, context = self._components, self.context
        if not components.listing.has_turn(stream):
            self._resting.pop(stream, None)
            self._looks.taken(stream, context.clock.now_ns())
            due = self._looks.next(self._intervals())
            why = f"another worker lists {stream.label}"
            return Idle(until_ns=None if due is None else due[1], phase="waiting_poll", why=why)
        outcome = components.listing.step(stream)
        if isinstance(outcome, Idle):
            if outcome.is_held and outcome.until_ns is not None:
                self._looks.rest(stream, outcome.until_ns)  # this request rests; other selections and details do not
                self._resting[stream] = outcome
                return StepDone(completes=False)
            return outcome
        self._resting.pop(stream, None)
        if outcome is None:
            return StepDone(completes=False)  # another worker goes on with it: the next step finds the turn taken
        if isinstance(outcome, PageRefused):
            self._looks.rest(stream, context.clock.now_ns() + REFUSED_NS)
            return StepDone(completes=True)
        if context.settings.upsert_detail != "none":
            self._backlog.add(outcome.result.news)
        return StepDone(completes=self._after(stream, outcome.reply, outcome.result))

    def _after(self, stream: Stream, reply: SpooledReply, result: PageResult) -> bool:
        """Whether the walk is over; if so, when the next one is due."""
        consumed = reply.envelope.tokens_consumed
        tokens = self._walk_tokens.pop(stream, 0) + (reply.header.estimate if consumed is None else consumed)
        if result.advance is not None and not result.advance.verdict.is_complete:
            self._walk_tokens[stream] = tokens
            return False
        if result.advance is not None:
            if not result.advance.is_first:
                self._usual_tokens += WEIGHT * (tokens - self._usual_tokens)
            self._report_walk(stream, tokens, result)
        # A page that could not be read ends this look as well: the same page at once would be paid for again.
        self._looks.ended(stream, self.context.clock.now_ns(), pauses=result.pauses)
        return True

    def _report_walk(self, stream: Stream, tokens: int, result: PageResult) -> None:
        advance = result.advance
        if advance is None:
            return
        self.context.log.info(
            "walk_complete",
            selection=stream.label,
            pages=advance.crawl.page,
            rows=advance.crawl.rows,
            tokens=tokens,
            why=advance.verdict.name.lower(),
            next_in_s=round(self._intervals().paid_ns / NS_PER_S, 1),
        )
        self._backlog.forget_stale(advance.server_minute)
        if self._backlog.dropped > self._reported_dropped:
            self.context.log.warning(
                "details_dropped", dropped=self._backlog.dropped - self._reported_dropped, waiting=len(self._backlog)
            )
            self._reported_dropped = self._backlog.dropped

    def _detail(self, next_due_ns: int) -> StepDone | Idle:
        """Details of as many of the newest deals as there are tokens to spare now."""
        context, detail = self.context, self.context.settings.upsert_detail
        context.beat.job(waiting=len(self._backlog), dropped=self._backlog.dropped)
        if detail == "none" or not self._backlog:
            return Idle(until_ns=next_due_ns, phase="waiting_poll", why=_fresh(len(self._looks)))
        kept = DEAL_TOKENS * len(self._looks)
        request_plan = DetailBatch(
            context, self._components, self._backlog, detail, kept_tokens=kept, expected=self._fetched
        )
        if request_plan.size == 0:
            tick_in_s = context.ledger.snapshot().bucket.next_tick_in_s or UNKNOWN_TICK_S
            until_ns = min(next_due_ns, context.clock.now_ns() + round(tick_in_s * NS_PER_S))
            why = f"{len(self._backlog)} details kept until tokens can be spared"
            return Idle(until_ns=until_ns, phase="waiting_poll", why=why)
        try:
            outcome = self._components.metered_client.call(request_plan)
            self._fetched = request_plan.fetched
        except RequestRefused as error:
            context.log.error("details_refused", error=error)
            request_plan.refused(str(error))
            return StepDone(completes=False)
        if isinstance(outcome, Idle):
            if outcome.phase == "waiting_work":
                return StepDone(completes=False)  # all of these are in the backfill's hands; the next ones may not be
            until_ns = next_due_ns if outcome.until_ns is None else min(next_due_ns, outcome.until_ns)
            return replace(outcome, until_ns=until_ns, phase="calling" if outcome.is_held else "waiting_poll")
        self._components.replies.batches.write(outcome.header, outcome.body)
        outcome.acknowledge()
        return StepDone(completes=False)

    def _intervals(self) -> Intervals:
        """Nanoseconds between two walks through one selection, by the settings and limits of now."""
        given_s = self.context.settings.poll_interval_s
        if given_s is not None:
            given_ns = round(given_s * NS_PER_S)
            return Intervals(given_ns, given_ns)
        snapshot = self.context.ledger.snapshot()
        bucket = snapshot.bucket
        count = len(self._looks)

        def interval_ns(budget: float | None) -> int:
            interval_s = poll_interval_s(
                floor_tokens=DEAL_TOKENS * count,
                usual_tokens=self._usual_tokens * count,
                rate=bucket.refill_rate,
                tick_period_s=bucket.tick_period_s,
                budget=budget,
            )
            return round(interval_s * NS_PER_S)

        budget = next((tier.tokens_per_day for tier in snapshot.tiers if tier.name == UPSERT), None)
        return Intervals(interval_ns(budget), interval_ns(None))

    def _resume(self, stream: Stream) -> None:
        """Count from the last walk, if one was completed: the first of this worker is due at once otherwise."""
        last = self._last_walk(stream)
        if last is None or last.finished_at is None:
            return
        ago_ns = round((datetime.now(UTC) - last.finished_at) / timedelta(seconds=1) * NS_PER_S)
        self._looks.ended(stream, self.context.clock.now_ns() - max(ago_ns, 0))


def _fresh(selections: int) -> str:
    return "the selection is fresh" if selections == 1 else f"all {selections} selections are fresh"
