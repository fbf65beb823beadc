"""Takes over the lists of products that are kept fresh: files when their content is new, tables every few minutes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ledger import NS_PER_S
from tasks.keepa import asin_list
from tasks.keepa.locales import shop
from tasks.store.watch import lists, tables

if TYPE_CHECKING:
    from tasks.ingest.database_session import DatabaseSession
    from tasks.runtime.job import JobContext
    from tasks.settings import WatchListSettings
    from tasks.store.connection import Connection

LOOK_NS: Final = 300 * NS_PER_S  # between two looks at tables, and at files that could not be read
_NAMED: Final = 3  # faulty values of a table that a message names


class WatchLists:
    """The lists of one worker."""

    def __init__(self, context: JobContext, session: DatabaseSession) -> None:
        self._context = context
        self._session = session
        self._look_ns = 0
        self._refused: dict[str, str] = {}
        self.lists = context.settings.watch_lists

    def update(self) -> bool:
        """Take over what is new; whether it was looked for, which it is every few minutes.

        A list that cannot be read is told, with its reason, until it can; the others go on, and so does what was taken
        over of it before.

        Raises:
            StoreError: the database does not answer.
        """
        now_ns = self._context.clock.now_ns()
        if now_ns < self._look_ns:
            return False
        self._look_ns = now_ns + LOOK_NS
        for watch in self.lists:
            problem = self._take_over(watch)
            if problem is None:
                self._refused.pop(watch.key, None)
                continue
            if self._refused.get(watch.key) != problem:
                words = f"the list {label(watch)} cannot be read: {problem}"
                self._context.log.error("list_refused", message=words, list=label(watch))
            self._refused[watch.key] = problem
        if self._refused:
            self._context.beat.degraded("lists", "; ".join(sorted(set(self._refused.values()))))
        else:
            self._context.beat.condition_over("lists")
        return True

    def _take_over(self, watch: WatchListSettings) -> str | None:
        """Why the list cannot be read; None when it could be, or its content is known."""
        if watch.table:
            return self._session.run(lambda connection: self._from_table(connection, watch))
        if self._session.run(lambda connection: lists.is_current(connection, watch, watch.digest)):
            return None
        asins, problem = _from_file(watch)

        def work(connection: Connection) -> int:
            if problem is None:
                return lists.take_over(connection, watch, watch.digest, asins)
            lists.refuse(connection, watch, problem)
            return 0

        changed = self._session.run(work)
        if problem is None:
            self._log(watch, len(asins), changed)
        return problem

    def _from_table(self, connection: Connection, watch: WatchListSettings) -> str | None:
        problem = tables.problem(connection, watch.table)
        asins: list[str] = []
        if problem is None:
            found = tables.read(connection, watch.table, watch.domain, most=asin_list.MOST + 1)
            asins, problem = _checked(found, watch.table)
        if problem is not None:
            lists.refuse(connection, watch, problem)
            return problem
        digest = hashlib.blake2b("\n".join(asins).encode(), digest_size=16).hexdigest()
        if not lists.is_current(connection, watch, digest):
            self._log(watch, len(asins), lists.take_over(connection, watch, digest, asins))
        return None

    def _log(self, watch: WatchListSettings, products: int, changed: int) -> None:
        words = f"the list {label(watch)} has {products:,} products, {changed:,} of them new or removed"
        self._context.log.info("list_taken_over", message=words, list=label(watch), products=products, changed=changed)


def label(watch: WatchListSettings) -> str:
    """What people call the list: its name and the shop."""
    return f"{watch.name}, {shop(watch.domain)}"


def _from_file(watch: WatchListSettings) -> tuple[list[str], str | None]:
    """The products of the file, or why they cannot be had."""
    path = Path(watch.path)
    try:
        data = path.read_bytes()
    except OSError as error:
        return [], f"{path} cannot be read: {error.strerror or error}; put it back, or take it out of WATCH"
    if hashlib.blake2b(data, digest_size=16).hexdigest() != watch.digest:
        return [], f"{path} has changed since it was checked: `sluicegate reload` checks it and takes it over"
    return asin_list.parse(data, is_csv=path.suffix.lower() == ".csv").asins, None


def _checked(found: list[str], table: str) -> tuple[list[str], str | None]:
    """The products of a table, or what is wrong with them."""
    if len(found) > asin_list.MOST:
        return [], f"the table {table} has more than {asin_list.MOST:,} products; split it or shorten it"
    asins: dict[str, None] = {}
    faulty: list[str] = []
    for text in found:
        try:
            asins[asin_list.asin_of(text)] = None
        except ValueError:
            faulty.append(text)
    if not faulty:
        return list(asins), None
    named = ", ".join(repr(text[:20]) for text in faulty[:_NAMED])
    more = f" and {len(faulty) - _NAMED:,} more" if len(faulty) > _NAMED else ""
    return [], f"the column asin of {table} has what is no ASIN: {named}{more}; correct or delete these rows"
