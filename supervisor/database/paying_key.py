"""Which of several keys pays for what a person asks for by a command."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from ledger import LedgerError
from supervisor import report
from supervisor.config import readable
from supervisor.database.ledger_source import source_of
from tasks.planning.soonest_key import Payer, soonest
from tasks.roles import INTERACTIVE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ledger import Snapshot
    from supervisor.config.run_plan import RunPlan
    from supervisor.process.conditions import ConditionRecord


def pools(plan: RunPlan) -> list[str]:
    """The pools of the keys, each once: those of one pay for no other."""
    return list(dict.fromkeys(key.pool for key in plan.settings.loaded_keys))


def whose_tokens(plan: RunPlan) -> str:
    """The question that a person has to answer where the keys are of several pools."""
    keys = ", ".join(f"{key.name} (pool {key.pool or 'without a name'})" for key in plan.settings.loaded_keys)
    return f"whose tokens? the keys are of several pools, which pay for no other: name one with --key: {keys}"


def paying(plan: RunPlan, tokens: Callable[[Snapshot | None], float]) -> RunPlan:
    """The plan of the key that can pay soonest, of those in the pool of the first; `tokens` says what a key would pay.

    Where there is one key it is that one.

    Raises:
        UnusableSettings: the file of a key is bad, so it cannot be known whose tokens somebody means.
    """
    readable.require_whole(plan.settings, "loaded_keys")
    if len(plan.settings.loaded_keys) <= 1:
        return plan
    last = None if plan.state.lock.holder() is None else report.read(plan.state.status)
    conditions = () if last is None else last.conditions
    return soonest_of(plan, lambda name: _snapshot(plan.of_key(name)), conditions, tokens)


def soonest_of(
    plan: RunPlan,
    look: Callable[[str], Snapshot | None],
    conditions: Sequence[ConditionRecord],
    tokens: Callable[[Snapshot | None], float],
) -> RunPlan:
    """The same, where `look` gives the ledger of a key and `conditions` are those of the run."""
    keys = plan.settings.loaded_keys
    if len(keys) <= 1:
        return plan
    kinds = {one.kind for one in conditions}
    payers = []
    for key in keys:
        if key.pool == keys[0].pool:
            snapshot = look(key.name)
            is_refused = f"{report.OF_KEY}{key.name}" in kinds
            payers.append(Payer(key.name, snapshot, tokens(snapshot), is_refused=is_refused))
    return plan.of_key(soonest(payers, INTERACTIVE))


def _snapshot(plan: RunPlan) -> Snapshot | None:
    try:
        with closing(source_of(plan).open()) as ledger:
            return ledger.snapshot()
    except (LedgerError, OSError):
        return None
