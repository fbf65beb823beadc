"""One page of a walk: asked for by the worker whose turn it is, written down, the walk moved. Both jobs list alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ledger import NS_PER_S
from tasks.errors import RequestRefused
from tasks.ingest import walk_progress
from tasks.jobs.deal_page_plan import DealPagePlan, is_page_of, turn_name
from tasks.keepa import locales
from tasks.planning.crawl_steps import Partition
from tasks.runtime.job import Idle, owner_name
from tasks.store import crawls, quarantine, turns

if TYPE_CHECKING:
    from tasks.calls.metered_client import MeteredClient
    from tasks.calls.request_plan import SpooledReply
    from tasks.calls.spool import Spool
    from tasks.ingest.database_session import DatabaseSession
    from tasks.ingest.deal_page import DealPageWriter, PageResult
    from tasks.planning.streams import Stream, Walked
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

    def has_turn(self, stream: Walked) -> bool:
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
        context.beat.phase("polling", f"{stream.label}, page {crawl.page}")
        try:
            outcome = self._metered_client.call(DealPagePlan(context, self._session, self._spool, stream, crawl))
        except RequestRefused as error:
            return self._quarantine(stream, crawl, error)
        if isinstance(outcome, Idle):
            return None if outcome.phase == "waiting_work" else outcome
        result = self._pages.write(outcome.header, outcome.body)
        outcome.acknowledge()
        return Listed(outcome, result)

    def _quarantine(self, stream: Stream, crawl: Crawl, error: RequestRefused) -> PageRefused:
        partition = crawl.partition
        is_whole = partition == Partition()
        label = stream.quarantine_key if is_whole else f"{stream.quarantine_key}, {partition}"
        self._context.log.error("selection_refused", selection=locales.label(label), error=error)
        raw = stream.within(partition, crawl.categories).to_json().encode()

        def work(connection: Connection) -> None:
            quarantine.add(connection, kind="request", key=label, reason=str(error), raw=raw, domain=stream.domain)
            if not is_whole:
                walk_progress.leave_partition(connection, crawl)

        self._session.run(work)
        self._context.beat.quarantined("request")
        return PageRefused(is_whole=is_whole)
