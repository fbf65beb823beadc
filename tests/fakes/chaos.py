"""One system and what is done to it, seeded."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path

from tasks.store.connection import connect
from tests.fakes.api.spoiling_proxy import Spoiler
from tests.fakes.api.spoilings_by_effect import READABLE, UNREADABLE, at_random
from tests.fakes.database.states import STATES, Place, Theirs
from tests.fakes.program.cli_program import Program, freeze, pids
from tests.fakes.waiting import wait_until

SEED = int(os.environ.get("CHAOS_SEED", "1"))
CHAOS_S = float(os.environ.get("CHAOS_S", "240"))
KEY = "k3y-of-the-chaos"
RATE = 20
MARK = "SLUICEGATE_CHAOS"
CALM = {"500": 0.0, "timeout": 0.0, "cut": 0.0}
OURS = ("upsert", "backfill")


class Chaos:
    """One system, and what is done to it. Its database is its own, or with `is_theirs` one that was there before.

    `more` are settings of the program in place of those of the chaos.
    """

    def __init__(self, folder, simulator, *, is_theirs, poll_s=2, **more):
        self.chance = random.Random(SEED)
        self.simulator = simulator
        self.spoiler = Spoiler(simulator.url)
        self.theirs = Theirs(folder / "theirs") if is_theirs else None
        self.mark = f"{MARK}={SEED}-{os.getpid()}"
        name, _, value = self.mark.partition("=")
        settings = {"DATABASE_URL": self.theirs.line.url} if self.theirs else {}
        # Silence of more than HANG_S past what was promised ends a worker, and what it had on its way is then nobody's
        # to tell: only what is frozen here may be silent for so long. The time-outs of calls are as shipped: a loaded
        # machine takes seconds for a hundred histories, and each reply that comes too late would be paid for again.
        self.program = Program(
            folder, KEEPA_API_KEY=KEY, KEEPA_BASE_URL=self.spoiler.url, BACKFILL_WORKERS="2",
            POLL_INTERVAL_S=str(poll_s), TICK_PERIOD_S="0.5", SIMULATOR_TICK_S="", LOG_LEVEL="info",
            **({"HANG_S": "20"} | {name: value} | settings | more),
        )  # fmt: skip
        self.wire = 0.0  # tokens of calls whose end nobody saw
        self.paused = set()  # the roles that we ordered to pause
        self.events = []

    def __enter__(self):
        self.spoiler.__enter__()
        return self

    def __exit__(self, *_):
        self.program.kill()
        wait_until(lambda: not self.family(), "everything gone with its supervisor", explain=self.story)
        self.spoiler.__exit__()
        if self.theirs is not None:
            self.theirs.close()

    @property
    def place(self):
        """The database."""
        if self.theirs is not None:
            return self.theirs.place
        return Place(lambda: self.program.report()["run"]["database_url"])

    def begin(self):
        self.program.start()
        self.until_working()

    def until_working(self):
        """Wait until every child is in service, those apart that we paused."""

        def is_working(report):
            children = report["workers"] + report["services"]
            return report["workers"] and all(
                child["state"] == ("paused" if child["role"] in self.paused else "running") for child in children
            )

        return self.program.until(is_working, f"every child in service, {self.paused or 'nobody'} paused")

    def live(self, seconds):
        """Let time pass; the run may not end meanwhile."""
        ends = time.monotonic() + seconds
        while (left_s := ends - time.monotonic()) > 0:
            code = self.program.process.poll()
            assert code is None, f"the run ended with {code}: {self.story()}"
            threading.Event().wait(min(left_s, 0.5))

    def act(self):
        """One thing goes wrong."""
        deeds = [self.kill_worker] * 4 + [self.freeze_worker] * 2 + [self.kill_supervisor, self.kill_database]
        deeds += [self.spoil_replies, self.change_plan, self.give_order, self.reload]
        deeds += [self.spoil_bodies] * 3 + [self.upset_database] * 3
        deed = self.chance.choice(deeds)
        self.events.append(deed.__name__)
        deed()
        if deed != self.spoil_bodies:
            self.spoiler.set()

    def worker(self):
        """A worker that runs, by name and pid; None when there is none just now."""
        report = self.program.report()
        found = pids(report or {"workers": [], "services": []})
        running = {name: pid for name, pid in found.items() if name.startswith(OURS)}
        return self.chance.choice(sorted(running.items())) if running else None

    def held(self, *owners):
        """What these processes have on its way; all if none is named."""
        leases = self.program.ledger()["leases"]
        return sum(lease["cost"] for lease in leases if not owners or lease["owner_pid"] in owners)

    def kill_worker(self):
        self.strike(signal.SIGKILL)

    def freeze_worker(self):
        """Hung for the supervisor, which ends it after HANG_S."""
        self.strike(None)

    def strike(self, number):
        chosen = self.worker()
        if chosen is None:
            return
        with suppress(ProcessLookupError):
            freeze(chosen[1])  # so that what it has on its way is known
            self.wire += self.held(chosen[1])
            if number is not None:
                os.kill(chosen[1], number)

    def kill_supervisor(self):
        children = {int(pid) for pid in self.family() if int(pid) != self.program.process.pid}
        for pid in children:
            with suppress(ProcessLookupError):
                freeze(pid)
        self.wire += self.held()
        self.program.kill()
        for pid in children:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        wait_until(lambda: not self.family(), "everything gone with its supervisor", explain=self.story)
        self.begin()

    def kill_database(self):
        if self.theirs is not None:
            self.theirs.kill()
            return
        path = self.program.state / "postgres" / "data" / "postmaster.pid"
        with suppress(FileNotFoundError, ProcessLookupError):
            os.kill(int(path.read_text().splitlines()[0]), signal.SIGKILL)

    def spoil_replies(self):
        self.simulator.control(faults={"500": 0.2, "timeout": 0.1, "cut": 0.2})
        self.live(3)
        self.simulator.control(faults=CALM)

    def spoil_bodies(self):
        """The world spoils every third reply until something else has gone wrong too."""
        kinds = self.chance.sample(READABLE + UNREADABLE, 3)
        self.events[-1] += f" {[kind['do'] for kind in kinds]}"
        self.spoiler.set(*at_random(kinds, 1 / 3, self.chance))

    def upset_database(self):
        state = self.chance.choice(sorted(self.states()))
        self.events[-1] += f": {state}"
        self.upset(state, self.chance.uniform(1, 6))

    def states(self):
        """The states that this database can be in, by name: each makes a context manager."""
        found = {name: lambda make=make: make(self.place) for name, make in STATES.items()}
        if self.theirs is not None:
            found |= {
                "stopped": self.theirs.stopped,
                "frozen": self.theirs.frozen,
                "cut off": self.theirs.cut_off,
            }
        return found

    def upset(self, state, seconds):
        if self.theirs is None:
            # Its own server may be on its way back from something else.
            wait_until(self.can_ask, "an answer of the database", explain=self.story)
        with self.states()[state]():
            self.live(seconds)
            if self.theirs is None:
                wait_until(self.can_ask, "an answer of the database", explain=self.story)

    def can_ask(self):
        with suppress(Exception):
            self.place.admin("COMMENT ON DATABASE {} IS 'asked'")
            return True
        return False

    def change_plan(self):
        self.simulator.control(rate=self.chance.choice([6, 20, 40]))

    def give_order(self):
        orders = [("pause", "backfill"), ("resume", "all"), ("restart", "backfill-0"), ("scale", "backfill", "1")]
        orders += [("scale", "backfill", "3"), ("set", "BACKFILL_SHARE=0.3"), ("reload",)]
        order = self.chance.choice(orders)
        self.events[-1] = " ".join(order)
        self.give(*order)

    def give(self, *order):
        """The exit code of an order; what it changes is remembered."""
        try:
            code = self.program.command(*order).returncode
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{order} is not answered: {self.story()}") from None
        assert code in {0, 1, 4, 75}, f"{order} ended with {code}: {self.story()}"
        if code == 0 and order[0] in {"pause", "resume"}:
            named = set(OURS if order[1] == "all" else order[1:])
            self.paused = self.paused | named if order[0] == "pause" else self.paused - named
        return code

    def reload(self):
        self.program.signal(signal.SIGHUP)

    def calm(self):
        """Nothing goes wrong any more."""
        self.spoiler.set()
        self.simulator.control(rate=RATE, latency_s=0.0, faults=CALM)
        for order in (("resume", "all"), ("scale", "backfill", "2"), ("reload",)):
            wait_until(lambda order=order: self.give(*order) == 0, " ".join(order), explain=self.story)
        self.until_working()

    def family(self):
        """Pids of every process that has the mark in its environment, this test's own programs apart."""
        found = []
        for entry in Path("/proc").iterdir():
            with suppress(OSError):
                if entry.name.isdigit() and self.mark.encode() in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(entry.name)
        return found

    def rows(self, statement):
        with connect(self.place.url(), application_name="chaos", autocommit=True) as conn:
            return conn.execute(statement).fetchall()

    def story(self):
        return f"CHAOS_SEED={SEED} CHAOS_S={CHAOS_S:g}, after {self.events[-8:]}\n{self.program.tail()}"
