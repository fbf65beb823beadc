"""How long the queue is, told in the same time however long that is.

Waiting and done items are the sums that every change of the queue adds to (`tasks.store.queue.changes`). Those that
workers have claimed are few, and counted by the index of the leases. A few waiting items are counted one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tasks.store.queue.claim_sql import BY_ASKER, IN_ORDER, OF_EACH
from tasks.store.queue.selected import IS_CHOSEN, parameters

if TYPE_CHECKING:
    from tasks.planning.streams import WantedStreams
    from tasks.store.connection import Connection

FEW: Final = 1_000  # waiting items that are counted one by one: about a millisecond
_FULL_EVERY: Final = 8
_UNDER_WAY: Final = 1_000  # leases of ten claims

_IS_ESTIMATE: Final = "coalesce((SELECT wrong <> 0 FROM fetch_queue_check), true)"
# A lease that ran out holds nothing: its item waits.
_SUMS: Final = f"""
WITH held AS (
    SELECT count(*) FILTER (WHERE {IS_CHOSEN}) AS chosen, count(*) AS leased, count(DISTINCT owner) AS workers,
           coalesce(min(lease), (SELECT last_value FROM fetch_queue_lease)) AS lowest
    FROM fetch_queue WHERE state = 'leased' AND lease >= %(lowest)s AND ready_at > clock_timestamp()
), sums AS (
    SELECT coalesce(sum(waiting) FILTER (WHERE {IS_CHOSEN}), 0)::bigint AS chosen,
           coalesce(sum(waiting), 0)::bigint AS waiting, coalesce(sum(done), 0)::bigint AS done
    FROM fetch_queue_counts
)
SELECT sums.chosen - held.chosen, sums.waiting - sums.chosen - (held.leased - held.chosen), sums.done,
       held.leased, held.workers, {_IS_ESTIMATE}, held.lowest
FROM sums, held
"""  # noqa: S608 - a fragment of ours


def _first(each: str, by: str) -> str:
    return f"""
SELECT count(*) FILTER (WHERE state = 'pending' OR ready_at <= clock_timestamp()) FROM {each} (
    SELECT state, ready_at FROM fetch_queue WHERE state IN ('pending', 'leased') {by} {IN_ORDER} LIMIT %(limit)s
) AS first
"""  # noqa: S608 - fragments of ours


_FIRST_ANY: Final = _first("", "")
_FIRST_CHOSEN: Final = _first(OF_EACH, BY_ASKER)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueCounts:
    """Items waiting, claimed, and finished (those that failed are not among them); and how many workers have claims.

    Attributes:
        unwanted: they wait too, but no selection of the settings asks for them.
        is_estimate: whether the last count of every row found the sums wrong, or there was none: `queue.check.check`.
    """

    pending: int
    leased: int
    done: int
    workers: int = 0
    unwanted: int = 0
    is_estimate: bool = False

    def by_state(self) -> dict[str, int]:
        """The items alone, by state."""
        return {"pending": self.pending, "leased": self.leased, "done": self.done, "unwanted": self.unwanted}


class LowestLease:
    """Where whoever counts again and again begins to look for leases: at the lowest that was held the last time.

    While a back-up runs, the entries of all that ended since stay in the index, and are not passed each time.
    """

    def __init__(self) -> None:
        self._lowest = 0
        self._looks = 0

    def next(self) -> int:
        """The number from which on to look now: every eighth time it is the beginning."""
        self._looks += 1
        return 0 if self._looks % _FULL_EVERY == 1 else self._lowest

    def found(self, lowest: int) -> None:
        """Take in the lowest that is held; of a claim that is not committed yet a lower one may appear."""
        self._lowest = lowest - _UNDER_WAY


def are_estimates(conn: Connection) -> bool:
    """Whether the last count of every row found the sums wrong, or there was none."""
    row = conn.execute(f"SELECT {_IS_ESTIMATE}".encode()).fetchone()
    return row is None or bool(row[0])


def queue_counts(
    conn: Connection, chosen: WantedStreams | None = None, *, lease: LowestLease | None = None
) -> QueueCounts:
    """How many items there are in each state.

    With `chosen`, what these selections do not ask for is counted by itself. `lease` is kept by who counts often.
    """
    lease = lease or LowestLease()
    values = parameters(chosen)
    row = conn.execute(_SUMS.encode(), values | {"lowest": lease.next()}, prepare=False).fetchone()
    pending, unwanted, done, leased, workers, is_estimate, lowest = row or (0, 0, 0, 0, 0, True, 0)
    lease.found(lowest)
    if pending < FEW:  # a worker must not rest while the sums are wrong, nor look for what is not there
        statement = _FIRST_ANY if chosen is None else _FIRST_CHOSEN
        limits = {"limit": FEW + leased}  # so that what is claimed takes the place of none of them
        (pending,) = conn.execute(statement.encode(), values | limits, prepare=False).fetchone() or (0,)
    return QueueCounts(
        pending=pending,
        leased=leased,
        done=max(0, done),
        workers=workers,
        unwanted=max(0, unwanted),
        is_estimate=is_estimate,
    )
