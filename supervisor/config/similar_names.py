"""Finds names that are not settings but look like one: a mistyped name would go unnoticed. Pure."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Final

from supervisor.config.options import BY_NAME

if TYPE_CHECKING:
    from collections.abc import Iterable

_ALIKE: Final = 0.75  # in our own file: two or three letters of a name as long as ours differ
_VERY_ALIKE: Final = 0.9  # in the environment, where other programs have names: STATE_DIRECTORY is systemd's
_OURS: Final = ("KEEPA_",)  # nobody else's
_SHORT: Final = 5  # characters
# A slip in these leads a run to another database, key, server or folder; in any other it changes how the run works, and
# is as often the name that another program has for the like: LOGLEVEL, WEB_HOST.
_GUARDED: Final = ("DATABASE_URL", "KEEPA_API_KEY", "KEEPA_BASE_URL", "KEYS", "STATE_DIR")
_OF_OTHERS: Final = frozenset({"STATEDIR", "STATS_DIR"})  # widely used for something else
_POSTGRES: Final = "postgres"  # how an address of a database that may be meant begins
_LONGEST: Final = 40  # characters of a name that is shown: one that is longer may be a value out of its place


def in_file(names: Iterable[str]) -> list[str]:
    """A sentence for each of `names` in `.env` that is not a setting."""
    return [_sentence(".env", name, near(name, _ALIKE)) for name in sorted(set(names) - set(BY_NAME))]


def misspelt(name: str, text: str) -> str | None:
    """The setting that `name` is but for its case or one letter, where a run without it would go elsewhere.

    Of a name as short as KEYS one letter makes another word, so there only the case may differ. `text` is the value:
    an address of a database of another kind is another program's.
    """
    folded = _folded(name)
    if name in BY_NAME or folded in _OF_OTHERS or (name.islower() and "_" not in folded):
        return None
    near_ones = (one for one in _GUARDED if folded == one or (len(one) > _SHORT and _is_one_edit(folded, one)))
    meant = None if folded in BY_NAME and folded not in _GUARDED else next(near_ones, None)
    return None if meant == "DATABASE_URL" and _is_other_database(folded, text.strip().lower()) else meant


def fault(name: str, meant: str) -> str:
    """The sentence for such a name in `.env`."""
    return (
        f".env: there is no setting {printable_name(name)}; did you mean {meant}? Correct the name; if the line is "
        f"another program's, set {meant} too"
    )


def in_environment(names: Iterable[str]) -> list[str]:
    """A sentence for each of `names` in the environment that is not a setting but looks like one."""
    unknown = sorted(set(names) - set(BY_NAME))
    similar = [(name, near(name, _VERY_ALIKE)) for name in unknown]
    return [_sentence("the environment", name, like) for name, like in similar if like or name.startswith(_OURS)]


def near(name: str, alike: float = _ALIKE) -> str | None:
    """The setting that `name` is most like, if it is like one."""
    found = difflib.get_close_matches(_folded(name), BY_NAME, n=1, cutoff=alike)
    return found[0] if found else None


def printable_name(name: str) -> str:
    """The name, or words in its place when it is too long for one."""
    is_name = len(name) <= _LONGEST and name.isascii() and name.isprintable()
    return name if is_name else "something too long or too odd for a name"


def _sentence(where: str, name: str, like: str | None) -> str:
    meant = "" if like is None else f"; is {like} meant?"
    return f"{where} sets {printable_name(name)}, which is not a setting{meant}"


def _is_other_database(folded: str, text: str) -> bool:
    """Whether the value is no address of a PostgreSQL database; DATABASE_URI is usual, so there it must be one."""
    return not text.startswith(_POSTGRES) and ("://" in text or folded == "DATABASE_URI")


def _folded(name: str) -> str:
    return name.upper().replace("-", "_")


def _is_one_edit(text: str, other: str) -> bool:
    """Whether one letter more, less or another, or two that changed places, make the one out of the other."""
    if abs(len(text) - len(other)) > 1:
        return False
    start = next((at for at, (a, b) in enumerate(zip(text, other, strict=False)) if a != b), min(len(text), len(other)))
    rest, its = text[start:], other[start:]
    swapped = rest[1:2] + rest[:1] + rest[2:]
    return rest[1:] == its[1:] or rest[1:] == its or rest == its[1:] or swapped == its
