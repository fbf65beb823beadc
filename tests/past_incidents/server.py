"""The simulator without its sockets, in virtual time: one request in, one reply out."""

from __future__ import annotations

import json
import threading

from ledger import ManualClock
from tasks.simulator.clock import ServerClock
from tasks.simulator.config import SimulatorConfig
from tasks.simulator.service import Request, Service

START_MS = 1_757_873_538_842
SELECTION = {"domainId": 1, "priceTypes": [1], "dateRange": 1}


class Server:
    """A market and an account whose clock moves when told."""

    def __init__(self, *, tick_s=60.0, **settings):
        self.clock = ManualClock(10**15)
        config = SimulatorConfig(**{"deals": 500, "tick_s": tick_s, "phase_s": tick_s} | settings)
        self._service = Service(config, ServerClock(self.clock, START_MS), threading.Event())

    @property
    def balance(self):
        return self._service.account.report()["bucket"]["balance"]

    @balance.setter
    def balance(self, tokens):
        self._service.account.change(balance=tokens)

    def ask(self, path, **params):
        """The body, with the status beside what it says."""
        reply = self._service.answer(Request("GET", path, {"key": "k", **params}))
        return {**json.loads(reply.body), "status": reply.status}

    def page(self, number=0, **selection):
        """The rows of one page of deals."""
        wanted = SELECTION | selection | {"page": number}
        return self.ask("/deal", selection=json.dumps(wanted))["deals"]["dr"]

    def listing(self, **selection):
        """The rows of all pages, in their order."""
        rows, number = [], 0
        while more := self.page(number, **selection):
            rows += more
            number += 1
        return rows
