"""Where our own strategy falls short of what it promises, found in the results: nothing is left for words to hide."""

from __future__ import annotations

import math
from enum import Enum
from typing import TYPE_CHECKING

from benchmarks.scenarios.engine import NS_PER_S
from benchmarks.scenarios.measures import BACKFILL, UPSERT
from benchmarks.scenarios.strategies import OURS
from benchmarks.scenarios.table import duration, percent
from ledger import DEFAULT_TIERS
from tasks.keepa.request import DEAL_TOKENS
from tasks.simulator.bucket import TICK_PERIOD_NS

if TYPE_CHECKING:
    from benchmarks.scenarios.grid import Results
    from benchmarks.scenarios.measures import Result
    from benchmarks.scenarios.scenario import Scenario

_SHARES = {tier.name: tier.share for tier in DEFAULT_TIERS}
SHARE, UPSERT_SHARE = _SHARES[BACKFILL], _SHARES[UPSERT]
BATCH_TOKENS = 60  # may be under way at the end: on the small plans, where it counts, a batch reserves no more
NEARLY = 0.95  # bursts leave some details until they are too old, and some tokens until there are details


class Fault(Enum):
    """A promise not kept, and why it is not where it happens."""

    REFUSED = "Calls were refused with a 429: the books were wrong."
    EXPIRED = "Tokens expired while somebody waited for some."
    SHARE = (
        "The backfill spent less than its share. Its earmark is charged with what its calls cost, up to what they "
        "reserved, and is kept while it is at work, so this should not be."
    )
    DELAY = (
        "One page in a hundred waited longer than upsert's share explains. A product that costs more than was reserved "
        "leaves a debt, and nobody can call until it has healed; on the smallest plan one product can cost as much as "
        "the bucket holds."
    )
    DETAILS = (
        "Details were left although upsert got less than the backfill's share leaves. What a call costs beyond its "
        "reservation is paid by everybody, so beside an overloaded upsert the backfill spends up to 30 % of a refill "
        "of which it is promised 20; and details do not wait in the queue: they go before the backfill only as far as "
        "its floor keeps tokens for them."
    )


def shortfalls(results: Results) -> str:
    """A Markdown list of faults with the runs they were seen in; one line that says so when there is none."""
    found = {
        fault: [
            f"{scenario.rate:,} a minute at {scenario.part * 100:.0f} % for {scenario.hours:.0f} h ({figures(result)})"
            for scenario, result in results.items()
            if fault in faults(scenario, result)
        ]
        for fault in Fault
    }
    lines = [f"- {fault.value}" + "".join(f"\n  - {run}" for run in runs) for fault, runs in found.items() if runs]
    return "\n".join(lines) or "Nowhere in these runs."


def even(results: Results) -> str:
    """The backfill's share in the run whose products all cost the same."""
    return next(percent(result.backfill_part) for scenario, result in results.items() if not scenario.with_offers)


def faults(scenario: Scenario, result: Result) -> set[Fault]:
    """What was promised and not kept in one run; nothing is expected of the strategies of the past."""
    if scenario.strategy != OURS:
        return set()
    spare = BATCH_TOKENS / (scenario.rate * scenario.hours * 60)
    share_ticks = math.ceil(DEAL_TOKENS / (UPSERT_SHARE * scenario.rate)) + 1
    is_kept = {
        Fault.REFUSED: result.refused == 0,
        Fault.EXPIRED: result.expired_waiting == 0,
        Fault.SHARE: result.backfill_part >= SHARE - spare,
        Fault.DELAY: result.delay_p99_s <= share_ticks * TICK_PERIOD_NS / NS_PER_S,
        Fault.DETAILS: result.details_part >= NEARLY or result.upsert_part >= NEARLY * (1 - SHARE),
    }
    return {fault for fault, kept in is_kept.items() if not kept}


def figures(result: Result) -> str:
    """The numbers that tell the fault."""
    return (
        f"upsert {percent(result.upsert_part)}, backfill {percent(result.backfill_part)}, "
        f"details {percent(result.details_part)}, delay p99 {duration(result.delay_p99_s)}"
    )
