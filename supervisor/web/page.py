"""What a page is: its address, its template and a function that gives the data; and what that function is given.

A page is a module in `supervisor.web.pages` with one or several of these, listed in `supervisor.web.pages.PAGES`:

    PAGE = Page(path="/deals", title="Deals", template="deals.html", data=..., listing=...)

`data` gets a `Visit` and gives what the template shows. `listing` gives the rows of the same filters, and so there are
`/deals.json` and `/deals.csv`. Both are plain functions that may block: they are called in a thread. What cannot be
shown is raised as a `Refusal`, or as an error of `tasks.errors`, and becomes a page that says what to do.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from supervisor.config.web_settings import WebSettings
    from supervisor.control.protocol import Answer, Order
    from supervisor.web.database import Database
    from supervisor.web.run_reader import RunReader


class Refusal(Exception):
    """A request that is not answered as asked; the message is a sentence that says why and what to do."""

    status = HTTPStatus.BAD_REQUEST


class NotHere(Refusal):
    """There is no such thing."""

    status = HTTPStatus.NOT_FOUND


class Changed(Refusal):
    """What the form showed is not so any more: nothing was done."""

    status = HTTPStatus.CONFLICT


class Visit(NamedTuple):
    """One request for a page.

    Attributes:
        query: the parameters of the address; of one that is given twice the last.
        lists: the same with every value, for parameters that may be given several times.
        path: the parts of the path that the page's `path` names in braces.
        form: the fields of a POST; of one that is given twice the last.
        session: the name of the visitor's session, for the record of orders.
        deliver: gives an order to the running supervisor, and waits a moment for its answer: what takes longer goes on,
            and Events says what came of it.
    """

    run: RunReader
    database: Database
    settings: WebSettings
    now: datetime
    query: Mapping[str, str]
    lists: Mapping[str, Sequence[str]]
    path: Mapping[str, str]
    form: Mapping[str, str]
    session: str
    deliver: Callable[[Order], Answer]


class Listing(NamedTuple):
    """The rows of a list, for `.json` and `.csv`.

    Attributes:
        name: what the list is called in the JSON.
        columns: the names of the columns.
        rows: the rows, which are asked for one by one while they are sent; a generator is closed at the end.
        inner: the names within the last column, whose cells are then mappings, for CSV has a column for each.
    """

    name: str
    columns: Sequence[str]
    rows: Iterable[Sequence[object]]
    inner: Sequence[str] = ()


class Moved(NamedTuple):
    """Where a browser goes after a POST."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page.

    Attributes:
        path: its address, with parts in braces where they vary: `/product/{domain}/{asin}`.
        title: its name, in the navigation and as the title of the window.
        template: the name of its template.
        data: gives what the template shows.
        listing: gives its rows; None when the page is no list.
        actions: what is done by a POST to the path of each, such as `/quarantine/retry`.
        in_navigation: whether the navigation has a link to it.
    """

    path: str
    title: str
    template: str
    data: Callable[[Visit], Mapping[str, Any]]
    listing: Callable[[Visit], Listing] | None = None
    actions: Mapping[str, Callable[[Visit], Moved]] = field(default_factory=dict)
    in_navigation: bool = True
