"""The plan of the day as one JSON object, and its types."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import msgspec

from supervisor.queries.printing import output
from supervisor.queries.printing.output import Output
from supervisor.selections import unused
from supervisor.selections.scene import PLANS
from tasks.planning.cost_values import DAY_S, OtherKind

if TYPE_CHECKING:
    from supervisor.selections.scene import Scene
    from tasks.planning.cost_values import Allowance, CostPlan, OtherLoad


class SelectionCost(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens a day of one selection, with the tokens there are; `wanted` if tokens were no object.

    Attributes:
        listing: pages of upsert, which looks for new deals.
        crawling: pages of backfill, which reads the whole.
        details: what upsert fetches of new and changed deals.
        histories: what backfill fetches of products.
        deals: deals that it has.
        news_per_day: deals a day that are new or changed.
        pending: products that wait for their history now.
        is_new: whether it was given to the command, and is not one of the settings.
    """

    name: str
    listing: float
    crawling: float
    details: float
    histories: float
    total: float
    wanted: float
    deals: float
    news_per_day: float
    pending: float
    is_new: bool


class OtherOutput(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens a day of one list or source.

    Attributes:
        asking: what reading a source costs; 0 for a list.
        fetching: what its products cost.
        total: both, and `wanted` if tokens were no object.
        products: products that it has; null when that is not known yet.
        reading: what reading a source once costs; 0 for a list.
        once: what fetching each of its products once costs; null as `products`.
        due: products of a list that are to be fetched now; 0 for a source.
        due_in_s: seconds that their tokens take to come in when nothing else spends.
        is_new: whether it was given to the command, and is not one of the settings.
    """

    name: str
    kind: OtherKind
    asking: float
    fetching: float
    total: float
    wanted: float
    products: int | None
    reading: float
    once: float | None
    due: int
    due_in_s: float
    is_new: bool


class DayOutput(msgspec.Struct, frozen=True, kw_only=True):
    """A day on a plan.

    Attributes:
        income: tokens that the plan brings, of which `tokens` are spent.
        poll_interval_s: seconds between two looks for new deals.
        details_part: part of the wanted details that there are tokens for, 0 to 1.
        histories_per_day: products a day that backfill could fetch, if so many waited.
        pending_days: days until the products that wait now are fetched; null for never.
        expires: tokens of this day that nobody wants, once the bucket is full.
        expires_in_s: seconds until the first of them do; null when none does within the day.
        floors: what each tier leaves unspent.
        withheld: tokens that each job wants and that its budget or its hours deny it.
        why_unused: why tokens expire; null when none does.
        lists: tokens of all lists, and `sources` of all sources, with the products that these list.
    """

    income: float
    tokens: float
    poll_interval_s: float
    details_part: float
    histories_per_day: float
    pending_days: float | None
    expires: float
    expires_in_s: float | None
    floors: dict[str, int]
    withheld: dict[str, float]
    why_unused: str | None
    lists: float
    sources: float
    others: tuple[OtherOutput, ...]
    selections: tuple[SelectionCost, ...]


class DayOnPlan(DayOutput, frozen=True, kw_only=True):
    """A day on a plan of `rate` tokens a minute."""

    rate: int


class PlanOutput(Output, frozen=True, kw_only=True):
    """What the selections cost a day.

    Attributes:
        rate: tokens that each refill adds, every `tick_s` seconds; `rate_known` says how that is known.
        overrides: settings that a running supervisor was told by `set`, by name; they are counted.
        left_out: selections of which nothing is known.
        without_new: the day without the selections that were given; null when none was.
        with_settings: the day with the settings that were given; null when none was.
        plans: the day on the plans that are sold.
    """

    rate: float
    tick_s: float
    balance: float
    capacity: float
    rate_known: str
    overrides: dict[str, str]
    day: DayOutput
    left_out: tuple[str, ...]
    without_new: DayOutput | None
    with_settings: DayOutput | None
    plans: tuple[DayOnPlan, ...]


def as_json(scene: Scene, other: Scene | None) -> None:
    """Print the plan as one JSON object."""
    output.as_json(output_of(scene, other))


def output_of(scene: Scene, other: Scene | None) -> PlanOutput:
    """The plan as an object for programs."""
    before = scene.without_new()
    days = ((rate, _day(scene, scene.cost(rate=rate))) for rate in PLANS)
    return PlanOutput(
        rate=scene.allowance.rate,
        tick_s=scene.allowance.tick_s,
        balance=scene.allowance.balance,
        capacity=scene.allowance.capacity,
        rate_known=scene.source,
        overrides=dict(scene.overrides),
        day=_day(scene, scene.cost()),
        left_out=scene.all_left_out,
        without_new=_day(before, before.cost()) if scene.has_new else None,
        with_settings=None if other is None else _day(other, other.cost()),
        plans=tuple(DayOnPlan(rate=rate, **msgspec.structs.asdict(day)) for rate, day in days),
    )


def _day(scene: Scene, day: CostPlan) -> DayOutput:
    loads = {load.name: load for load in (*scene.known, *scene.new)}
    names = {load.name for load in scene.new}
    return DayOutput(
        income=day.income,
        tokens=day.total,
        poll_interval_s=day.poll_interval_s,
        details_part=day.details_part,
        histories_per_day=day.histories_per_day,
        pending_days=day.pending_days,
        expires=day.expires,
        expires_in_s=day.expires_in_s,
        floors=scene.floors(),
        withheld=dict[str, float](day.withheld.items()),
        why_unused=unused.reason(day, scene.plan.settings),
        lists=day.of_others("list"),
        sources=day.of_others("source"),
        others=_others(scene, day),
        selections=tuple(
            SelectionCost(
                **asdict(spent),
                total=spent.total,
                wanted=wanted.total,
                deals=loads[spent.name].deals,
                news_per_day=loads[spent.name].news_per_day,
                pending=loads[spent.name].pending,
                is_new=spent.name in names,
            )
            for spent, wanted in zip(day.spent, day.wanted, strict=True)
        ),
    )


def _due_in_s(one: OtherLoad, allowance: Allowance) -> float:
    return one.due * one.each * DAY_S / allowance.per_day


def _others(scene: Scene, day: CostPlan) -> tuple[OtherOutput, ...]:
    loads = {load.name: load for load in scene.all_others}
    names = {load.name for load in scene.new_others}
    return tuple(
        OtherOutput(
            name=spent.name,
            kind=spent.kind,
            asking=spent.asking,
            fetching=spent.products,
            total=spent.total,
            wanted=wanted.total,
            products=loads[spent.name].products,
            reading=loads[spent.name].reading,
            once=loads[spent.name].once,
            due=loads[spent.name].due,
            due_in_s=_due_in_s(loads[spent.name], scene.allowance),
            is_new=spent.name in names,
        )
        for spent, wanted in zip(day.others, day.others_wanted, strict=True)
    )
