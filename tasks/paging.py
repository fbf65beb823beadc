"""The next page of a walk, as something wanted from the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tasks import progress, turn
from tasks.keepa.costs import deal_shape
from tasks.keepa.request import DealRequest
from tasks.spool import Origin
from tasks.want import Taken

if TYPE_CHECKING:
    from ledger import Shape
    from tasks.job import Role
    from tasks.session import Session
    from tasks.store.connection import Connection
    from tasks.store.crawls import Crawl
    from tasks.target import Target


class PageWant:
    """The page a walk stands at. Worth waiting for."""

    may_wait: Final = True

    def __init__(self, tier: Role, session: Session, target: Target, crawl: Crawl) -> None:
        self.tier = tier
        self._session = session
        self._target = target
        self._crawl = crawl

    def shape(self) -> Shape:
        """One page."""
        return deal_shape()

    def take(self) -> Taken | None:
        """The page the walk stands at; None when it is another worker's turn, or the walk has gone on.

        The turn may have been lost with the database connection while the tokens were waited for.
        """
        target, crawl = self._target, self._crawl
        origin = Origin(
            job=self.tier,
            domain=target.domain,
            selection_key=target.key,
            root_cat=crawl.root_cat,
            page=crawl.page,
            started_at=crawl.started_at,
        )

        def is_ours(connection: Connection) -> bool:
            has_turn = turn.take(connection, turn_of(self.tier, target))
            return has_turn and progress.standing_at(connection, origin) is not None

        if not self._session.run(is_ours):
            return None
        return Taken(DealRequest(target.within(crawl.root_cat), crawl.page), origin)

    def give_back(self) -> None:
        """Nothing: the walk stands where it stood."""


def turn_of(tier: Role, target: Target) -> str:
    """The name of the turn to walk through `target`."""
    return f"{tier} {target.key} {target.domain}"
