"""One system and what is done to it, seeded."""

from __future__ import annotations

import os
import random
import signal
import threading
from contextlib import suppress
from pathlib import Path

from tasks.store.connection import connect
from tests.fakes.program import Program, pids, wait_until

SEED = int(os.environ.get("CHAOS_SEED", "1"))
CHAOS_S = float(os.environ.get("CHAOS_S", "240"))
KEY = "k3y-of-the-chaos"
RATE = 20
MARK = "SLUICEGATE_CHAOS"
CALM = {"500": 0.0, "timeout": 0.0, "cut": 0.0}


class Chaos:
    """One system, and what is done to it."""

    def __init__(self, folder, simulator):
        self.chance = random.Random(SEED)
        self.simulator = simulator
        self.mark = f"{MARK}={SEED}-{os.getpid()}"
        name, _, value = self.mark.partition("=")
        self.program = Program(
            folder, KEEPA_API_KEY=KEY, KEEPA_BASE_URL=simulator.url, BACKFILL_WORKERS="2", POLL_INTERVAL_S="2",
            TICK_PERIOD_S="0.5", READ_TIMEOUT_S="2", RETRY_DEADLINE_S="8", HANG_S="5", SIMULATOR_TICK_S="",
            LOG_LEVEL="info",
            **{name: value},
        )  # fmt: skip
        self.wire = 0.0  # tokens of calls whose end nobody saw
        self.events = []

    def begin(self):
        self.program.start()
        self.program.until_working()

    def act(self):
        """One thing goes wrong."""
        deeds = [self.kill_worker] * 4 + [self.freeze_worker] * 2 + [self.kill_supervisor, self.kill_database]
        deeds += [self.spoil_replies, self.change_plan, self.give_order, self.reload]
        deed = self.chance.choice(deeds)
        self.events.append(deed.__name__)
        deed()

    def worker(self):
        """A worker that runs, by name and pid; None when there is none just now."""
        report = self.program.report()
        found = {
            name: pid for name, pid in pids(report or {"workers": [], "services": []}).items() if name[-1].isdigit()
        }
        running = {name: pid for name, pid in found.items() if name.startswith(("upsert", "backfill"))}
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
            os.kill(chosen[1], signal.SIGSTOP)  # so that what it has on its way is known
            self.wire += self.held(chosen[1])
            if number is not None:
                os.kill(chosen[1], number)

    def kill_supervisor(self):
        children = {int(pid) for pid in self.family() if int(pid) != self.program.process.pid}
        for pid in children:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        self.wire += self.held()
        self.program.kill()
        for pid in children:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        wait_until(lambda: not self.family(), "everything gone with its supervisor", 10, self.story)
        self.begin()

    def kill_database(self):
        path = self.program.state / "postgres" / "data" / "postmaster.pid"
        with suppress(FileNotFoundError, ProcessLookupError):
            os.kill(int(path.read_text().splitlines()[0]), signal.SIGKILL)

    def spoil_replies(self):
        self.simulator.control(faults={"500": 0.2, "timeout": 0.1, "cut": 0.2})
        threading.Event().wait(3)
        self.simulator.control(faults=CALM)

    def change_plan(self):
        self.simulator.control(rate=self.chance.choice([10, 20, 40]))

    def give_order(self):
        orders = [("pause", "backfill"), ("resume", "all"), ("restart", "backfill-0"), ("scale", "backfill", "1")]
        orders += [("scale", "backfill", "3"), ("set", "BACKFILL_SHARE=0.3"), ("reload",)]
        order = self.chance.choice(orders)
        self.events[-1] = " ".join(order)
        assert self.program.command(*order).returncode in {0, 1, 4, 75}, self.story()

    def reload(self):
        self.program.signal(signal.SIGHUP)

    def calm(self):
        """Nothing goes wrong any more."""
        self.simulator.control(rate=RATE, latency_s=0.0)
        for order in (("resume", "all"), ("scale", "backfill", "2"), ("reload",)):
            wait_until(
                lambda order=order: self.program.command(*order).returncode == 0, " ".join(order), 60, self.story
            )
        self.program.until(
            lambda r: all(child["state"] == "running" for child in r["workers"] + r["services"]), "calm", 90
        )

    def family(self):
        """Pids of every process that has the mark in its environment, this test's own programs apart."""
        found = []
        for entry in Path("/proc").iterdir():
            with suppress(OSError):
                if entry.name.isdigit() and self.mark.encode() in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(entry.name)
        return found

    def rows(self, statement):
        with connect(self.program.report()["run"]["database_url"], application_name="chaos", autocommit=True) as conn:
            return conn.execute(statement).fetchall()

    def story(self):
        return f"CHAOS_SEED={SEED} CHAOS_S={CHAOS_S:g}, after {self.events[-8:]}\n{self.program.tail()}"
