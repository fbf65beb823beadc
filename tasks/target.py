"""What the jobs walk through: each selection in each locale, newest deal first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tasks.keepa import selection

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tasks.keepa.selection import Selection
    from tasks.settings import WorkerSettings

# The server sums up products of no known category under the largest number there is; no query can name it.
_NO_CATEGORY: Final = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Target:
    """A selection in one locale. `key` and `domain` are what its walks are stored under."""

    selection: Selection
    key: str
    domain: int

    @property
    def label(self) -> str:
        """For a person."""
        return f"{self.selection.name}, domain {self.domain}"

    @property
    def names_categories(self) -> bool:
        """Whether it asks for certain categories only."""
        return bool(self.selection.query.get("includeCategories"))

    def within(self, root_cat: int | None) -> Selection:
        """What to ask for: the whole, or one category of it."""
        return self.selection if root_cat is None else self.selection.within(root_cat)

    def categories(self, root_ids: Iterable[int]) -> tuple[int, ...]:
        """What it can be split into, in ascending order."""
        return tuple(sorted(set(self.selection.split_categories(root_ids)) - {_NO_CATEGORY}))


def targets_of(settings: WorkerSettings) -> tuple[Target, ...]:
    """Every selection in every locale it is meant for, each once.

    Raises:
        ConfigError: a selection is not valid.
    """
    found: dict[tuple[str, int], Target] = {}
    for given in settings.selections:
        for one in selection.for_domains(given.query, name=given.name, domains=settings.domains):
            target = Target(selection=one.for_upsert(), key=one.key, domain=one.domain)
            found.setdefault((target.key, target.domain), target)
    return tuple(found.values())
