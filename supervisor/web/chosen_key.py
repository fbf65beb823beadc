"""Which of several keys a page shows: the one that its address names, or the first. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from supervisor.web.page import NotHere

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from supervisor.status.keys import KeyView

PARAMETER: Final = "key"


def named(query: Mapping[str, str], keys: Sequence[KeyView]) -> KeyView | None:
    """The key that the address names; None when it names none.

    Raises:
        NotHere: there is no such key.
    """
    name = query.get(PARAMETER, "").strip()
    if not name:
        return None
    for one in keys:
        if one.name == name:
            return one
    known = f"there are {', '.join(one.name for one in keys)}" if keys else "this run has one key, without a name"
    raise NotHere(f"there is no key {name!r}; {known}")


def chosen(query: Mapping[str, str], keys: Sequence[KeyView]) -> KeyView | None:
    """The key to show: the one that the address names, or the first; None where there is one key alone.

    Raises:
        NotHere: there is no such key.
    """
    return named(query, keys) or next(iter(keys), None)


def address(path: str, name: str) -> str:
    """The address of the same page for the key of that name."""
    return f"{path}?{urlencode({PARAMETER: name})}"
