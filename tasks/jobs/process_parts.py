"""What all keys of a worker share: its database session, its spool, the writers of replies, and what the dead left.

A reply is written by whom it was asked for, whichever key has paid for it. So the writers know the selections and the
sources of all keys.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from tasks.calls.spool import Spool
from tasks.errors import StoreError
from tasks.ingest.brake import Brake
from tasks.ingest.database_session import DatabaseSession
from tasks.ingest.recovery import LeaseRecovery, ReplyRouter, SpoolRecovery
from tasks.planning.streams import sources_of, streams_of
from tasks.store import migrate

if TYPE_CHECKING:
    from tasks.runtime.job import JobContext

_MB: Final = 1 << 20


class ProcessParts:
    """The parts of one process, wired."""

    def __init__(self, context: JobContext) -> None:
        """Put the parts together; nothing is opened yet but the spool's directory.

        Raises:
            ConfigError: a selection is not usable.
        """
        settings = context.settings
        self._context = context
        self._is_started = False
        self.session = session = DatabaseSession(context)
        limit_bytes = settings.spool_limit_mb * _MB
        self.spool = Spool(Path(settings.spool_dir), limit_bytes=limit_bytes, host=settings.host_id)
        self.brake = Brake(context, session)
        asked = streams_of(settings), sources_of(settings.sources)
        self.replies = ReplyRouter(context, session, asked, self.brake)
        self._spool_recovery = SpoolRecovery(context, self.spool, self.replies, session)
        self._lease_recovery = LeaseRecovery(context, session, self.spool)

    def start(self) -> None:
        """Check the schema and process what dead workers left, unless that was done before.

        Raises:
            StoreError: the database is unavailable, or its schema is another build's.
        """
        if self._is_started:
            return
        self.session.run(migrate.check)
        while not self._context.stop.is_set() and self.recover():
            pass
        self._is_started = True

    def recover(self) -> bool:
        """Whether a reply that a dead worker left was processed; without one, the items it held go back to the queue.

        Raises:
            StoreError: the database does not take it.
        """
        self.brake.update_conditions()
        if self._spool_recovery.step():
            return True
        self._lease_recovery.step()
        return False

    def close(self) -> None:
        """Write what is noted if the database is there, and let go of the connection."""
        self.spool.close()
        try:
            self.session.flush()
        except StoreError as error:
            self._context.log.warning("records_lost", error=error)
        self.session.close()
