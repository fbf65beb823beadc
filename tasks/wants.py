"""What the jobs ask the API for: a page of a walk, and details of the newest deals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tasks.keepa.costs import deal_shape, product_shape
from tasks.keepa.request import DealRequest, ProductRequest, most_asins
from tasks.pace import fit
from tasks.spool import Origin
from tasks.want import Taken

if TYPE_CHECKING:
    from ledger import Shape, TokenLedger
    from tasks.job import Role
    from tasks.keepa.costs import Detail
    from tasks.pool import Pool, Wanted
    from tasks.store.crawls import Crawl
    from tasks.target import Target


class PageWant:
    """The next page of a walk. Worth waiting for."""

    may_wait: Final = True

    def __init__(self, tier: Role, target: Target, crawl: Crawl) -> None:
        self.tier = tier
        self._target = target
        self._crawl = crawl

    def shape(self) -> Shape:
        """One page."""
        return deal_shape()

    def take(self) -> Taken:
        """The page the walk stands at."""
        target, crawl = self._target, self._crawl
        origin = Origin(
            job=self.tier,
            domain=target.domain,
            selection_key=target.key,
            root_cat=crawl.root_cat,
            page=crawl.page,
            started_at=crawl.started_at,
        )
        return Taken(DealRequest(target.within(crawl.root_cat), crawl.page), origin)

    def give_back(self) -> None:
        """Nothing: the walk stands where it stood."""


class DetailWant:
    """Details of the newest deals, as far as the tokens at hand go beyond those kept for the next walk."""

    tier: Final = "upsert"
    may_wait: Final = False

    def __init__(self, ledger: TokenLedger, pool: Pool, detail: Detail, *, kept_tokens: int) -> None:
        self._ledger = ledger
        self._pool = pool
        self._detail: Detail = detail
        self._taken: list[Wanted] = []
        spare = ledger.headroom(self.tier).now - kept_tokens
        most = min(len(pool), most_asins(detail))
        self.size = fit(lambda n: ledger.estimate(product_shape(detail, n)), tokens=spare, most=most)

    def shape(self) -> Shape:
        """As many products as there are tokens to spare."""
        return product_shape(self._detail, max(1, min(self.size, len(self._pool))))

    def take(self) -> Taken | None:
        """The newest products, all of one domain."""
        self._taken = self._pool.take(self.size)
        if not self._taken:
            return None
        domain = self._taken[0].domain
        asins = tuple(item.asin for item in self._taken)
        origin = Origin(job=self.tier, domain=domain, asins=asins, detail=self._detail)
        return Taken(ProductRequest(domain, asins, self._detail), origin)

    def give_back(self) -> None:
        """Want them again."""
        self._pool.add(self._taken)
        self._taken = []
