"""Sources of products besides selections: each is asked when it is due, and what it lists is queued for backfill.

One that the server refuses, or that costs more at once than there can ever be, is told with its reason until that is
over; the others go on.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from ledger import NS_PER_S
from tasks.calls.request_plan import ClaimedRequest
from tasks.calls.spool_header import Origin
from tasks.errors import RequestRefused
from tasks.ingest import walk_progress
from tasks.jobs.deal_page_plan import is_page_of, turn_name
from tasks.jobs.listing import REFUSED_NS
from tasks.keepa.source.request import ENDPOINTS, ListingRequest, listing_shape
from tasks.roles import BACKFILL
from tasks.runtime.job import Idle, StepDone, owner_name
from tasks.store import crawls, quarantine, refused_sources, turns

if TYPE_CHECKING:
    from ledger import Shape
    from tasks.jobs.components import JobComponents
    from tasks.keepa.source.source import Source
    from tasks.runtime.job import JobContext
    from tasks.store.connection import Connection
    from tasks.store.crawls import Crawl

REST_NS: Final = 60 * NS_PER_S  # until the next look whether a source is due, or its turn free


class SourcePlan:
    """The page a source stands at. Worth waiting for."""

    tier: Final = BACKFILL
    may_wait: Final = True

    def __init__(self, context: JobContext, components: JobComponents, source: Source, crawl: Crawl) -> None:
        self._owner = owner_name(context)
        self._lease_s = context.settings.lease_s
        self._components = components
        self._source = source
        self._crawl = crawl

    @property
    def endpoint(self) -> str:
        """What answers this kind."""
        return ENDPOINTS[self._source.kind]

    @property
    def what(self) -> str:
        """This very page."""
        return f"{self.endpoint} {self._source.key} {self._source.domain} page {self._crawl.page}"

    def plan(self) -> Shape:
        """One page."""
        return listing_shape(self._source)

    def claim(self) -> ClaimedRequest | None:
        """The page, claimed so that nobody else pays for it; None when another worker asks for it, or has gone on."""
        source, crawl = self._source, self._crawl
        origin = Origin(
            job=BACKFILL, domain=source.domain, selection_key=source.key, page=crawl.page, started_at=crawl.started_at
        )

        def is_ours(connection: Connection) -> bool:
            if any(is_page_of(one, BACKFILL, source) for one in self._components.spool.origins()):
                return False
            has_turn = turns.try_take_turn(connection, turn_name(BACKFILL, source), self._owner)
            stands = has_turn and walk_progress.standing_at(connection, origin) is not None
            return stands and crawls.claim_page(connection, crawl, owner=self._owner, lease_s=self._lease_s)

        if not self._components.session.run(is_ours):
            return None
        return ClaimedRequest(ListingRequest(source, crawl.page), origin)

    def release(self) -> None:
        """Nothing: the source stands where it stood, and this worker asks again."""

    def postpone(self) -> None:
        """Nothing: nobody else asks for the page for as long as a call may take, and then this worker rests."""


class Sources:
    """The sources, as one worker of backfill asks them."""

    def __init__(self, context: JobContext, components: JobComponents) -> None:
        self._context = context
        self._components = components
        self._sources = components.sources
        self._rest_ns: dict[Source, int] = dict.fromkeys(self._sources, 0)
        self._look_ns = 0

    def step(self) -> StepDone | Idle | None:
        """One page of the first source that is due and this worker's turn; None when there is none.

        Raises:
            Forbidden: the server does not serve this key.
            StoreError: the database does not answer.
        """
        self._report()
        source = next((source for source in self._sources if self._is_due(source)), None)
        if source is None or not self._can_be_paid(source):
            return None
        session, now_ns = self._components.session, self._context.clock.now_ns()
        crawl = session.run(lambda connection: walk_progress.begin(connection, BACKFILL, source))
        self._context.beat.phase("polling", f"{source.label}, page {crawl.page}")
        try:
            outcome = self._components.metered_client.call(SourcePlan(self._context, self._components, source, crawl))
        except RequestRefused as error:
            self._refuse(source, str(error))
            return StepDone(completes=True)
        if isinstance(outcome, Idle):
            if outcome.phase == "waiting_work":
                return StepDone(completes=False)  # another worker goes on with it
            if outcome.is_held and outcome.until_ns is not None:
                self._rest_ns[source] = outcome.until_ns  # this request rests; the queue does not
                return None
            self._rest_ns[source] = now_ns
            return outcome
        result = self._components.replies.sources.write(outcome.header, outcome.body)
        outcome.acknowledge()
        if not result.is_usable:
            self._rest_ns[source] = now_ns + REFUSED_NS  # it would most likely be the same again
        elif result.is_complete:
            message = f"{source.label}: the source is read to its end, {result.queued:,} products are new in the queue"
            self._context.log.info("source_complete", message=message, selection=source.label, queued=result.queued)
        self._look_ns = 0
        return StepDone(completes=True)

    def _is_due(self, source: Source) -> bool:
        now_ns = self._context.clock.now_ns()
        if self._rest_ns[source] > now_ns:
            return False
        self._rest_ns[source] = now_ns + REST_NS
        if not self._components.listing.has_turn(source):
            return False
        last = self._components.session.run(
            lambda connection: crawls.load_crawl(connection, BACKFILL, source.key, source.domain)
        )
        if last is not None and last.finished_at is not None:
            age_s = (datetime.now(UTC) - last.finished_at).total_seconds()
            if 0 <= age_s < source.refresh_s:  # one that ends in the future tells of a clock that was set back
                return False
        self._rest_ns[source] = now_ns
        return True

    def _can_be_paid(self, source: Source) -> bool:
        """Whether backfill can ever have as many tokens as a page costs; if not, that is told."""
        ledger = self._context.ledger
        cost, most = ledger.estimate(listing_shape(source)), ledger.headroom(BACKFILL).ever
        if not ledger.snapshot().synced or cost <= most:
            return True
        self._refuse(
            source,
            f"it costs {cost} tokens at once, and backfill can have {most} at the most on this plan: take a larger "
            "plan, lower BACKFILL_FLOOR, or remove the source",
        )
        return False

    def _refuse(self, source: Source, reason: str) -> None:
        """Keep the refusal, with its reason, until the source is accepted; ask again in an hour."""
        self._rest_ns[source] = self._context.clock.now_ns() + REFUSED_NS
        message = f"the source {source.label} is refused: {reason}"
        self._context.log.error("source_refused", message=message, selection=source.label)

        def work(connection: Connection) -> None:
            refused_sources.refuse(connection, source.key, source.domain, name=source.label, reason=reason)
            raw = repr(dict(source.query)).encode()
            key = f"{refused_sources.SOURCE}{source.label}"
            quarantine.add(connection, kind="request", key=key, reason=reason, raw=raw, domain=source.domain)

        self._components.session.run(work)
        self._context.beat.quarantined("request")
        self._look_ns = 0

    def _report(self) -> None:
        """Bring the condition up to date: what another worker, or this one before a restart, was refused counts."""
        now_ns = self._context.clock.now_ns()
        if not self._sources or now_ns < self._look_ns:
            return
        self._look_ns = now_ns + REST_NS
        ours = {(source.key, source.domain) for source in self._sources}
        refused = [
            one
            for one in self._components.session.run(refused_sources.all_refused)
            if (one.source_key, one.domain) in ours
        ]
        if not refused:
            self._context.beat.condition_over("sources")
            return
        late_s = max(0.0, (datetime.now(UTC) - refused[0].since).total_seconds())
        words = "; ".join(f"{one.name}: {one.reason}" for one in refused)
        self._context.beat.degraded("sources", words, late_s=late_s)
