"""A market and a small plan in virtual time, for jobs that run in the test's own process: hours in seconds."""

from __future__ import annotations

import io
import json

import pytest

from ledger import ManualClock, TokenLedger
from tasks.keepa.client import KeepaClient, check
from tasks.keepa.decode.body import decode_deals
from tasks.keepa.prices import minute_of_ms
from tasks.keepa.request import DealRequest
from tasks.keepa.selection.selection import for_domains
from tasks.runtime import job
from tasks.runtime.heartbeat import Beat
from tasks.runtime.log import Logger
from tasks.runtime.stop import Stop
from tasks.settings import Secret, SelectionSettings, WorkerSettings
from tasks.simulator.config import SimulatorConfig
from tasks.simulator.server import SimulatorServer
from tasks.store.connection import connect
from tests.fixtures_jobs import QUERY

NS = 10**9
TICK_S = 60.0
START_MS = 1_757_873_538_842
START_MIN = minute_of_ms(START_MS)
WIDE = QUERY | {"isFilterEnabled": False, "isRangeEnabled": False, "dateRange": 0}


class Town:
    """A market, a small plan, and the job in this process, all on one clock that moves only while the job rests."""

    def __init__(self, folder, database_url, query, **market):
        self.clock = ManualClock(10**15)
        given = {"rate": 5, "tick_s": TICK_S, "deals": 500, "clock": self.clock, "start_unix_ms": START_MS}
        self.simulator = SimulatorServer(SimulatorConfig(**given | market))
        self.oracle = SimulatorServer(SimulatorConfig(**given | market | {"rate": 10**6, "start_balance": 10**6}))
        self.simulator.start()
        self.oracle.start()
        self.ledger = TokenLedger.create(folder / "ledger", clock=self.clock, tick_period_s=TICK_S)
        self.folder, self.database_url, self.query = folder, database_url, query
        self.stop = Stop()
        self.text = io.StringIO()
        self.beats = []
        self.jobs = []

    def job(self, role="upsert", *, worker="", **changes):
        given = {
            "api_key": Secret("any-key"),
            "base_url": self.simulator.url,
            "database_url": Secret(self.database_url),
            "ledger_path": str(self.folder / "ledger"),
            "spool_dir": str(self.folder / "spool"),
            "selections": (SelectionSettings(name="default", query=self.query),),
            "domains": (1,),
        }
        settings = WorkerSettings(**given | changes)
        beat = Beat(self.beats.append, self.clock)
        made = job.build(
            role, settings, self.ledger, self.clock, self.stop, Logger(self.text), beat, blocking=False, worker=worker
        )
        self.jobs.append(made)
        return made

    def run(self, work, seconds, *, after=lambda _outcome: None):
        """Steps until so much time has passed on the clock."""
        ends_ns = self.clock.now_ns() + round(seconds * NS)
        while self.clock.now_ns() < ends_ns:
            outcome = work.step()
            after(outcome)
            if isinstance(outcome, job.Idle):
                at_ns = self.clock.now_ns() + NS if outcome.until_ns is None else outcome.until_ns
                self.clock.advance_to_ns(min(at_ns, ends_ns))

    def market(self, query=None, domain=1):
        """Every deal that the server shows for the selection now, by ASIN."""
        (selection,) = for_domains(query or self.query, name="oracle", domains=(domain,))
        found = {}
        with KeepaClient(Secret("other"), self.oracle.url) as client:
            for page in range(100):
                reply = client.send(DealRequest(selection.for_upsert(), page))
                check(reply)
                deals = decode_deals(reply.body).deals
                found |= {deal.asin: deal for deal in deals}
                if len(deals) < 150:
                    return found
        return found

    def minute(self):
        return minute_of_ms(self.simulator.control()["log"][-1]["at_ms"])

    def events(self, name):
        lines = [json.loads(line) for line in self.text.getvalue().splitlines()]
        return [line for line in lines if line["event"] == name]

    def connected(self):
        """A connection to the database, outside a transaction."""
        return connect(self.database_url, application_name="test", autocommit=True)

    def rows(self, statement):
        with connect(self.database_url, application_name="test", autocommit=True) as conn:
            return conn.execute(statement).fetchall()

    def execute(self, statement):
        with connect(self.database_url, application_name="test", autocommit=True) as conn:
            conn.execute(statement)

    def close(self):
        for made in self.jobs:
            made.close()
        self.stop.close()
        self.ledger.close()
        self.simulator.stop()
        self.oracle.stop()


@pytest.fixture
def town(tmp_path, database_url):
    opened = []

    def make(query=QUERY, **market):
        opened.append(Town(tmp_path, database_url, query, **market))
        return opened[-1]

    yield make
    for one in opened:
        one.close()
