"""The next page of a walk, as something wanted from the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tasks.calls.header import Origin
from tasks.calls.request_plan import Taken
from tasks.ingest import cursor
from tasks.jobs.queue_batch import lease_s
from tasks.keepa.request import DealRequest, deal_shape
from tasks.runtime.job import owner_name
from tasks.store import crawls, stream_locks

if TYPE_CHECKING:
    from ledger import Shape
    from tasks.calls.spool import Spool
    from tasks.ingest.session import Session
    from tasks.planning.streams import Target
    from tasks.runtime.job import Site
    from tasks.settings import Role
    from tasks.store.connection import Connection
    from tasks.store.crawls import Crawl


class PageWant:
    """The page a walk stands at. Worth waiting for."""

    may_wait: Final = True
    endpoint: Final = "/deal"

    def __init__(self, site: Site, session: Session, spool: Spool, target: Target, crawl: Crawl) -> None:
        self.tier = site.role
        self._owner = owner_name(site)
        self._lease_s = lease_s(site.settings)
        self._session = session
        self._spool = spool
        self._target = target
        self._crawl = crawl

    @property
    def what(self) -> str:
        """This very page, of this part of the selection."""
        crawl = self._crawl
        return f"{self.endpoint} {self._target.key} {self._target.domain} {crawl.part} page {crawl.page}"

    def shape(self) -> Shape:
        """One page."""
        return deal_shape()

    def take(self) -> Taken | None:
        """The page the walk stands at; None when another worker asks for it, or the walk has gone on.

        The turn may have been lost while the tokens were waited for. From now on nobody else pays for this page, even
        if the turn is lost while the reply is on its way.
        """
        target, crawl = self._target, self._crawl
        origin = Origin(
            job=self.tier,
            domain=target.domain,
            selection_key=target.key,
            root_cat=crawl.root_cat,
            price_low=crawl.price_low,
            price_high=crawl.price_high,
            page=crawl.page,
            started_at=crawl.started_at,
        )

        def is_ours(connection: Connection) -> bool:
            if any(is_page_of(one, self.tier, target) for one in self._spool.origins()):
                return False
            has_turn = stream_locks.try_lock_stream(connection, turn_of(self.tier, target), self._owner)
            stands = has_turn and cursor.standing_at(connection, origin) is not None
            return stands and crawls.ask(connection, crawl, owner=self._owner, lease_s=self._lease_s)

        if not self._session.run(is_ours):
            return None
        return Taken(DealRequest(target.within(crawl.part, crawl.categories), crawl.page), origin)

    def give_back(self) -> None:
        """Nothing: the walk stands where it stood, and this worker asks again."""

    def postpone(self) -> None:
        """Nothing: nobody else asks for the page for as long as a call may take, and then this worker rests."""


def is_page_of(origin: Origin, tier: Role, target: Target) -> bool:
    """Whether a page of that walk is what was asked for."""
    return (origin.job, origin.selection_key, origin.domain) == (tier, target.key, target.domain)


def turn_of(tier: Role, target: Target) -> str:
    """The name of the turn to walk through `target`."""
    return f"{tier} {target.key} {target.domain}"
