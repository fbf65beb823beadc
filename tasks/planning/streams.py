"""What the jobs walk through: each selection in each locale, newest deal first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from tasks.keepa.locales import shop
from tasks.keepa.selection import selection
from tasks.keepa.source import source
from tasks.planning.crawl_steps import HIGHEST, Divisions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tasks.keepa.selection.selection import Selection
    from tasks.keepa.source.source import Source
    from tasks.planning.crawl_steps import Partition
    from tasks.settings import KeySettings, SelectionSettings, SourceSettings, WorkerSettings

# The server sums up products of no known category under the largest number there is. No query can name it, but one can
# leave out all others.
NO_CATEGORY: Final = 2**63 - 1


class Walked(Protocol):
    """What is walked through page by page. `key` and `domain` are what its walks are stored under."""

    @property
    def key(self) -> str:
        """What tells it from others."""
        ...

    @property
    def domain(self) -> int:
        """Its locale."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stream:
    """A selection in one locale. `key` and `domain` are what its walks are stored under."""

    selection: Selection
    key: str
    domain: int

    @property
    def quarantine_key(self) -> str:
        """What quarantine holds a refused selection under."""
        return f"{self.selection.name}, domain {self.domain}"

    @property
    def label(self) -> str:
        """The selection and the shop, for a person. `quarantine_key` is older, and stored."""
        return f"{self.selection.name}, {shop(self.domain)}"

    @property
    def names_categories(self) -> bool:
        """Whether it asks for certain categories only."""
        return bool(self.selection.query.get("includeCategories"))

    def within(self, partition: Partition, categories: Iterable[int] = ()) -> Selection:
        """What to ask for: the whole, or a partition of it; `categories` are those of the whole."""
        found = self.selection
        if partition.root_cat == NO_CATEGORY:
            found = found.outside(set(categories) - {NO_CATEGORY})
        elif partition.root_cat is not None:
            found = found.within(partition.root_cat)
        if partition.price_low is not None and partition.price_high is not None:
            found = found.priced(partition.price_low, partition.price_high)
        return found

    def divisions(self, counts: Mapping[int, int]) -> Divisions:
        """What it can be divided by, given the rows of each root category that a page lists."""
        low, high = self.selection.prices
        categories = self.selection.split_categories(counts)
        if not self.selection.can_leave_out(categories):
            categories = tuple(category for category in categories if category != NO_CATEGORY)
        return Divisions(
            categories=categories,
            counts={} if self.names_categories else counts,
            price_low=max(low, 0),
            price_high=HIGHEST if high < 0 else min(high, HIGHEST),
        )


def streams_of(settings: WorkerSettings) -> tuple[Stream, ...]:
    """Every selection in every locale it is meant for, each once.

    Raises:
        ConfigError: a selection is not valid.
    """
    return streams(settings.selections, settings.keepa_domains)


def streams(selections: Iterable[SelectionSettings], domains: Sequence[int]) -> tuple[Stream, ...]:
    """The same, of selections by themselves; `domains` serve those that name none.

    Raises:
        ConfigError: a selection is not valid.
    """
    found: dict[tuple[str, int], Stream] = {}
    for given in selections:
        for one in selection.for_domains(given.query, name=given.name, domains=domains):
            stream = Stream(selection=one.for_upsert(), key=one.key, domain=one.domain)
            found.setdefault((stream.key, stream.domain), stream)
    return tuple(found.values())


def list_keys(settings: WorkerSettings) -> tuple[str, ...]:
    """The keys under which lists and sources put products into the queue."""
    return (*(one.key for one in sources_of(settings.sources)), *(watch.key for watch in settings.watch_lists))


def sources_of(given: Iterable[SourceSettings]) -> tuple[Source, ...]:
    """The sources of the settings, each once.

    Raises:
        ConfigError: a source is not valid.
    """
    found = [source.parse(one.query, name=one.name) for one in given]
    return tuple(by_stream(found).values())


def by_stream(found: Iterable[Source]) -> dict[tuple[str, int], Source]:
    """The sources by their key and locale."""
    return {(one.key, one.domain): one for one in found}


def wanted_streams(found: Iterable[Stream], more: Iterable[str] = ()) -> WantedStreams | None:
    """What of the queue these streams ask for; None, which is all of it, when nothing is asked for.

    `more` are the keys of what else puts products into the queue.
    """
    listed, keys = tuple(found), tuple(more)
    if not listed and not keys:
        return None
    domains = tuple({one.domain: None for one in listed})
    return WantedStreams(keys=(*(one.key for one in listed), *keys), domains=domains)


def pool_streams(settings: WorkerSettings) -> WantedStreams | None:
    """What of the queue these settings pay for: what they ask for, and what the other keys of their pool do.

    Raises:
        ConfigError: a selection or a source is not valid.
    """
    mine = next((key.pool for key in settings.keys if key.name == settings.key_name), "")
    pool: list[KeySettings | WorkerSettings] = [key for key in settings.keys if key.pool == mine]
    pool = pool or [settings]
    found = [stream for one in pool for stream in streams(one.selections, settings.keepa_domains)]
    return wanted_streams(found, [source.key for one in pool for source in sources_of(one.sources)])


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedStreams:
    """What the settings ask for: the keys of selections and lists, and the locales of the selections."""

    keys: tuple[str, ...]
    domains: tuple[int, ...]
