"""The request for the page at which a walk stands, and the claim that keeps others from paying for it too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tasks.calls.request_plan import ClaimedRequest
from tasks.calls.spool_header import Origin
from tasks.ingest import walk_progress
from tasks.keepa.request import DealRequest, deal_shape
from tasks.runtime.job import owner_name
from tasks.store import crawls, turns

if TYPE_CHECKING:
    from ledger import Shape
    from tasks.calls.spool import Spool
    from tasks.ingest.database_session import DatabaseSession
    from tasks.planning.streams import Stream, Walked
    from tasks.roles import Role
    from tasks.runtime.job import JobContext
    from tasks.store.connection import Connection
    from tasks.store.crawls import Crawl


class DealPagePlan:
    """The page a walk stands at. Worth waiting for."""

    may_wait: Final = True
    endpoint: Final = "/deal"

    def __init__(
        self, context: JobContext, session: DatabaseSession, spool: Spool, stream: Stream, crawl: Crawl
    ) -> None:
        self.tier = context.role
        self._owner = owner_name(context)
        self._lease_s = context.settings.lease_s
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


def is_page_of(origin: Origin, tier: Role, stream: Walked) -> bool:
    """Whether a page of that walk is what was asked for."""
    return (origin.job, origin.selection_key, origin.domain) == (tier, stream.key, stream.domain)


def turn_name(tier: Role, stream: Walked) -> str:
    """The name of the turn to walk through `stream`."""
    return f"{tier} {stream.key} {stream.domain}"
