"""Shows the plans of several keys: the day of each by its own rate, and what they come to together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from supervisor.queries.printing import output
from supervisor.queries.printing.output import Output
from supervisor.selections import plan_output, plan_words
from supervisor.selections.plan_output import PlanOutput

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from supervisor.selections.scene import Scene
    from tasks.planning.cost_values import CostPlan


class PlanOfKey(PlanOutput, frozen=True, kw_only=True):
    """What the selections of one key cost a day; `key` is its name."""

    key: str


class DayOfAll(msgspec.Struct, frozen=True, kw_only=True):
    """The sums of the days of all keys.

    Attributes:
        income: tokens that the plans bring, of which `tokens` are spent.
        histories_per_day: products a day that backfill could fetch, if so many waited.
        expires: tokens of this day that nobody wants, once the buckets are full.
    """

    income: float
    tokens: float
    histories_per_day: float
    expires: float


class PlansOutput(Output, frozen=True, kw_only=True):
    """What the selections of each of several keys cost a day, and what that comes to."""

    keys: tuple[PlanOfKey, ...]
    total: DayOfAll


def show(scenes: Mapping[str, tuple[Scene, Scene | None]], changes: Sequence[str]) -> None:
    """Print the day of each key, and their sum; `scenes` are by the name of the key, each with the changes or None."""
    plan_words.show_overrides(next(iter(scenes.values()))[0])
    for name, (scene, other) in scenes.items():
        plan_words.show_day(scene, other, changes, whose=f"{name}: ")
        output.text("")
    output.text(f"all keys: {_sentence(scene.cost() for scene, _ in scenes.values())}")
    changed = [other for _, other in scenes.values() if other is not None]
    if changed:
        output.text(f"all keys with {' '.join(changes)}: {_sentence(other.cost() for other in changed)}")


def as_json(scenes: Mapping[str, tuple[Scene, Scene | None]]) -> None:
    """Print the same as one JSON object."""
    plans = ((name, plan_output.output_of(scene, other)) for name, (scene, other) in scenes.items())
    output.as_json(
        PlansOutput(
            keys=tuple(PlanOfKey(key=name, **msgspec.structs.asdict(plan)) for name, plan in plans),
            total=total(scene.cost() for scene, _ in scenes.values()),
        )
    )


def total(days: Iterable[CostPlan]) -> DayOfAll:
    """Tokens that come in, are spent and expire, and histories: the sums of the days of all keys."""
    listed = list(days)
    return DayOfAll(
        income=sum(day.income for day in listed),
        tokens=sum(day.total for day in listed),
        histories_per_day=sum(day.histories_per_day for day in listed),
        expires=sum(day.expires for day in listed),
    )


def _sentence(days: Iterable[CostPlan]) -> str:
    sums = total(days)
    used = sums.tokens / sums.income if sums.income else 0.0
    return (
        f"{sums.tokens:,.0f} tokens a day, {used:.0%} of the {sums.income:,.0f} that come in; up to "
        f"{sums.histories_per_day:,.0f} histories; {sums.expires:,.0f} expire"
    )
