"""A source of products besides a selection: a JSON object with `source` in it, checked before it costs a token. Pure.

The API has no listing of a category. `category` is a search for what sells best there, by the Product Finder.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from ledger.durations import parse_duration
from tasks.errors import ConfigError
from tasks.keepa.locales import DEAL_DOMAINS, shop
from tasks.keepa.selection.text import is_deep
from tasks.keepa.source import finder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Kind = Literal["bestsellers", "seller", "product-finder", "category", "lightning-deals"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
MARK: Final = "source"  # a JSON object that has it is no selection

REFRESH: Final = "24h"
_LEASTREFRESH_S: Final = 3_600.0
_MOST: Final = 1_000  # products, where a search does not say
_REACHED: Final = 10_000  # products of one search. Source: API documentation.
_MOST_BEST: Final = 100_000
_RANGES: Final = (0, 30, 90, 180)  # days that a rank is averaged over. Source: API documentation.
_SELLER: Final = re.compile("A[0-9A-Z]{9,20}")
_COMMON: Final = frozenset({MARK, "domainId", "refresh"})
_FIELDS: Final[dict[Kind, frozenset[str]]] = {
    "bestsellers": frozenset({"categoryId", "range", "most"}),
    "seller": frozenset({"sellerId"}),
    "product-finder": frozenset({"query", "most"}),
    "category": frozenset({"categoryId", "most"}),
    "lightning-deals": frozenset(),
}
_NOT_IDENTITY: Final = frozenset({"refresh", "most"})
_SHOWN: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Source:
    """A source in one locale.

    Attributes:
        name: the stem of its file.
        query: what the file says, checked and with its locale.
        refresh_s: seconds after which it is asked again.
        most: how many products are taken at the most.
    """

    name: str
    kind: Kind
    domain: int
    query: Mapping[str, Any]
    refresh_s: float
    most: int

    @property
    def key(self) -> str:
        """Twelve hex digits that stay the same while the source asks for the same products."""
        identity = {name: value for name, value in self.query.items() if name not in _NOT_IDENTITY}
        text = json.dumps(identity, sort_keys=True, separators=(",", ":"))
        return hashlib.blake2b(f"source {text}".encode(), digest_size=6).hexdigest()

    @property
    def is_counted(self) -> bool:
        """Whether `most` is what the file or the search says, and no bound that nothing reaches."""
        return self.kind in {"product-finder", "category"} or "most" in self.query

    @property
    def label(self) -> str:
        """The source and the shop, for a person."""
        return f"{self.name}, {shop(self.domain)}"

    @property
    def search(self) -> dict[str, Any]:
        """What the Product Finder is asked; of a category, what sells best there."""
        if self.kind == "category":
            return {"categories_include": [self.query["categoryId"]], "sort": [["current_SALES", "asc"]]}
        return dict(self.query["query"])


def is_source(given: object) -> bool:
    """Whether a JSON value is meant as a source, and not as a selection."""
    return isinstance(given, dict) and MARK in given


def in_text(text: str | bytes) -> dict[str, Any] | None:
    """The source that a text holds, not yet checked; None when it is a selection, or is to be refused as one."""
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return given if is_source(given) and not is_deep(given) else None


def parse(given: Mapping[str, Any], *, name: str, domain: int | None = None) -> Source:
    """Return the source; `domain` is for one that names no `domainId` itself.

    Raises:
        ConfigError: it is none. The message names every fault.
    """
    query = {field: value for field, value in given.items() if not field.startswith("$")}
    if domain is not None and query.get("domainId") is None:
        query["domainId"] = domain
    found = list(_faults(query))
    if found:
        lines = "".join(f"\n  - {fault}" for fault in found)
        raise ConfigError(f"source {name}: {len(found)} fault{'s' * (len(found) > 1)}:{lines}")
    kind: Kind = query[MARK]
    return Source(
        name=name,
        kind=kind,
        domain=query["domainId"],
        query=query,
        refresh_s=parse_duration(query.get("refresh", REFRESH)).total_seconds(),
        most=query.get("most", _MOST if kind in {"product-finder", "category"} else _MOST_BEST),
    )


def for_domains(given: Mapping[str, Any], *, name: str, domains: Iterable[int]) -> tuple[Source, ...]:
    """Return one source for its own `domainId`, or one for each of `domains` when it names none.

    Raises:
        ConfigError: it is none. The message names every fault.
    """
    chosen = [None] if given.get("domainId") is not None else list(dict.fromkeys(domains))
    return tuple(parse(given, name=name, domain=domain) for domain in chosen)


def _faults(query: Mapping[str, Any]) -> Iterator[str]:
    kind = query.get(MARK)
    if kind not in KINDS:
        yield f"source: must be one of {', '.join(KINDS)}, not {_shown(kind)}"
        return
    known = _COMMON | _FIELDS[kind]
    for name in query.keys() - known:
        yield f"{_shown(name)}: a source of the kind {kind} has no such field; it has {', '.join(sorted(known))}"
    if not _is_one_of(query.get("domainId"), DEAL_DOMAINS):
        yield f"domainId: must be one of {', '.join(map(str, DEAL_DOMAINS))}, not {_shown(query.get('domainId'))}"
    yield from _refresh_faults(query)
    yield from _kind_faults(kind, query, known)


def _kind_faults(kind: Kind, query: Mapping[str, Any], known: frozenset[str]) -> Iterator[str]:
    """Yield what is wrong with the fields that only some kinds have."""
    if "categoryId" in known and not _is_whole(query.get("categoryId"), 1, 2**63 - 1):
        yield f"categoryId: must be the number of a category, not {_shown(query.get('categoryId'))}"
    if not _is_one_of(query.get("range", 0), _RANGES):
        yield f"range: must be one of {', '.join(map(str, _RANGES))} days, not {_shown(query['range'])}"
    if "sellerId" in known and not _SELLER.fullmatch(str(query.get("sellerId"))):
        yield f"sellerId: must be the id of one seller, such as A2L77EE7U53NWQ, not {_shown(query.get('sellerId'))}"
    reached = _MOST_BEST if kind == "bestsellers" else _REACHED
    if "most" in query and not _is_whole(query["most"], 1, reached):
        yield f"most: must be a whole number from 1 to {reached}, not {_shown(query['most'])}"
    search = query.get("query")
    if "query" in known and not isinstance(search, dict):
        yield f"query: must be an object with the parameters of the Product Finder, not {_shown(search)}"
    elif isinstance(search, dict):
        yield from finder.faults(search)


def _refresh_faults(query: Mapping[str, Any]) -> Iterator[str]:
    text = query.get("refresh", REFRESH)
    try:
        seconds = parse_duration(str(text)).total_seconds()
    except ValueError as error:
        yield f"refresh: {error}"
        return
    if seconds < _LEASTREFRESH_S:
        yield f"refresh: must be 1h or more, for each time costs tokens, not {_shown(text)}"


def _is_one_of(value: object, known: tuple[int, ...]) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value in known


def _is_whole(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _shown(value: object) -> str:
    return repr(value)[:_SHOWN]
