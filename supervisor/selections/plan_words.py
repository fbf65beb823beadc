"""Shows a plan of the day as tables and sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ledger.durations import format_duration
from supervisor.queries.printing import output
from supervisor.queries.printing.output import Column
from supervisor.selections import unused
from supervisor.selections.scene import PLANS
from tasks.planning.watch_plan import on_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from supervisor.selections.scene import Scene
    from tasks.planning.cost_values import CostPlan, OtherCost, OtherKind, OtherLoad, Rules

_DAY_S: Final = 86_400
_ALL: Final = "all"
_PARTS: Final = ("listing", "details", "crawling", "histories")
_PAYERS: Final[dict[OtherKind, str]] = {"list": "upsert", "source": "backfill"}
_COLUMNS: Final = (
    Column("what", is_elastic=True),
    *(
        Column(heading, is_number=True)
        for heading in ("deals", "new a day", "looking", "details", "reading all", "histories", "tokens a day")
    ),
)
_PLANS: Final = (
    Column("tokens a minute", is_number=True),
    *(
        Column(heading, is_number=True)
        for heading in ("a look every", "details", "histories a day", "those waiting", "used", "unused a day")
    ),
)


def show(scene: Scene, other: Scene | None, changes: Sequence[str]) -> None:
    """Print the plan, and what the changes of settings come to."""
    show_overrides(scene)
    show_day(scene, other, changes)
    output.text("", "on other plans:")
    output.table(_PLANS, [_on_plan(scene, rate) for rate in PLANS])


def show_overrides(scene: Scene) -> None:
    """Print which settings count as the running supervisor was told them; nothing where it was told none."""
    if scene.overrides:
        told = " ".join(f"{name}={text}" for name, text in scene.overrides.items())
        output.text(f"counted as `sluicegate set` ordered it of the running supervisor: {told}", "")


def show_day(scene: Scene, other: Scene | None, changes: Sequence[str], *, whose: str = "") -> None:
    """Print the day of one key, whose name stands before it where there are several."""
    day = scene.cost()
    allowance = scene.allowance
    output.text(
        f"{whose}{allowance.per_minute:,.0f} tokens a minute, {day.income:,.0f} a day ({scene.source}); "
        f"the balance is {allowance.balance:,.0f} of {allowance.capacity:,.0f}",
        "",
    )
    output.table(_COLUMNS, [*_rows(scene, day)])
    output.text("", *sentences(scene, day))
    if scene.has_new:
        before = scene.without_new()
        output.text("", "without the new ones:", *(f"  {line}" for line in sentences(before, before.cost())))
    if other is not None:
        output.text("", f"with {' '.join(changes)}:", *(f"  {line}" for line in sentences(other, other.cost())))


def sentences(scene: Scene, day: CostPlan) -> list[str]:
    """What the day means for deals, for histories, for the reserves and for what is not used."""
    details = (
        "without details of them"
        if not scene.rules.detail_tokens
        else f"with the details of {day.details_part:.0%} of the new ones"
    )
    used = day.total / day.income if day.income else 0.0
    lines = [
        f"{day.total:,.0f} tokens, {used:.0%} of what comes in",
        f"deals: a look every {format_duration(day.poll_interval_s)}, {details}",
        f"histories: {_histories(day, scene.rules)}; {_waiting(day, scene)}",
        _floors(scene),
        *_of_others(scene, day),
    ]
    if scene.all_left_out:
        lines.insert(0, f"not counted, as nothing is known of them: {'; '.join(scene.all_left_out)}")
    lines.append(unused.sentence(day, scene.plan.settings))
    return lines


def _of_others(scene: Scene, day: CostPlan) -> list[str]:
    """What lists and sources cost, and what that leaves for the rest; nothing without them."""
    if not day.others:
        return []
    lines = []
    without = scene.without_others()
    for kind, payer in _PAYERS.items():
        tokens, wanted = day.of_others(kind), sum(one.total for one in day.others_wanted if one.kind == kind)
        if not any(one.kind == kind for one in day.others):
            continue
        less = "" if wanted - tokens < 1 else f" of {wanted:,.0f} that they ask for"
        lines.append(f"{kind}s: {tokens:,.0f} tokens{less}, which {payer} pays")
    lines += _due(scene)
    lines += [_of_source(one) for one in scene.all_others if one.kind == "source"]
    lines.append(
        f"without lists and sources: {without.total:,.0f} tokens, the details of {without.details_part:.0%} of the new "
        f"deals, up to {without.histories_per_day:,.0f} histories a day"
    )
    unknown = [one.name for one in scene.all_others if one.products is None]
    if unknown:
        lines.append(f"not counted, as it was never read how many products they list: {'; '.join(unknown)}")
    return lines


def _due(scene: Scene) -> list[str]:
    """When the products of lists that are due now are fetched; nothing where none is."""
    due = sum(one.due for one in scene.all_others)
    if not due:
        return []
    tokens = sum(one.due * one.each for one in scene.all_others)
    words = on_key(
        tokens, per_minute=scene.allowance.per_minute, share=scene.plan.settings.upsert_share, whose="this plan"
    )
    return [f"lists: {due:,} products are due now, for {tokens:,.0f} tokens: {words}"]


def _of_source(one: OtherLoad) -> str:
    """What a reading costs, and what that leads to."""
    reading = f"{one.name}: a reading costs {one.reading:,.0f} tokens"
    if one.once is None:
        return f"{reading}, and each product that it adds {one.each:.3g} once; how many is known once it was read"
    return f"{reading}, and its {one.products:,} products {one.once:,.0f} once, if nobody has fetched them yet"


def _floors(scene: Scene) -> str:
    kept = scene.floors()
    reserve = kept["backfill"] - kept["upsert"]
    rate = scene.allowance.rate
    refill = format_duration(reserve / rate * scene.allowance.tick_s) if rate else "no time at all"
    return (
        f"reserve: backfill leaves {kept['backfill']:,} tokens, {reserve:,} of them for upsert, which refills bring "
        f"back in {refill}; its largest call may cost {scene.allowance.capacity - kept['backfill']:,.0f}"
    )


def _histories(day: CostPlan, rules: Rules) -> str:
    """How many there is room for; where there is none, why, and what would make some."""
    if day.histories_per_day >= 1:
        return f"up to {day.histories_per_day:,.0f} products a day"
    taken = "none, for reading selections and sources takes all that backfill may spend"
    if rules.backfill.tokens is not None:
        return f"{taken}: raise BACKFILL_TOKENS_PER_DAY, or ask for less"
    if rules.backfill.day_part < 1:
        return f"{taken}: give BACKFILL_HOURS more hours, or ask for less"
    return f"{taken}: ask for less, or raise BACKFILL_SHARE"


def _waiting(day: CostPlan, scene: Scene) -> str:
    """What becomes of the products that wait because of selections and of sources."""
    pending = sum(load.pending for load in (*scene.known, *scene.new))
    pending += sum(one.waiting / one.each for one in scene.all_others if one.kind == "source" and one.each)
    if pending < 1:
        return "none waits because of selections or sources"
    if day.pending_days is None:
        return f"the {pending:,.0f} that wait are never all fetched, for more come than that"
    limits = scene.rules.backfill
    spent = (
        ""
        if limits.tokens is None or limits.spent < 1
        else f", as backfill has spent {limits.spent:,.0f} of today's {limits.tokens:,.0f} tokens"
    )
    return f"the {pending:,.0f} that wait are fetched in {format_duration(day.pending_days * _DAY_S)}{spent}"


def _rows(scene: Scene, day: CostPlan) -> list[tuple[str, ...]]:
    loads = (*scene.known, *scene.new)
    rows = [
        (
            f"{load.name} (new)" if load in scene.new else load.name,
            f"{load.deals:,.0f}",
            f"{load.news_per_day:,.0f}",
            *(f"{part:,.0f}" for part in (cost.listing, cost.details, cost.crawling, cost.histories, cost.total)),
        )
        for load, cost in zip(loads, day.spent, strict=True)
    ]
    more = [_other_row(scene, load, cost) for load, cost in zip(scene.all_others, day.others, strict=True)]
    if len(rows) + len(more) <= 1:
        return [*rows, *more]
    of_lists, asking = day.of_others("list"), sum(cost.asking for cost in day.others)
    sums = {part: sum(getattr(cost, part) for cost in day.spent) for part in _PARTS}
    sums["details"] += of_lists
    sums["crawling"] += asking
    sums["histories"] += day.of_others("source") - asking
    whole = (_ALL, *(f"{sum(getattr(load, part) for load in loads):,.0f}" for part in ("deals", "news_per_day")))
    return [*rows, *more, (*whole, *(f"{tokens:,.0f}" for tokens in sums.values()), f"{day.total:,.0f}")]


def _other_row(scene: Scene, load: OtherLoad, cost: OtherCost) -> tuple[str, ...]:
    """A list or source in the columns of what it is like: lists are fetched as details are, sources as histories."""
    name = f"{load.name} ({'new ' if load in scene.new_others else ''}{load.kind})"
    products = "?" if load.products is None else f"{load.products:,}"
    details, asking, histories = (cost.products, 0.0, 0.0) if load.kind == "list" else (0.0, cost.asking, cost.products)
    tokens = (0.0, details, asking, histories, cost.total)
    return (name, products, "", *(f"{part:,.0f}" for part in tokens))


def _on_plan(scene: Scene, rate: int) -> tuple[str, ...]:
    day = scene.cost(rate=rate)
    waiting = "never" if day.pending_days is None else format_duration(day.pending_days * _DAY_S)
    return (
        f"{rate:,}",
        format_duration(day.poll_interval_s),
        f"{day.details_part:.0%}" if scene.rules.detail_tokens else "-",
        f"{day.histories_per_day:,.0f}",
        waiting,
        f"{day.total / day.income:.0%}",
        f"{day.expires:,.0f}",
    )
