"""Parts of titles by which an index finds the titles that may hold a word. Pure.

A title that holds a word holds each three characters of it that follow one another. So the parts of a word are among
those of every title with it, and few other titles have all of them; those are left out when the titles are read. The
database decides about upper and lower case by its own rules, so the parts tell less apart than any of them.

The parts are stored: another way to make them is another column.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LENGTH: Final = 3
_SHORT: Final = 2  # a word of Chinese or Japanese has often no more
_HASHES: Final = 2**16
_SMALLEST: Final = -(2**15)
# With a Turkish collation, I without a dot is one letter with the small i without one, and so are those with a dot; of
# the capital one with a dot, `casefold` makes an i and a dot above.
_ALIKE: Final = str.maketrans({"\N{LATIN SMALL LETTER DOTLESS I}": "i", "\N{COMBINING DOT ABOVE}": None})


def of_title(title: str | None) -> list[int]:
    """The parts of the title, each once, as numbers of 16 bits."""
    folded = _folded(title or "")
    return sorted({_number(part) for part in (*_parts(folded, _LENGTH), *filter(_is_foreign, _parts(folded, _SHORT)))})


def of_words(words: Iterable[str]) -> list[int]:
    """Parts that every title has which holds all the words; none when each word is too short to have any."""
    found: set[int] = set()
    for word in words:
        folded = _folded(word)
        length = _SHORT if len(folded) == _SHORT and _is_foreign(folded) else _LENGTH
        found.update(map(_number, _parts(folded, length)))
    return sorted(found)


def _folded(text: str) -> str:
    return text.casefold().translate(_ALIKE)


def _parts(folded: str, length: int) -> Iterator[str]:
    return (folded[at : at + length] for at in range(len(folded) - length + 1))


def _is_foreign(part: str) -> bool:
    return not any(map(str.isascii, part))


def _number(part: str) -> int:
    return crc32(part.encode("utf-8", "surrogatepass")) % _HASHES + _SMALLEST
