"""The parameters of an address, read one by one, and addresses that differ in some of them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar
from urllib.parse import urlencode

from supervisor.web.page import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

T = TypeVar("T")
Word = TypeVar("Word", bound=str)


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


def _read(name: str, text: str, read: Callable[[str], T]) -> T:
    if "\0" in text:
        raise Refusal(f"{name}: a character with the number 0 is in no text")
    try:
        return read(text.strip())
    except ValueError as error:
        raise Refusal(f"{name}: {error}") from None
