"""Real workers for tests: a simulator as the server, a ledger file, a database, and processes held by two pipes."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import threading

import pytest

from ledger import DEFAULT_TIERS, ManualClock, TokenLedger
from tasks import settings
from tasks.keepa.selection.selection import default_selection
from tasks.runtime.heartbeat import Beat
from tasks.runtime.job import Site
from tasks.runtime.log import Logger
from tasks.settings import Secret, SelectionSettings, WorkerSettings
from tasks.simulator.config import SimulatorConfig
from tasks.simulator.server import SimulatorServer
from tasks.store.connection import connect
from tests.fakes.waiting import LIMIT_S, wait_until

KEY = "k3y-of-the-tests"
QUERY = {name: value for name, value in default_selection(1).query.items() if name != "domainId"}
WIDE = {"priceTypes": [1], "dateRange": 3, "isFilterEnabled": False, "isRangeEnabled": False, "sortType": 1}


def eventually(condition, what):
    """The first truthy value of the condition; `what` says, or gives, what was waited for."""
    return wait_until(condition, what)


@contextlib.contextmanager
def held(simulator):
    """Calls are let in, and answered when the block ends; gives a function that tells how many have come."""
    come, is_over, take_time = [], threading.Event(), simulator.service._take_time

    def wait(query):
        come.append(query)
        is_over.wait()
        take_time(query)

    simulator.service._take_time = wait
    try:
        yield lambda: len(come)
    finally:
        simulator.service._take_time = take_time
        is_over.set()


class Plant:
    """Everything around the workers, in one place."""

    def __init__(self, folder, database_url, simulator, *, tick_s):
        self.folder = folder
        self.database_url = database_url
        self.simulator = simulator
        self.ledger = TokenLedger.create(folder / "ledger", tick_period_s=tick_s)
        self.workers = []

    def settings(self, **changes):
        given = {
            "api_key": Secret(KEY),
            "base_url": self.simulator.url,
            "database_url": Secret(self.database_url),
            "ledger_path": str(self.folder / "ledger"),
            "spool_dir": str(self.folder / "spool"),
            "selections": (SelectionSettings(name="default", query=QUERY),),
            "domains": (1,),
        }
        return WorkerSettings(**given | changes)

    def worker(self, role, *flags, slot=0, **changes):
        started = Worker(role, slot, flags, self.settings(**changes))
        self.workers.append(started)
        return started

    def query(self, statement, *parameters):
        with connect(self.database_url, application_name="test", autocommit=True) as conn:
            return conn.execute(statement, parameters).fetchall()

    def value(self, statement, *parameters):
        return self.query(statement, *parameters)[0][0]

    def spooled(self):
        return list((self.folder / "spool").glob("*.reply"))

    def close(self):
        for worker in self.workers:
            worker.close()
        self.ledger.close()


class Worker:
    """One `python -m tasks.worker`, with its beats and its log read as they come."""

    def __init__(self, role, slot, flags, told, *, wrapped=()):
        status_read, status_write = os.pipe()
        lifeline_read, self.lifeline = os.pipe()
        fds = ("--status-fd", str(status_write), "--lifeline-fd", str(lifeline_read))
        self.process = subprocess.Popen(
            [*wrapped, sys.executable, "-m", "tasks.worker", role, "--slot", str(slot), *fds, *flags],
            pass_fds=(status_write, lifeline_read),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        os.close(status_write)
        os.close(lifeline_read)
        if told is not None:
            os.write(self.lifeline, settings.encode(told))
        self.messages = []
        self.lines = []
        self._readers = [
            threading.Thread(target=self._read, args=(os.fdopen(status_read, "rb"), self.messages, json.loads)),
            threading.Thread(target=self._read, args=(self.process.stdout, self.lines, bytes.decode)),
        ]
        for reader in self._readers:
            reader.start()

    @staticmethod
    def _read(pipe, into, decode):
        with pipe:
            into.extend(decode(line) for line in pipe)

    @property
    def beats(self):
        return [message for message in self.messages if message["event"] == "beat"]

    @property
    def last(self):
        return (self.beats or [{}])[-1]

    @property
    def output(self):
        return "".join(self.lines)

    def is_ready(self):
        if self.process.poll() is not None:
            pytest.fail(f"the worker ended with {self.process.returncode}:\n{self.output}")
        return any(message["event"] == "ready" for message in self.messages)

    def wait_ready(self):
        eventually(self.is_ready, lambda: f"ready\n{self.output}")
        return self

    def wait_phase(self, phase):
        return eventually(
            lambda: self.last.get("phase") == phase and self.last, lambda: f"{phase}: {self.last}\n{self.output}"
        )

    def wait_end(self):
        try:
            code = self.process.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            pytest.fail(f"still running, {self.last}\n{self.output}")
        self._join()
        return code

    def kill(self):
        self.process.kill()
        self.process.wait(LIMIT_S)
        self._join()

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def hang_up(self):
        """Close the lifeline, as the death of the parent does."""
        with contextlib.suppress(OSError):
            os.close(self.lifeline)
        self.lifeline = -1

    def close(self):
        if self.process.poll() is None:
            self.kill()
        if self.lifeline >= 0:
            self.hang_up()
        self._join()

    def _join(self):
        for reader in self._readers:
            reader.join(LIMIT_S)


class Patient:
    """A stop flag whose pauses take no time."""

    def is_set(self):
        return False

    def wait(self, _timeout_s):
        return False


@pytest.fixture
def site(tmp_path, database_url):
    """What the parts of a worker are given, on a clock that stands still, with its log as `text`."""
    clock, text = ManualClock(10**15), io.StringIO()
    settings = WorkerSettings(
        api_key=Secret(KEY), base_url="http://127.0.0.1:1", database_url=Secret(database_url), ledger_path="",
        spool_dir=str(tmp_path / "spool"), selections=(), domains=(1,),
    )  # fmt: skip
    with contextlib.closing(TokenLedger.in_memory(DEFAULT_TIERS, clock)) as ledger:
        yield Site(
            role="backfill", settings=settings, ledger=ledger, clock=clock, stop=Patient(), log=Logger(text),
            beat=Beat(lambda _message: None, clock), blocking=False, worker="w",
        )  # fmt: skip


@pytest.fixture
def make_plant(tmp_path, database_url):
    """A function that builds a plant around a simulator with these settings; all of it is taken down after the test."""
    with contextlib.ExitStack() as stack:

        def make(**simulator_settings):
            given = {"rate": 20, "tick_s": 0.5, "deals": 600, "keys": frozenset({KEY})}
            config = SimulatorConfig(**given | simulator_settings)
            simulator = stack.enter_context(SimulatorServer(config))
            plant = Plant(tmp_path, database_url, simulator, tick_s=config.tick_s)
            stack.callback(plant.close)
            return plant

        yield make


@pytest.fixture
def plant(make_plant):
    """A plant with a quick plan."""
    return make_plant()
