"""One page of a walk: asked for by the worker whose turn it is, written down, the walk moved. Both jobs list alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ledger import NS_PER_S
from tasks import progress, turn
from tasks.errors import Refused
from tasks.job import Idle
from tasks.paging import PageWant, turn_of
from tasks.store import quarantine

if TYPE_CHECKING:
    from tasks.job import Site
    from tasks.pages import Pages, PageTaken
    from tasks.session import Session
    from tasks.spend import Spender
    from tasks.store.connection import Connection
    from tasks.store.crawls import Crawl
    from tasks.target import Target
    from tasks.want import Paid

REFUSED_NS: Final = (
    3600 * NS_PER_S
)  # what is refused or cannot be read, asked for again, would be so again: a person has to look


@dataclass(frozen=True, slots=True)
class Listed:
    """A page that was paid for and written down."""

    paid: Paid
    taken: PageTaken


@dataclass(frozen=True, slots=True)
class SetAside:
    """What the server refuses, kept with its reason. `is_whole`: the selection, not one category of it."""

    is_whole: bool


class Listing:
    """Lists selections for one worker."""

    def __init__(self, site: Site, session: Session, spender: Spender, pages: Pages) -> None:
        self._site = site
        self._session = session
        self._spender = spender
        self._pages = pages

    def has_turn(self, target: Target) -> bool:
        """Whether it is this worker's turn to walk through `target`, now or already; never waits.

        Raises:
            StoreError: the database does not answer.
        """
        name = turn_of(self._site.role, target)
        return self._session.run(lambda connection: turn.take(connection, name))

    def step(self, target: Target) -> Listed | SetAside | Idle | None:
        """The page at which the walk through `target` stands; None when another worker has gone on with it.

        Raises:
            Transient: the API gave no answer for `retry_deadline_s` of trying.
            Forbidden: the server does not serve this key.
            StoreError: the database does not take it.
        """
        site, role = self._site, self._site.role
        crawl = self._session.run(lambda connection: progress.begin(connection, role, target))
        site.beat.phase("polling", f"{target.label}, page {crawl.page}")
        try:
            outcome = self._spender.call(PageWant(role, self._session, target, crawl))
        except Refused as error:
            return self._set_aside(target, crawl, error)
        if isinstance(outcome, Idle):
            return None if outcome.phase == "waiting_work" else outcome
        taken = self._pages.take(outcome.header, outcome.body)
        outcome.forget()
        return Listed(outcome, taken)

    def _set_aside(self, target: Target, crawl: Crawl, error: Refused) -> SetAside:
        category = crawl.root_cat
        label = target.label if category is None else f"{target.label}, category {category}"
        self._site.log.alarm("selection_refused", selection=label, error=error)
        raw = target.within(category).to_json().encode()

        def work(connection: Connection) -> None:
            quarantine.add(connection, kind="request", key=label, reason=str(error), raw=raw, domain=target.domain)
            if category is not None:
                progress.leave_category(connection, crawl)

        self._session.run(work)
        self._site.beat.wrote(quarantine=1)
        return SetAside(is_whole=category is None)
