"""Where a visitor goes back to when a request is refused: the page that the request came from, as it is now. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from supervisor.web.page import Page

_OF_THE_ORDER: Final = frozenset({"seen", "value", "refetch"})  # what was filled in or seen, and is not so any more


class WayBack(NamedTuple):
    """A link.

    Attributes:
        title: of the page.
        address: its path, with what of the form says what it is about.
    """

    title: str
    address: str


def way_back(page: Page, path: Mapping[str, str], form: Mapping[str, str], refused: str) -> WayBack | None:
    """The page that was asked for, without its filters, or that had the form; None when that would be refused again.

    Args:
        page: the page that the request was for.
        path: the parts of its path.
        form: the fields that were sent, if any were.
        refused: the address that was refused, for nobody is sent there again.
    """
    address = page.path.format(**{name: quote(text, safe="") for name, text in path.items()})
    about = [(name, text) for name, text in form.items() if name not in _OF_THE_ORDER and text]
    address += f"?{urlencode(about)}" if about else ""
    return None if address == refused else WayBack(page.title, address)
