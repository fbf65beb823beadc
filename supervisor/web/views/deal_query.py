"""Reads which deals an address asks for, and writes such addresses: the filters of the page Deals. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar
from urllib.parse import urlencode

from ledger import durations
from supervisor.queries import parsing
from supervisor.queries.deal_defaults import OVERS, SORTS, usual
from supervisor.web.page import Refusal
from tasks.store.best_deals import position
from tasks.store.best_deals.best_deals import DealFilter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from supervisor.queries.selection_names import SelectionNames

T = TypeVar("T")
Word = TypeVar("Word", bound=str)

PAGE_ROWS: Final = 50
MOST_ROWS: Final = 500
WITHINS: Final = ("1h", "6h", "24h", "3d", "7d", "30d")
_WITHIN: Final = "24h"
_MOST_WORDS: Final = 10


class Given(NamedTuple):
    """The parameters of the address.

    Attributes:
        query: of a parameter that is given twice the last.
        lists: every value of each.
    """

    query: Mapping[str, str]
    lists: Mapping[str, Sequence[str]]

    def choose(self, name: str, default: T, read: Callable[[str], T]) -> T:
        """The value of that parameter; the default where it is not given, or empty.

        Raises:
            Refusal: it cannot be used.
        """
        text = self.query.get(name, "").strip()
        return default if not text else _read(name, text, read)

    def choose_all(self, name: str, read: Callable[[str], T]) -> list[T]:
        """Its values, each once.

        Raises:
            Refusal: one of them cannot be used.
        """
        found = (_read(name, text, read) for text in self.lists.get(name, ()) if text.strip())
        return list(dict.fromkeys(found))

    def address(self, path: str, **changes: str | None) -> str:
        """The address with these parameters, and with the changes: None leaves one out."""
        kept = [(name, text) for name, texts in self.lists.items() for text in texts if text and name not in changes]
        kept += [(name, text) for name, text in changes.items() if text is not None]
        return f"{path}?{urlencode(kept)}" if kept else path


def one_of(*names: Word) -> Callable[[str], Word]:
    """Reads one of these words."""

    def read(text: str) -> Word:
        for name in names:
            if name == text:
                return name
        raise ValueError(f"{text!r} is none of {', '.join(names)}")

    return read


def deal_filter(given: Given, names: SelectionNames) -> DealFilter:
    """The deals that the address asks for, from the place on that it names.

    Raises:
        Refusal: it asks for something there is not.
    """
    numbered = names.by_number()
    known = sorted({*names.by_key().values()})
    selections = given.choose_all("selection", one_of(*known)) or None
    types, over = usual(names.called(selections))
    sort = given.choose("sort", SORTS[0], one_of(*SORTS))
    return DealFilter(
        price_types=given.choose_all("type", parsing.money_type) or types,
        over=given.choose("over", over, one_of(*OVERS)),
        within=given.choose("within", durations.parse_duration(_WITHIN), durations.parse_duration),
        top=min(MOST_ROWS, given.choose("top", PAGE_ROWS, parsing.count)),
        domain=given.choose("domain", None, parsing.domain),
        min_discount=given.choose("min_discount", 1, parsing.percent),
        sort=sort,
        selections=None if selections is None else [n for n, name in numbered.items() if name in selections],
        names=numbered,
        title=given.choose("title", (), _words),
        after=given.choose("after", None, lambda text: position.read(text, sort)),
    )


def whole(which: DealFilter) -> DealFilter:
    """The same from its beginning to its end, for a list that is sent as a whole."""
    return replace(which, after=None, top=parsing.MOST)


def _words(text: str) -> tuple[str, ...]:
    words = tuple(text.split())
    if len(words) > _MOST_WORDS:
        raise ValueError(f"{len(words)} words are looked for, and {_MOST_WORDS} may be")
    return words


def _read(name: str, text: str, read: Callable[[str], T]) -> T:
    if "\0" in text:
        raise Refusal(f"{name}: a character with the number 0 is in no text")
    try:
        return read(text.strip())
    except ValueError as error:
        raise Refusal(f"{name}: {error}") from None
