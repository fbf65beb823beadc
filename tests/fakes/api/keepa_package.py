"""The client everybody uses, to judge what ours reads: both read the same bodies of a simulator, or of a recording."""

from __future__ import annotations

from unittest import mock

import requests
from keepa import keepa_sync
from keepa.models import backend

from tasks.keepa.decode.replies import decode_deals, decode_products

KEEPA = "https://api.keepa.com"
PATIENCE_S = 120.0  # of the client: its own ten seconds are too few on a busy machine
QUERY = {"page": 0, "domainId": 1, "priceTypes": [1], "dateRange": 3, "sortType": 1}


class OurServer:
    """Stands in the package for `requests`: asks a server of ours; the bodies it sent are kept, the newest last."""

    def __init__(self, url):
        self.url = url
        self.bodies = []

    def get(self, url, *args, **kwargs):
        """`requests.get`, at our server."""
        reply = requests.get(url.replace(KEEPA, self.url), *args, **kwargs)  # noqa: S113 - the package brings its own
        self.bodies.append(reply.content)
        return reply

    def in_place(self):
        """While it lasts the package asks us.

        It has no setting for its server, so it finds us where it looks for `requests`: where it sends to is all that
        changes, nothing of what it makes of the reply.
        """
        return mock.patch.object(keepa_sync, "requests", self)


class Judge(OurServer):
    """What the package's client makes of the replies of a server that speaks the API."""

    def __init__(self, url):
        super().__init__(url)
        self.api = keepa_sync.Keepa("a-key-of-the-tests", timeout=PATIENCE_S, logging_level="CRITICAL")

    def ask(self, method, *args, **kwargs):
        """What the package's client makes of a reply."""
        with self.in_place():
            return getattr(self.api, method)(*args, wait=False, **kwargs)

    def token(self):
        """The state of the bucket as the package keeps it."""
        with self.in_place():
            self.api.update_status()
        return self.api.status

    def deals(self, **changes):
        """A page as the package's dictionary, as its models, and as ours."""
        theirs = self.ask("deals", QUERY | changes)
        return theirs, backend.DealResponse.model_validate(theirs), decode_deals(self.bodies[-1])

    def products(self, asins, **wishes):
        """Products as the package's dictionaries, as its models, and as ours."""
        theirs = self.ask("query", list(asins), progress_bar=False, **wishes)
        ours = decode_products(self.bodies[-1])
        assert ours.faults == []
        models = self.ask("query", list(asins), progress_bar=False, typed=True, **wishes)
        assert decode_products(self.bodies[-1]).products == ours.products  # the market stands still
        return theirs, models, ours.products
