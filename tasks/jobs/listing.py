"""One page of a walk: asked for by the worker whose turn it is, written down, the walk moved. Both jobs list alike.

The next page of a walk is wanted from the API like any other thing, as a value that says what to ask for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ledger import NS_PER_S
from tasks.calls.header import Origin
from tasks.calls.request_plan import ClaimedRequest
from tasks.errors import Refused
from tasks.ingest import walk_progress
from tasks.jobs.queue_batch import lease_s
from tasks.keepa import locales
from tasks.keepa.request import DealRequest, deal_shape
from tasks.planning.partitions import Partition
from tasks.runtime.job import Idle, owner_name
from tasks.store import crawls, quarantine, turns

if TYPE_CHECKING:
    from ledger import Shape
    from tasks.calls.metered_client import MeteredClient
    from tasks.calls.request_plan import SpooledReply
    from tasks.calls.spool import Spool
    from tasks.ingest.deal_page import DealPageWriter, PageResult
    from tasks.ingest.session import DatabaseSession
    from tasks.planning.streams import Stream
    from tasks.roles import Role
    from tasks.runtime.job import JobContext
    from tasks.store.connection import Connection
    from tasks.store.crawls import Crawl

# What is refused or cannot be read would be so again: a person has to look at it.
REFUSED_NS: Final = 3600 * NS_PER_S


@dataclass(frozen=True, slots=True)
class Listed:
    """A page that was paid for and written down."""

    reply: SpooledReply
    result: PageResult


@dataclass(frozen=True, slots=True)
class PageRefused:
    """What the server refuses, kept with its reason. `is_whole`: the selection, not one partition of it."""

    is_whole: bool


class Listing:
    """Lists selections for one worker."""

    def __init__(
        self,
        context: JobContext,
        session: DatabaseSession,
        spool: Spool,
        metered_client: MeteredClient,
        pages: DealPageWriter,
    ) -> None:
        self._context = context
        self._session = session
        self._spool = spool
        self._metered_client = metered_client
        self._pages = pages

    def has_turn(self, stream: Stream) -> bool:
        """Whether this worker may go on with the walk through `stream`, now or already; never waits.

        It may not while another, who lost the turn, still waits for the page it has paid for, or to write it.

        Raises:
            StoreError: the database does not answer.
        """
        role, owner = self._context.role, owner_name(self._context)
        if any(is_page_of(origin, role, stream) for origin in self._spool.origins()):
            return False

        def is_mine(connection: Connection) -> bool:
            if not turns.try_take_turn(connection, turn_name(role, stream), owner):
                return False
            return crawls.page_owner(connection, role, stream.key, stream.domain) in {None, owner}

        return self._session.run(is_mine)

    def step(self, stream: Stream) -> Listed | PageRefused | Idle | None:
        """The page at which the walk through `stream` stands; None when another worker has gone on with it.

        Raises:
            Forbidden: the server does not serve this key.
            StoreError: the database does not take it.
        """
        context, role = self._context, self._context.role
        crawl = self._session.run(lambda connection: walk_progress.begin(connection, role, stream))
        context.beat.phase("polling", f"{stream.place}, page {crawl.page}")
        try:
            outcome = self._metered_client.call(DealPagePlan(context, self._session, self._spool, stream, crawl))
        except Refused as error:
            return self._quarantine(stream, crawl, error)
        if isinstance(outcome, Idle):
            return None if outcome.phase == "waiting_work" else outcome
        result = self._pages.write(outcome.header, outcome.body)
        outcome.acknowledge()
        return Listed(outcome, result)

    def _quarantine(self, stream: Stream, crawl: Crawl, error: Refused) -> PageRefused:
        partition = crawl.partition
        is_whole = partition == Partition()
        label = stream.label if is_whole else f"{stream.label}, {partition}"
        self._context.log.error("selection_refused", selection=locales.label(label), error=error)
        raw = stream.within(partition, crawl.categories).to_json().encode()

        def work(connection: Connection) -> None:
            quarantine.add(connection, kind="request", key=label, reason=str(error), raw=raw, domain=stream.domain)
            if not is_whole:
                walk_progress.leave_partition(connection, crawl)

        self._session.run(work)
        self._context.beat.quarantined("request")
        return PageRefused(is_whole=is_whole)


class DealPagePlan:
    """The page a walk stands at. Worth waiting for."""

    may_wait: Final = True
    endpoint: Final = "/deal"

    def __init__(
        self, context: JobContext, session: DatabaseSession, spool: Spool, stream: Stream, crawl: Crawl
    ) -> None:
        self.tier = context.role
        self._owner = owner_name(context)
        self._lease_s = lease_s(context.settings)
        self._session = session
        self._spool = spool
        self._stream = stream
        self._crawl = crawl

    @property
    def what(self) -> str:
        """This very page, of this partition of the selection."""
        crawl = self._crawl
        return f"{self.endpoint} {self._stream.key} {self._stream.domain} {crawl.partition} page {crawl.page}"

    def plan(self) -> Shape:
        """One page."""
        return deal_shape()

    def claim(self) -> ClaimedRequest | None:
        """The page the walk stands at; None when another worker asks for it, or the walk has gone on.

        The turn may have been lost while the tokens were waited for. From now on nobody else pays for this page, even
        if the turn is lost while the reply is on its way.
        """
        stream, crawl = self._stream, self._crawl
        origin = Origin(
            job=self.tier,
            domain=stream.domain,
            selection_key=stream.key,
            root_cat=crawl.root_cat,
            price_low=crawl.price_low,
            price_high=crawl.price_high,
            page=crawl.page,
            started_at=crawl.started_at,
        )

        def is_ours(connection: Connection) -> bool:
            if any(is_page_of(one, self.tier, stream) for one in self._spool.origins()):
                return False
            has_turn = turns.try_take_turn(connection, turn_name(self.tier, stream), self._owner)
            stands = has_turn and walk_progress.standing_at(connection, origin) is not None
            return stands and crawls.claim_page(connection, crawl, owner=self._owner, lease_s=self._lease_s)

        if not self._session.run(is_ours):
            return None
        return ClaimedRequest(DealRequest(stream.within(crawl.partition, crawl.categories), crawl.page), origin)

    def release(self) -> None:
        """Nothing: the walk stands where it stood, and this worker asks again."""

    def postpone(self) -> None:
        """Nothing: nobody else asks for the page for as long as a call may take, and then this worker rests."""


def is_page_of(origin: Origin, tier: Role, stream: Stream) -> bool:
    """Whether a page of that walk is what was asked for."""
    return (origin.job, origin.selection_key, origin.domain) == (tier, stream.key, stream.domain)


def turn_name(tier: Role, stream: Stream) -> str:
    """The name of the turn to walk through `stream`."""
    return f"{tier} {stream.key} {stream.domain}"
