"""Counts the rows and the queue for `status`, and gives each stream (a selection in a locale) its name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec.structs import replace

from supervisor.count_record import QUEUE, CountRecord, ListRecord, MarkRecord, SourceRecord
from supervisor.database.backend import APPLICATION
from tasks.errors import DatabaseTransient, Error
from tasks.keepa.prices import KEEPA_EPOCH_MIN
from tasks.keepa.selection import selection
from tasks.planning import streams

if TYPE_CHECKING:
    from supervisor.config.settings import Settings
    from tasks.planning.streams import WantedStreams
    from tasks.secret import Secret
    from tasks.store.connection import Connection
    from tasks.store.crawls import Watermark
    from tasks.store.queue.counts import LowestLease
    from tasks.store.source_reads import SourceRead
    from tasks.store.watch.lists import WatchList

_SHOWN: Final = 8  # characters of a selection's key, where two selections have one name
_SILENT_TIMES: Final = 2.0  # so many times as long as a statement may take; then the server itself is not there
# For one transaction alone: a connection may be shared by a pooler.
_PATIENCE: Final = "SELECT set_config('statement_timeout', %s, true)"


def count_record(counts: Counts, settings: Settings, before: CountRecord | None) -> CountRecord:
    """The counts as the report has them; watermarks of selections that are no longer chosen are left out.

    A walk that has begun hides when the last one was complete: that is taken from what was counted `before`.
    """
    names = _names(settings)
    walked = {} if before is None else {mark.stream: mark.walked_at for mark in before.watermarks}
    marks = []
    for mark in counts.marks:
        stream = names.get((mark.selection_key, mark.domain))
        if stream is not None:
            at = datetime.fromtimestamp((mark.minute + KEEPA_EPOCH_MIN) * 60, UTC)
            walked_at = walked.get(stream) if mark.walked_at is None else _text(mark.walked_at)
            marks.append(MarkRecord(stream=stream, at=_text(at), walked_at=walked_at))
    return CountRecord(
        at=_text(datetime.now(UTC)),
        rows=counts.rows,
        queue=counts.queue,
        watermarks=tuple(marks),
        estimates=counts.estimates,
        lists=_lists(counts.lists, settings),
        sources=_sources(counts.reads, settings, before),
    )


def _lists(found: tuple[WatchList, ...], settings: Settings) -> tuple[ListRecord, ...]:
    """Those of the lists that the settings name."""
    keys = {watch.key for watch in settings.loaded_lists}
    return tuple(
        ListRecord(
            stream=f"{one.name}/{one.domain}",
            detail=one.detail,
            refresh_s=one.refresh_s,
            products=one.products,
            fetched=one.fetched,
            overdue=one.overdue,
            oldest_at=None if one.oldest_at is None else _text(one.oldest_at),
            reason=one.reason,
            since=None if one.since is None else _text(one.since),
        )
        for one in found
        if one.list_key in keys
    )


def _sources(found: tuple[SourceRead, ...], settings: Settings, before: CountRecord | None) -> tuple[SourceRecord, ...]:
    """The sources that the settings name; of one that is being read, when it was read last is known from `before`."""
    reads = {(one.source_key, one.domain): one for one in found}
    known = {} if before is None else {one.stream: one for one in before.sources}
    records = []
    for one in streams.sources_of(settings.loaded_sources):
        read = reads.get((one.key, one.domain))
        name = f"{one.name}/{one.domain}"
        record = SourceRecord(stream=name, kind=one.kind, refresh_s=one.refresh_s)
        last = known.get(name)
        if read is not None and read.read_at is not None:
            next_at = read.read_at + timedelta(seconds=one.refresh_s)
            is_due = next_at <= datetime.now(UTC)
            record = replace(
                record,
                products=read.products,
                read_at=_text(read.read_at),
                next_at=None if is_due else _text(next_at),
            )
        elif last is not None:
            record = replace(record, products=last.products, read_at=last.read_at)
        if read is not None and read.reason is not None and read.since is not None:
            record = replace(record, reason=read.reason, since=_text(read.since))
        records.append(record)
    return tuple(records)


def wanted_streams(settings: Settings) -> WantedStreams | None:
    """What of the queue these settings ask for."""
    found = streams.streams(settings.loaded_selections, settings.keepa_domains)
    keys = [one.key for one in streams.sources_of(settings.loaded_sources)]
    keys += [watch.key for watch in settings.loaded_lists]
    return streams.wanted_streams(found, keys)


def _names(settings: Settings) -> dict[tuple[str, int], str]:
    """Every stream's name, each once, by the key and the locale its walks are stored under."""
    names: dict[tuple[str, int], str] = {}
    for given in settings.loaded_selections:
        for one in selection.for_domains(given.query, name=given.name, domains=settings.keepa_domains):
            name = f"{one.name}/{one.domain}"
            names[one.key, one.domain] = f"{name}/{one.key[:_SHOWN]}" if name in names.values() else name
    return names


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds")


