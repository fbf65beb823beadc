"""The best deals, of which so many are looked at and no more: a page costs as much, whatever it asks for.

The narrow rows say in which order deals may come. Those that come first are looked at with all conditions. Where an
order is by what the narrow rows hold (discount, rank, newest), the next look goes on behind the last of them, however
many are equal; in any other order the page is of those that were looked at, and says so.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from tasks.store.best_deals import best_deals, brands, categories, titles
from tasks.store.best_deals import candidates as narrow
from tasks.store.best_deals.best_deals import MOST_CANDIDATES
from tasks.store.best_deals.bounds import MOST_PERCENT
from tasks.store.best_deals.candidates import CandidateFilter, Candidates
from tasks.store.best_deals.conditions import ANY as NO_CONDITIONS
from tasks.store.best_deals.position import end_of, place_of

if TYPE_CHECKING:
    from tasks.store.best_deals.best_deals import BestDeal
    from tasks.store.best_deals.candidates import Sort
    from tasks.store.best_deals.deal_filter import DealFilter
    from tasks.store.best_deals.position import Position
    from tasks.store.best_deals.titles import Titled
    from tasks.store.connection import Connection

LOOKED_AT: Final = 2_500  # takes about 40 ms
MOST_NAMED: Final = 5_000  # products that are named by words or a brand, and looked up one by one
_FIRST: Final = 200  # where most deals that are looked at are shown
_PER_DEAL: Final = 2  # of them for each deal that is wanted


class Walked(NamedTuple):
    """What was found.

    Attributes:
        deals: at most so many as were asked for, in their order.
        has_more: whether more were found than that.
        goes_on: behind which place to go on when too few were found among those that were looked at.
        looked_at: how many were looked at, when there are others that were not and may have come before some of these,
            or that may be found further on; None when the deals are the best of all.
    """

    deals: list[BestDeal]
    has_more: bool
    goes_on: Position | None = None
    looked_at: int | None = None


def walk(conn: Connection, which: DealFilter, *, most: int = LOOKED_AT) -> Walked:
    """The best of the deals that come first, of which `most` are looked at.

    More are where as many are equal and the narrow rows do not tell them apart: where it depends on the price type
    whether a deal meets a condition.
    """
    if categories.is_unknown(conn, which.conditions.category):
        return Walked([], has_more=False)
    named = _named(conn, which)
    if named is not None and len(named.asins) <= most:
        return _all_of(conn, which, Candidates.every(*named))
    asked = _asked(which, named)
    for count in (most, MOST_CANDIDATES):
        candidates = narrow.find(conn, asked, most=count)
        if not candidates.is_reckoned:
            break
        found = _among(conn, which, asked, candidates)
        if found is not None:
            return found
    return _exactly(conn, which)


def _among(conn: Connection, which: DealFilter, asked: CandidateFilter, candidates: Candidates) -> Walked | None:
    """The best of these, of the first of them where they suffice; None when nothing is known of the rest."""
    percents = (key.bound if asked.sort == "discount" else key.tie for key in candidates.keys)
    is_exact = asked.is_exact and max(percents, default=0) < MOST_PERCENT  # greater ones are not told apart
    few = candidates.first(max(_FIRST, _PER_DEAL * which.top))
    for part in (few, candidates) if few is not candidates and _is_met_by_most(which) else (candidates,):
        if not part.has_more:
            return _all_of(conn, which, part)
        found = _exactly_first_of(conn, which, part) if is_exact else _first_of(conn, which, part)
        if part is candidates or (found is not None and found.looked_at is None):
            return found
    return None


def _is_met_by_most(which: DealFilter) -> bool:
    """Whether the candidates that come first are the deals that come first, but for a few."""
    return which.sort in narrow.EXACT and which.conditions == NO_CONDITIONS and not which.title


def _exactly_first_of(conn: Connection, which: DealFilter, candidates: Candidates) -> Walked:
    """The best of these, behind all of which the rest comes: the next page goes on behind the last of them."""
    found, looked_at = best_deals.read(conn, replace(which, top=which.top + 1), candidates), len(candidates.asins)
    if len(found) > which.top:
        return Walked(found[: which.top], has_more=True)
    goes_on = place_of(which.sort, candidates.worst, candidates.domains[-1], candidates.asins[-1])
    return Walked(found, has_more=False, goes_on=goes_on, looked_at=looked_at)


def _first_of(conn: Connection, which: DealFilter, candidates: Candidates) -> Walked | None:
    """The best of these, which come first of more; None when all of them are equal and nothing is known of the rest."""
    found, looked_at = best_deals.read(conn, replace(which, top=which.top + 1), candidates), len(candidates.asins)
    of_these = Walked(found[: which.top], has_more=len(found) > which.top, looked_at=looked_at)
    if which.conditions.sort is not None:
        return of_these
    certain = [one for one in found if candidates.worst < best_deals.key_of(one, which.sort)]
    if len(certain) > which.top:
        return Walked(certain[: which.top], has_more=True)
    if which.sort not in narrow.EXACT:
        return of_these
    bound = candidates.worst.bound
    if candidates.best.bound == bound or (goes_on := end_of(which.sort, bound + 1)) == which.after:
        return None
    whole = [one for one in certain if best_deals.key_of(one, which.sort).bound > bound]
    return Walked(whole, has_more=False, goes_on=goes_on, looked_at=looked_at)


def _named(conn: Connection, which: DealFilter) -> Titled | None:
    """The products that words or a brand name, where these are few; others may be among them."""
    found = None
    if which.title and not titles.are_common(conn, which.title, most=MOST_NAMED):
        found = titles.holding(conn, which.title, which.domain, most=MOST_NAMED)
    if found is None and which.conditions.brand is not None:
        found = brands.products_of(conn, which.conditions.brand, which.domain, most=MOST_NAMED)
    return found


def _asked(which: DealFilter, named: Titled | None) -> CandidateFilter:
    """The candidates; those with the greatest discounts where an order is asked for that they have not."""
    sort: Sort = which.sort if which.conditions.sort is None else "discount"
    return CandidateFilter(
        values=which.values(),
        price_types=which.price_types,
        over=which.over,
        sort=sort,
        among=named,
        is_continued=which.after is not None and which.conditions.sort is None,
        is_exact=which.conditions.sort is None and sort in narrow.EXACT and not _depends_on_type(which),
    )


def _depends_on_type(which: DealFilter) -> bool:
    """Whether a deal may be met by another of its price types than the one with the greatest discount."""
    terms = which.conditions
    return len(set(which.price_types)) > 1 and (terms.min_roi is not None or terms.min_profit is not None)


def _all_of(conn: Connection, which: DealFilter, candidates: Candidates) -> Walked:
    found = best_deals.read(conn, replace(which, top=which.top + 1), candidates)
    return Walked(found[: which.top], has_more=len(found) > which.top)


def _exactly(conn: Connection, which: DealFilter) -> Walked:
    found = best_deals.find(conn, replace(which, top=which.top + 1))
    return Walked(found[: which.top], has_more=len(found) > which.top)
