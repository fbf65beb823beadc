"""What `plan` reckons with: settings, an allowance, and the loads of selections, those that were given included."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from supervisor.selections import plan_inputs
from supervisor.selections.beside import Beside, beside
from tasks.planning.cost_plan import cost_plan

if TYPE_CHECKING:
    from supervisor.config.run_plan import RunPlan
    from supervisor.config.settings import Settings
    from tasks.planning.cost_plan import Allowance, CostPlan, Rules, StreamLoad


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What is planned for: the settings, and what the selections of the settings and the new ones ask for.

    Attributes:
        source: how the rate is known, in words.
        known: selections of the settings.
        new: those that were given to the command.
        left_out: those of which nothing is known.
        beside: lists and sources, which are not among the selections.
    """

    plan: RunPlan
    rules: Rules
    allowance: Allowance
    source: str
    known: tuple[StreamLoad, ...]
    new: tuple[StreamLoad, ...]
    left_out: tuple[str, ...]
    beside: Beside

    def cost(self, *, with_new: bool = True, rate: int | None = None) -> CostPlan:
        """The day, perhaps without the new selections, or on another plan with a full bucket."""
        allowance = self.allowance if rate is None else plan_inputs.on_plan(rate, self.allowance.tick_s)
        return cost_plan((*self.known, *(self.new if with_new else ())), self.rules, allowance)

    def changed(self, settings: Settings, call_s: float) -> Scene:
        """The same with other settings."""
        snapshot = plan_inputs.snapshot_of(self.plan)
        rules = plan_inputs.rules_of(settings, snapshot, call_s)
        plan = replace(self.plan, settings=settings)
        return replace(self, plan=plan, rules=rules, beside=beside(settings, snapshot))
