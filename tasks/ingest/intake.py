"""Where replies go by what was asked: live ones by whoever waits for them, replayed ones by their header."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.ingest.deal_page import Pages
from tasks.ingest.product_batch import Batches
from tasks.ingest.unreadable import set_aside

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tasks.calls.header import Header
    from tasks.ingest.brake import Brake
    from tasks.ingest.session import Session
    from tasks.planning.streams import Target
    from tasks.runtime.job import Site


class Intake:
    """Both kinds of replies."""

    def __init__(self, site: Site, session: Session, targets: Iterable[Target], brake: Brake) -> None:
        self._site = site
        self._session = session
        self.pages = Pages(site, session, {(target.key, target.domain): target for target in targets}, brake)
        self.batches = Batches(site, session, brake)

    def take(self, header: Header, body: bytes) -> None:
        """Write what the reply holds.

        Raises:
            StoreError: the database does not take it.
        """
        if header.endpoint == "/deal":
            self.pages.take(header, body)
        elif header.endpoint == "/product":
            self.batches.take(header, body)
        else:
            set_aside(self._site, self._session, header, body, f"nobody takes replies of {header.endpoint}")