class Counts(NamedTuple):
    """Rows by table, the queue's items by state, watermarks, which figures are estimates, lists, reads of sources."""

    rows: dict[str, int]
    queue: dict[str, int]
    marks: tuple[Watermark, ...] = ()
    estimates: tuple[str, ...] = ()
    lists: tuple[WatchList, ...] = ()
    reads: tuple[SourceRead, ...] = ()


class RowReader:
    """Counts rows over a connection that is kept, and made anew after an error."""

    def __init__(self, url: Secret, *, patience_s: float = 2.0, connect_s: int | None = None) -> None:
        """Wait for an answer for `patience_s` seconds, and for a connection for `connect_s` or else the default."""
        self._url = url
        self._patience_s = patience_s  # a table may be locked for as long as somebody likes
        self._connect_s = connect_s
        self._conn: Connection | None = None
        self._lease: LowestLease | None = None

    def read(self, chosen: WantedStreams | None = None) -> Counts:
        """The counts of now; of the queue, what `chosen` does not ask for is counted by itself.

        Raises:
            StoreError: the database does not answer in time, or has no schema yet.
        """
        from psycopg.errors import QueryCanceled

        from tasks.store import crawls, row_counts, source_reads
        from tasks.store.connection import connect
        from tasks.store.queue.counts import LowestLease, queue_counts
        from tasks.store.sqlstate import translate
        from tasks.store.watch import lists

        if self._conn is None or self._conn.closed:
            self._conn = connect(
                self._url.reveal(), application_name=APPLICATION, autocommit=True, wait_s=self._connect_s
            )
            self._conn.on_wait = self._end_wait
            self._lease = LowestLease()
        try:
            with translate(), self._conn.transaction():
                self._conn.execute(_PATIENCE, (f"{round(self._patience_s * 1000)}ms",))
                rows, queue = row_counts.counts(self._conn), queue_counts(self._conn, chosen, lease=self._lease)
                return Counts(
                    rows.by_table(),
                    queue.by_state(),
                    crawls.all_watermarks(self._conn),
                    rows.estimates + ((QUEUE,) if queue.is_estimate else ()),
                    tuple(lists.all_lists(self._conn)),
                    source_reads.all_reads(self._conn),
                )
        except Error as error:
            self.close()
            if isinstance(error.__cause__, QueryCanceled):
                raise DatabaseTransient(self._late()) from error
            raise

    def close(self) -> None:
        """Close the connection."""
        if self._conn is not None:
            self._conn.close()
            self._conn = None

    def _end_wait(self, seconds: float) -> None:
        """End a wait that the server itself does not end, because it is frozen or cannot be reached."""
        if seconds > _SILENT_TIMES * self._patience_s:
            raise DatabaseTransient(self._late())

    def _late(self) -> str:
        return f"the database did not answer within {self._patience_s:g} s"
