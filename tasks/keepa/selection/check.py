"""Checks a query as a whole and finds all its faults at once. Pure."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, Final

from tasks.keepa.selection import open_range
from tasks.keepa.selection.rules import (
    FILTERS,
    MIN_PERCENT,
    MIN_PERCENT_RANK,
    OPEN,
    RANGES,
    RULES,
    SALES,
    Fault,
    shown,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_REQUIRED: Final = ("domainId", "priceTypes")
_OF_THE_PAGE: Final = frozenset({"perPage", "settings"})  # how the deals page shows its list; no part of a query
_MARK_OF_THE_PAGE: Final = "settings"
# What a file may say of itself, by the words of JSON Schema: where its rules are, and what its author wants to tell.
OF_THE_FILE: Final = frozenset({"$schema", "$comment"})
_BY_LOCALE: Final = ("excludeCategories", "includeCategories")
_FAULT_CHARS: Final = 300


def check(given: Mapping[str, object]) -> tuple[dict[str, Any], list[str]]:
    """Return the normalised query and its faults; the query is of use only when there are none."""
    query: dict[str, Any] = {}
    faults: list[str] = []
    for name, value in _without_the_page(given).items():
        rule = RULES.get(name)
        if rule is None:
            faults.append(_unknown(name))
            continue
        if is_unset(value):
            continue
        try:
            normal = rule(value)
        except Fault as fault:
            faults.append(f"{name}: {fault}"[:_FAULT_CHARS])
            continue
        if not is_unset(normal):
            query[name] = normal
    faults += [f"{name}: is missing" for name in _REQUIRED if is_unset(given.get(name))]
    _close_ranges(query)
    faults += _range_faults(query)
    faults += _contradictions(query)
    return query, faults


def notes(query: Mapping[str, Any]) -> tuple[str, ...]:
    """Say what of a valid query the server will ignore: a switch turns it off, perhaps on purpose."""
    off: list[str] = []
    for switch, names in (("isRangeEnabled", RANGES), ("isFilterEnabled", FILTERS)):
        # A flag that is false asks for nothing, so nothing is lost with it.
        lost = sorted(name for name in names if name in query and query[name] is not False)
        if lost and not query.get(switch, False):
            state = "is false" if switch in query else "is not set"
            off.append(f"{switch} {state}: the server may ignore {', '.join(lost)}")
    return tuple(off)


def is_unset(value: object) -> bool:
    """Whether a value means that the parameter is not used: null, an empty text, an empty list."""
    return value is None or (isinstance(value, str | list | tuple) and not value)


def _without_the_page(given: Mapping[str, object]) -> Mapping[str, object]:
    """Return the query in the form of an API call, also when it was taken from the page's own address."""
    is_of_the_page = _MARK_OF_THE_PAGE in given
    ignored = OF_THE_FILE | _OF_THE_PAGE if is_of_the_page else OF_THE_FILE
    query = {name: value for name, value in given.items() if name not in ignored}
    for name in _BY_LOCALE:
        value = query.get(name)
        if isinstance(value, list) and value and all(isinstance(one, list) for one in value):
            query[name] = open_range.of_locale(value, given.get("domainId"))
    return query


def _close_ranges(query: dict[str, Any]) -> None:
    is_rank = query.get("priceTypes") == [SALES]
    for name in RANGES:
        if name in query:
            ends = open_range.closed(name, query.pop(name), is_rank=is_rank)
            if ends is not None:
                query[name] = ends


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, RULES, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"{shown(name)}: there is no such parameter, and the server would ignore it{hint}"


def _range_faults(query: Mapping[str, Any]) -> Iterator[str]:
    is_rank = query.get("priceTypes") == [SALES]
    present = [name for name in RANGES if name in query]
    if present and "isRangeEnabled" not in query:
        yield f"isRangeEnabled: is missing; without it the server ignores {', '.join(present)}; set it to true or false"
    for name in present:
        low, high = query[name]
        may_be_open = name == "salesRankRange" or (name == "currentRange" and is_rank)
        if low > high and not (may_be_open and high == OPEN):
            yield f"{name}: min must not be above max, but {low} is above {high}"
        if name in {"currentRange", "salesRankRange"} and low < 0:
            yield f"{name}: min must be 0 or more, not {low}"
    least = MIN_PERCENT_RANK if is_rank else MIN_PERCENT
    if "deltaPercentRange" in query and query["deltaPercentRange"][0] < least:
        of = "the sales rank" if is_rank else "a price"
        yield f"deltaPercentRange: min must be {least} or more for {of}, not {query['deltaPercentRange'][0]}"


def _contradictions(query: Mapping[str, Any]) -> Iterator[str]:
    both = set(query.get("includeCategories", ())) & set(query.get("excludeCategories", ()))
    if both:
        yield f"includeCategories, excludeCategories: must not both have {sorted(both)[:3]}"
    if query.get("mustHaveAmazonOffer") and query.get("mustNotHaveAmazonOffer"):
        yield "mustHaveAmazonOffer, mustNotHaveAmazonOffer: must not both be true"
