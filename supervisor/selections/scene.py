"""What `plan` reckons with: settings, an allowance, and the loads of selections, lists and sources, new ones too."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from supervisor.database import ledger_source
from supervisor.selections import others, plan_inputs
from tasks.planning.cost_plan import cost_plan
from tasks.planning.streams import sources_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ledger import Snapshot
    from supervisor.config.run_plan import RunPlan
    from supervisor.config.settings import Settings
    from supervisor.selections.plan_inputs import Gathered
    from tasks.planning.cost_values import Allowance, CostPlan, OtherLoad, Rules, StreamLoad

PLANS: Final = (5, 20, 60, 250, 1_200)  # tokens a minute that are sold. Source: Keepa's price list


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What is planned for: the settings, and what the selections of the settings and the new ones ask for.

    Attributes:
        source: how the rate is known, in words.
        known: selections of the settings.
        new: those that were given to the command.
        left_out: selections of the settings of which nothing is known.
        others: lists and sources of the settings.
        new_others: those that were given to the command.
        new_left_out: selections that were given to the command and of which nothing is known.
        overrides: settings that the running supervisor was told by `set`, by name; they are counted.
    """

    plan: RunPlan
    rules: Rules
    allowance: Allowance
    source: str
    known: tuple[StreamLoad, ...]
    new: tuple[StreamLoad, ...]
    left_out: tuple[str, ...]
    others: tuple[OtherLoad, ...] = ()
    new_others: tuple[OtherLoad, ...] = ()
    new_left_out: tuple[str, ...] = ()
    overrides: Mapping[str, str] = field(default_factory=dict[str, str])

    def cost(self, *, rate: int | None = None) -> CostPlan:
        """The day, perhaps on another plan of `rate` tokens a minute, with a full bucket."""
        allowance = self.allowance if rate is None else plan_inputs.on_plan(rate)
        return cost_plan((*self.known, *self.new), self.rules, allowance, self.all_others)

    @property
    def all_others(self) -> tuple[OtherLoad, ...]:
        """The lists and sources of both."""
        return (*self.others, *self.new_others)

    def floors(self) -> dict[str, int]:
        """What each tier leaves on this plan, in tokens."""
        rate = round(self.allowance.rate)
        return {tier.name: tier.floor_on(rate) for tier in self.plan.tiers()}

    @property
    def has_new(self) -> bool:
        """Whether the command was given anything that the settings do not have."""
        return bool(self.new or self.new_others)

    def without_new(self) -> Scene:
        """The same without anything that was given to the command: what is said of it counts none of that either."""
        return replace(self, new=(), new_others=(), new_left_out=())

    @property
    def all_left_out(self) -> tuple[str, ...]:
        """The selections of both of which nothing is known."""
        return (*self.left_out, *self.new_left_out)

    def without_others(self) -> CostPlan:
        """The day without any list or source."""
        return cost_plan((*self.known, *self.new), self.rules, self.allowance)

    def changed(self, settings: Settings, gathered: Gathered) -> Scene:
        """The same with other settings; what was given to the command stays as it is."""
        snapshot = ledger_source.snapshot_of(self.plan)
        rules = plan_inputs.rules_of(settings, snapshot, gathered.call_s)
        plan = replace(self.plan, settings=settings)
        return replace(self, plan=plan, rules=rules, others=others_of(settings, gathered, snapshot))


def others_of(settings: Settings, gathered: Gathered, snapshot: Snapshot | None) -> tuple[OtherLoad, ...]:
    """The lists and sources of the settings."""
    return (
        *others.list_loads(settings.loaded_lists, gathered, snapshot),
        *others.source_loads(sources_of(settings.loaded_sources), gathered, settings.backfill_detail, snapshot),
    )
