"""`selection check` and `selection explain`: whether selections are valid, and what they ask for in words."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

import msgspec

from supervisor.database.access import query_plan
from supervisor.queries.printing import output
from supervisor.queries.printing.output import Output
from supervisor.selections import describe_source, given
from supervisor.selections.describe_source import SourceOutput, product_price, source_line
from tasks.errors import EXIT_CONFIG, EXIT_OK
from tasks.keepa.locales import shop
from tasks.keepa.selection import explanation
from tasks.keepa.selection.page_link import page_link

if TYPE_CHECKING:
    import argparse

    from supervisor.config.run_plan import RunPlan
    from supervisor.selections.given import Given
    from tasks.keepa.selection.selection import Selection

_ORDER: Final = 'Every walk reads the newest deal first, whatever "sortType" says, and begins at page 0.'


class SelectionOutput(msgspec.Struct, frozen=True, kw_only=True):
    """A selection.

    Attributes:
        key: by which the database names it; two selections that ask for the same have the same.
        asks_for: what it asks for in words, and `conditions` each further condition.
        link: Keepa's deals page with the same choice.
        query: as the API is asked.
    """

    name: str
    key: str
    domain: int
    shop: str
    asks_for: str
    conditions: tuple[str, ...]
    notes: tuple[str, ...]
    link: str
    query: dict[str, Any]


class SelectionsOutput(Output, frozen=True, kw_only=True):
    """Selections and sources, every fault of those that are not valid, and what is worth knowing."""

    selections: tuple[SelectionOutput, ...]
    sources: tuple[SourceOutput, ...]
    faults: tuple[str, ...]
    notes: tuple[str, ...]


def check(chosen: argparse.Namespace) -> int:
    """Say of each selection whether it is valid; the exit code is that of a fault in the settings if one is not.

    Raises:
        ConfigError: the settings themselves have a fault.
    """
    found, plan = _found(chosen)
    if chosen.json:
        return _as_json(found, plan)
    for one in found.selections:
        output.text(f"{label(one)}: valid", *(f"  note: {note}" for note in one.notes))
    for source in found.sources:
        output.text(f"{source.label}: valid, a source of products")
    return _ended(found)


def explain(chosen: argparse.Namespace) -> int:
    """Say of each selection what it asks for; the exit code as of `check`.

    Raises:
        ConfigError: the settings themselves have a fault.
    """
    found, plan = _found(chosen)
    if chosen.json:
        return _as_json(found, plan)
    for one in found.selections:
        output.text(*lines(one), "")
    if found.sources:
        price = product_price(plan)
        output.text(*(line for source in found.sources for line in (source_line(source, price), "")))
    if found.selections:
        output.text(_ORDER)
    return _ended(found)


def label(one: Selection) -> str:
    """The selection and its shop, for a person."""
    return f"{one.name}, {shop(one.domain)}"


def lines(one: Selection) -> list[str]:
    """What it asks for, and where to look at it."""
    sentence, conditions = explanation.explain(one)
    return [
        f"{label(one)} asks for {sentence}" + (":" if conditions else "."),
        *(f"  - {condition}" for condition in conditions),
        *(f"  note: {note}" for note in one.notes),
        f"  at Keepa: {page_link(one)}",
    ]


def for_programs(one: Selection) -> SelectionOutput:
    """The same for programs."""
    sentence, conditions = explanation.explain(one)
    return SelectionOutput(
        name=one.name,
        key=one.key,
        domain=one.domain,
        shop=shop(one.domain),
        asks_for=sentence,
        conditions=tuple(conditions),
        notes=tuple(one.notes),
        link=page_link(one),
        query=dict(one.query),
    )


def _found(chosen: argparse.Namespace) -> tuple[Given, RunPlan]:
    plan = query_plan()
    return given.find(chosen.sources, plan.settings), plan


def _as_json(found: Given, plan: RunPlan) -> int:
    price = product_price(plan) if found.sources else None
    output.as_json(
        SelectionsOutput(
            selections=tuple(map(for_programs, found.selections)),
            sources=tuple(describe_source.for_programs(one, price) for one in found.sources if price is not None),
            faults=tuple(found.faults),
            notes=tuple(found.notes),
        )
    )
    return EXIT_CONFIG if found.faults else EXIT_OK


def _ended(found: Given) -> int:
    for words in (*found.faults, *(f"note: {note}" for note in found.notes)):
        sys.stderr.write(f"sluicegate: {words}\n")
    return EXIT_CONFIG if found.faults else EXIT_OK
