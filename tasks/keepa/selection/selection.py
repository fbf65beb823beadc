"""Which deals are wanted: the JSON object that Keepa's own deals page exports, checked before it costs a token.

A selection is normalised: what is unset (null, "" or an empty list) is left out, lists of alternatives are sorted,
numbers are numbers. So two texts that ask for the same deals give the same `key`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tasks.errors import ConfigError
from tasks.keepa.selection import check
from tasks.keepa.selection import text as selection_text
from tasks.keepa.selection.rules import FILTERS, MAX_CATEGORIES, OPEN, RANGES, Fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_NOT_IDENTITY: Final = frozenset({"page", "sortType"})  # how a selection is walked, not what is in it
_NEWEST_FIRST: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """A valid query. `query` is never changed in place; `notes` say what the server will ignore in it."""

    name: str
    query: Mapping[str, Any]
    notes: tuple[str, ...] = ()

    @property
    def domain(self) -> int:
        """Keepa's number of the Amazon locale."""
        return int(self.query["domainId"])

    @property
    def price_type(self) -> int:
        """Index of the price type whose changes make a deal."""
        return int(self.query["priceTypes"][0])

    @property
    def key(self) -> str:
        """Twelve hex digits that stay the same while the selection asks for the same deals, however written."""
        identity = {name: value for name, value in self.query.items() if name not in _NOT_IDENTITY}
        text = json.dumps(identity, sort_keys=True, separators=(",", ":"))
        return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()

    def to_json(self, *, page: int | None = None) -> str:
        """Write the query as compact JSON with sorted keys, for `page` if given."""
        query = dict(self.query) if page is None else {**self.query, "page": page}
        return json.dumps(query, sort_keys=True, separators=(",", ":"))

    def with_(self, **changes: object) -> Selection:
        """Return the same selection with some parameters set, or unset by None.

        Raises:
            ConfigError: the result is not a valid selection.
        """
        return parse({**self.query, **changes}, name=self.name)

    def for_upsert(self) -> Selection:
        """Return the same selection with the newest deal first, the only order by time there is."""
        return self.with_(sortType=_NEWEST_FIRST)

    def split_categories(self, root_ids: Iterable[int]) -> tuple[int, ...]:
        """Return the categories it splits into: those it names, or else `root_ids`, which every page lists."""
        query = self._without_disabled()
        named = query.get("includeCategories")
        return tuple(named) if named else tuple(sorted(set(root_ids) - set(query.get("excludeCategories", ()))))

    def within(self, category: int) -> Selection:
        """Return the part of the selection that lies in one category."""
        return parse(
            {**self._without_disabled(), "isFilterEnabled": True, "includeCategories": [category]}, name=self.name
        )

    def outside(self, categories: Iterable[int]) -> Selection:
        """Return the part of the selection that lies in none of these categories."""
        query = self._without_disabled()
        left_out = sorted({*query.get("excludeCategories", ()), *categories})
        return parse({**query, "isFilterEnabled": True, "excludeCategories": left_out}, name=self.name)

    def can_leave_out(self, categories: Iterable[int]) -> bool:
        """Whether a query can leave out so many categories: it names 500 at the most."""
        return len({*self._without_disabled().get("excludeCategories", ()), *categories}) <= MAX_CATEGORIES

    @property
    def prices(self) -> tuple[int, int]:
        """The lowest and the highest current price it asks for, in units of its price type; -1: no upper end."""
        low, high = self._without_disabled().get("currentRange", (0, OPEN))
        return int(low), int(high)

    def priced(self, low: int, high: int) -> Selection:
        """Return the part of the selection whose current price lies between `low` and `high`, both included."""
        return parse({**self._without_disabled(), "isRangeEnabled": True, "currentRange": [low, high]}, name=self.name)

    def _without_disabled(self) -> dict[str, Any]:
        """Return the query without what its owner switched off: naming a category or a range would switch it on."""
        off = {
            name
            for switch, names in (("isFilterEnabled", FILTERS), ("isRangeEnabled", RANGES))
            if self.query.get(switch) is False
            for name in names
        }
        return {name: value for name, value in self.query.items() if name not in off}


def parse(source: str | bytes | Mapping[str, Any], *, name: str, domain: int | None = None) -> Selection:
    """Read the selection in a JSON text or object; `domain` is for one that names no `domainId` itself.

    Raises:
        ConfigError: it is not a selection. The message names every fault.
    """
    given = dict(_object(source, name) if isinstance(source, str | bytes) else source)
    if domain is not None and check.is_unset(given.get("domainId")):
        given["domainId"] = domain
    query, faults = check.check(given)
    if faults:
        raise _refused(name, faults)
    return Selection(name=name, query=query, notes=check.notes(query))


def for_domains(source: str | bytes | Mapping[str, Any], *, name: str, domains: Iterable[int]) -> tuple[Selection, ...]:
    """Make one selection for its own `domainId`, or one for each of `domains` when it names none.

    Raises:
        ConfigError: it is not a selection. The message names every fault.
    """
    given = _object(source, name) if isinstance(source, str | bytes) else source
    has_domain = not check.is_unset(given.get("domainId"))
    chosen = [None] if has_domain else list(dict.fromkeys(domains))
    return tuple(parse(given, name=name, domain=domain) for domain in chosen)


def default_selection(domain: int = 1) -> Selection:
    """Make the selection that is collected when none is set.

    It has products among the best-selling hundred thousand of their category whose lowest new price fell by a
    fifth or more within a week, at 5 to 500 of the currency.

    Raises:
        ConfigError: the locale has no deals.
    """
    query = {
        "domainId": domain,
        "priceTypes": [1],
        "dateRange": 1,
        "isFilterEnabled": True,
        "filterErotic": True,
        "singleVariation": True,
        "isRangeEnabled": True,
        "currentRange": [500, 50_000],
        "deltaPercentRange": [20, 100],
        "salesRankRange": [1, 100_000],
        "sortType": _NEWEST_FIRST,
    }
    return parse(query, name="default")


def _object(text: str | bytes, name: str) -> dict[str, Any]:
    try:
        return selection_text.read(text)
    except Fault as fault:
        raise _refused(name, [str(fault)]) from None


def _refused(name: str, faults: list[str]) -> ConfigError:
    lines = "".join(f"\n  - {fault}" for fault in faults)
    return ConfigError(f"selection {name}: {len(faults)} fault{'s' * (len(faults) > 1)}:{lines}")
