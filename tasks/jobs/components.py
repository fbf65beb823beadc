"""Builds what both jobs work with: database session, spool, metered client, reply router, recovery, listing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from tasks.calls.metered_client import MeteredClient
from tasks.calls.spool import Spool
from tasks.errors import StoreError
from tasks.ingest.brake import Brake
from tasks.ingest.database_session import DatabaseSession
from tasks.ingest.recovery import LeaseRecovery, ReplyRouter, SpoolRecovery
from tasks.jobs.listing import Listing
from tasks.keepa.client import KeepaClient
from tasks.planning.streams import sources_of, streams_of
from tasks.store import migrate

if TYPE_CHECKING:
    from tasks.runtime.job import JobContext

_MB: Final = 1 << 20


class JobComponents:
    """The parts of one job, wired."""

    def __init__(self, context: JobContext) -> None:
        """Put the parts together; nothing is opened yet but the spool's directory.

        Raises:
            ConfigError: a selection, the key or the base URL is not usable.
        """
        settings = context.settings
        self._context = context
        self._is_started = False
        self.streams = streams_of(settings)
        self.sources = sources_of(settings.sources)
        self.session = DatabaseSession(context)
        limit_bytes = settings.spool_limit_mb * _MB
        self.spool = spool = Spool(Path(settings.spool_dir), limit_bytes=limit_bytes, host=settings.host_id)
        self._client = KeepaClient(
            settings.api_key,
            settings.base_url,
            connect_timeout_s=settings.connect_timeout_s,
            read_timeout_s=settings.read_timeout_s,
            max_body_mb=settings.max_body_mb,
            is_stopped=context.stop.is_set,
            clock=context.clock,
        )
        self._brake = brake = Brake(context, self.session)
        self.metered_client = MeteredClient(context, self._client, spool, self.session.record_call, brake.rest)
        self.replies = ReplyRouter(context, self.session, (self.streams, self.sources), brake)
        self._spool_recovery = SpoolRecovery(context, spool, self.replies, self.session)
        self._lease_recovery = LeaseRecovery(context, self.session, spool)
        self.listing = Listing(context, self.session, spool, self.metered_client, self.replies.pages)

    def start(self) -> bool:
        """Check the schema and process what dead workers left; False when that was done before.

        Raises:
            StoreError: the database is unavailable, or its schema is another build's.
        """
        if self._is_started:
            return False
        self.session.run(migrate.check)
        while not self._context.stop.is_set() and self.recover():
            pass
        self._is_started = True
        return True

    def recover(self) -> bool:
        """Whether a reply that a dead worker left was processed; without one, the items it held go back to the queue.

        Raises:
            StoreError: the database does not take it.
        """
        self.metered_client.update_conditions()
        self._brake.update_conditions()
        if self._spool_recovery.step():
            return True
        self._lease_recovery.step()
        return False

    def close(self) -> None:
        """Write what is noted if the database is there, and let go of places and connections."""
        self.metered_client.close()
        self.spool.close()
        try:
            self.session.flush()
        except StoreError as error:
            self._context.log.warning("records_lost", error=error)
        self.session.close()
        self._client.close()
