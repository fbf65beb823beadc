"""The strategies compared, by name, in the order of their history."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.scenarios.ledger_strategy import Ours
from benchmarks.scenarios.threshold_strategies import Past, Policy

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.scenarios.client import Client
    from benchmarks.scenarios.server import Server
    from ledger import ManualClock

OURS = "ours"


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """How a client is made, and what its idea was."""

    make: Callable[[Server, ManualClock], Client]
    idea: str


def _past(idea: str, policy: Policy) -> Strategy:
    return Strategy(make=partial(Past, policy), idea=idea)


STRATEGIES: dict[str, Strategy] = {
    "50/50": _past(
        "both jobs call from 50 tokens on, each by the balance in its own last reply",
        Policy(upsert_from=50, backfill_from=50, batch=20, is_shared=False),
    ),
    "150/50": _past(
        "the backfill calls from 150 on, upsert from 50; balances still apart",
        Policy(upsert_from=50, backfill_from=150, batch=20, is_shared=False),
    ),
    "80/50": _past(
        "the backfill calls from 80 on in small batches; one balance for both",
        Policy(upsert_from=50, backfill_from=80, batch=5),
    ),
    "recharge": _past(
        "the backfill spends down to 50, then waits until the bucket is as good as full",
        Policy(upsert_from=50, backfill_from=50, batch=5, full_part=280 / 300),
    ),
    OURS: Strategy(make=Ours, idea="the ledger: floors, guaranteed shares, a queue per tier"),
}
