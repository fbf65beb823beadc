"""How long products of lists take to be fetched with the key in force, as its ledger knows the plan."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from supervisor.database import ledger_source
from supervisor.database.access import query_plan
from supervisor.queries.watch_output import OnKey
from tasks.errors import ConfigError
from tasks.planning.cost_values import Allowance
from tasks.planning.learned_costs import product_tokens
from tasks.planning.watch_plan import on_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ledger import Snapshot
    from supervisor.config.run_plan import RunPlan
    from tasks.keepa.request import Detail


class Some(NamedTuple):
    """So many products of a list, to be fetched in that detail."""

    products: int
    detail: Detail


def of_settings(wanted: Iterable[Some]) -> OnKey | None:
    """The same with the key of the settings; None too where these have a fault, which is another command's to tell."""
    with suppress(ConfigError):
        return of_plan(query_plan(), wanted)
    return None


def of_plan(plan: RunPlan, wanted: Iterable[Some]) -> OnKey | None:
    """When these have been fetched with the key that keeps lists fresh; None before a reply has told its plan."""
    snapshot = ledger_source.snapshot_of(plan)
    if snapshot is None or not snapshot.synced or snapshot.bucket.tick_period_s <= 0:
        return None
    return _on(plan, snapshot, list(wanted))


def _on(plan: RunPlan, snapshot: Snapshot, wanted: list[Some]) -> OnKey:
    bucket = snapshot.bucket
    per_minute = Allowance(rate=bucket.refill_rate, tick_s=bucket.tick_period_s).per_minute
    products = sum(one.products for one in wanted)
    tokens = sum(one.products * product_tokens(one.detail, snapshot) for one in wanted)
    share = plan.settings.upsert_share
    whose = "this key" if len(plan.keys) < 2 else f"the key {plan.key}"  # noqa: PLR2004 - one, or several
    words = on_key(tokens, per_minute=per_minute, share=share, whose=whose)
    return OnKey(
        rate=round(per_minute, 2),
        products=products,
        tokens=tokens,
        pass_s=tokens * 60 / per_minute if per_minute > 0 else None,
        pass_shared_s=tokens * 60 / per_minute / share if per_minute > 0 and share > 0 else None,
        words=f"{products:,} products for {tokens:,.0f} tokens {words}",
    )
