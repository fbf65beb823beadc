"""Pages that were paid for within the last hour: whoever asks for one of them again has it for nothing.

They are no worker's to write, so they lie beside the replies of workers, for each account in a folder of its own.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from tasks.calls.spool import Damaged, Spool, SpoolEntry, SpoolFull
from tasks.errors import plain

if TYPE_CHECKING:
    from pathlib import Path

    from supervisor.config.run_plan import RunPlan
    from tasks.calls.spool_header import Header, Origin
    from tasks.keepa.reply import RawReply

_FOLDER: Final = "previews"
_MB: Final = 1 << 20
_GOOD_FOR: Final = timedelta(hours=1)  # what a page tells is of the moment


class Found(NamedTuple):
    """A page that somebody has paid for; `is_recorded`: the call is in the record of calls."""

    header: Header
    body: bytes
    entry: SpoolEntry
    is_recorded: bool


class PaidPages:
    """The pages of one account, on disk from their arrival until they are an hour old."""

    def __init__(self, plan: RunPlan) -> None:
        folder = plan.state.root / _FOLDER / plan.account("")
        self._spool = Spool(folder, limit_bytes=plan.settings.spool_limit_mb * _MB)
        self._held: list[SpoolEntry] = []

    def require_room(self) -> None:
        """Return if a page may be paid for.

        Raises:
            SpoolFull: the disk refuses to keep it.
        """
        self._spool.require_room()

    def find(self, origin: Origin) -> Found | None:
        """The newest page of that origin which a process left that has ended; what is too old is deleted.

        Raises:
            SpoolFull: the folder cannot be read.
        """
        newest: Found | None = None
        for path in list(self._spool.orphans()):
            found = self._look(path, origin)
            if found is not None and (newest is None or found.header.received_at > newest.header.received_at):
                newest = found
        return newest

    def keep(self, header: Header, reply: RawReply) -> SpoolEntry | None:
        """Keep a page that has come just now; None where the disk does not take it, which is told."""
        try:
            entry = self._spool.put(header, reply.body, reply.packed)
        except OSError as error:
            sys.stderr.write(f"sluicegate: the page could not be kept on disk: {plain(error)}\n")
            return None
        self._held.append(entry)
        return entry

    def close(self) -> None:
        """Leave the pages to the next one, as those whose calls are in the record."""
        for entry in self._held:
            with suppress(SpoolFull):  # then it is as if this process had been killed
                self._spool.claim(entry.path)
        self._spool.close()

    def _look(self, path: Path, origin: Origin) -> Found | None:
        """The page at `path`, if it is of that origin and new enough; None too when another is taking it."""
        try:
            header, body = SpoolEntry(path, 0).read()
        except Damaged:
            _delete(path)
            return None
        except SpoolFull:
            return None
        if datetime.now(UTC) - header.received_at > _GOOD_FOR:
            _delete(path)
            return None
        entry = self._spool.claim(path) if header.origin == origin else None
        if entry is None:
            return None
        self._held.append(entry)
        return Found(header, body, entry, is_recorded=entry.attempts > 1)


def _delete(path: Path) -> None:
    with suppress(OSError):  # the next one finds it again
        path.unlink(missing_ok=True)
