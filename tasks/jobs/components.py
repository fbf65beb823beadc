"""Builds what both jobs work with: the client of one key, the way to the API, listing; and what all keys share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.calls.metered_client import MeteredClient
from tasks.jobs.listing import Listing
from tasks.jobs.process_parts import ProcessParts
from tasks.keepa.client import KeepaClient
from tasks.planning.streams import sources_of, streams_of

if TYPE_CHECKING:
    from tasks.runtime.job import JobContext


class JobComponents:
    """The parts of one job, wired."""

    def __init__(self, context: JobContext, parts: ProcessParts | None = None) -> None:
        """Put the parts together; nothing is opened yet but the spool's directory.

        `parts` are those of the process, where jobs of several keys share them; whoever made them closes them.

        Raises:
            ConfigError: a selection, the key or the base URL is not usable.
        """
        settings = context.settings
        self._is_started = False
        self._is_sole = parts is None
        self._parts = parts = ProcessParts(context) if parts is None else parts
        self.streams = streams_of(settings)
        self.sources = sources_of(settings.sources)
        self.session, self.spool, self.replies = parts.session, parts.spool, parts.replies
        self._client = KeepaClient(
            settings.api_key,
            settings.base_url,
            connect_timeout_s=settings.connect_timeout_s,
            read_timeout_s=settings.read_timeout_s,
            max_body_mb=settings.max_body_mb,
            is_stopped=context.stop.is_set,
            clock=context.clock,
        )
        self.metered_client = MeteredClient(
            context, self._client, parts.spool, parts.session.record_call, parts.brake.rest
        )
        self.listing = Listing(context, parts.session, parts.spool, self.metered_client, parts.replies.pages)

    def start(self) -> bool:
        """Check the schema and process what dead workers left; False when that was done before.

        Raises:
            StoreError: the database is unavailable, or its schema is another build's.
        """
        if self._is_started:
            return False
        self._parts.start()
        self._is_started = True
        return True

    def recover(self) -> bool:
        """Whether a reply that a dead worker left was processed; without one, the items it held go back to the queue.

        Raises:
            StoreError: the database does not take it.
        """
        self.metered_client.update_conditions()
        return self._parts.recover()

    def close(self) -> None:
        """Let go of places and connections, and of the parts of the process unless other keys share them."""
        self.metered_client.close()
        if self._is_sole:
            self._parts.close()
        self._client.close()
