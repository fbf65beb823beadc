"""What lists of products and sources of products ask for: loads of a plan of the day."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.keepa.locales import shop
from tasks.keepa.source.request import ENDPOINTS, listing_shape, page_size
from tasks.planning.cost_values import DAY_S, OtherLoad
from tasks.planning.learned_costs import product_tokens

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ledger import Snapshot
    from supervisor.selections.plan_inputs import Gathered
    from tasks.keepa.request import Detail
    from tasks.keepa.source.source import Source
    from tasks.settings import WatchListSettings


def list_loads(
    lists: Iterable[WatchListSettings], gathered: Gathered, snapshot: Snapshot | None
) -> tuple[OtherLoad, ...]:
    """What the lists ask for: every product once in each refresh, and those that are due now.

    A list of which the database knows nothing yet is due as a whole; of a table that was never read, nothing is known.
    """
    known = {one.list_key: one for one in gathered.lists}
    loads = []
    for one in lists:
        counted = known.get(one.key)
        products = one.products if counted is None or not one.table else counted.products
        due = products if counted is None else min(counted.overdue, products)
        each = product_tokens(one.detail, snapshot)
        per_day = DAY_S / one.refresh_s
        is_known = counted is not None or not one.table
        loads.append(
            OtherLoad(
                name=f"{one.name}, {shop(one.domain)}",
                kind="list",
                products=products if is_known else None,
                fetching=products * each * per_day,
                # What is fetched several times a day is due now as one of those times.
                waiting=due * each * max(0.0, 1 - per_day),
                each=each,
                due=due,
            )
        )
    return tuple(loads)


def source_loads(
    sources: Iterable[Source], gathered: Gathered, detail: Detail, snapshot: Snapshot | None
) -> tuple[OtherLoad, ...]:
    """What the sources ask for: being read once in each refresh, and the products that wait because of them.

    Until a search, or a source that says how many it takes, has been read, all products it may list count as waiting.
    How many another one lists is not known before that.
    """
    each = product_tokens(detail, snapshot)
    loads = []
    for one in sources:
        read = gathered.reads.get((one.key, one.domain))
        is_read = read is not None and (read.read_at is not None or read.products > 0)
        listed = read.products if is_read and read is not None else None
        waiting = gathered.waiting.get((one.key, one.domain), 0)
        reading = _pages(one, listed) * _page_tokens(one, snapshot)
        if listed is None and one.is_counted:
            waiting = one.most
        loads.append(
            OtherLoad(
                name=one.label,
                kind="source",
                products=listed if listed is not None else (one.most if one.is_counted else None),
                waiting=waiting * each,
                reading=reading,
                refresh_s=one.refresh_s,
                each=each,
            )
        )
    return tuple(loads)


def _pages(one: Source, listed: int | None) -> int:
    """How many pages a reading has: a search goes on until a page is not full, or it has what it was to have."""
    if ENDPOINTS[one.kind] != "/query":
        return 1
    size, most = page_size(one), -(-one.most // page_size(one))
    return most if listed is None else min(most, listed // size + 1)


def _page_tokens(one: Source, snapshot: Snapshot | None) -> float:
    shape = listing_shape(one)
    costs = () if snapshot is None else snapshot.costs
    learned = next((cost.mean for cost in costs if cost.shape == shape.name and cost.samples), None)
    return shape.prior if learned is None else learned
