"""Three hosts that share one key, one database and one simulator, and what is done to them, seeded.

Each host is a `sluicegate run --join` in a machine made of namespaces, with its own clock of the boot, and
a spoiler writes down what each asked for. Where no namespaces can be made it is a state directory alone,
and its link is the line to the database.
"""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import closing, suppress
from pathlib import Path

from ledger import TokenLedger
from tasks.calls.spool import SpoolEntry
from tasks.store.connection import connect
from tasks.store.ledger_row.row import RowHome
from tests.fakes.api.spoiling_proxy import Spoiler
from tests.fakes.database.replicated import Replicated
from tests.fakes.database.tcp_proxy import Line
from tests.fakes.machine import namespaces
from tests.fakes.machine.namespaces import Machine
from tests.fakes.program.cli_program import Program, freeze, of_process
from tests.fakes.waiting import wait_until

SEED = int(os.environ.get("HOSTS_SEED", "1"))
ROUNDS = int(os.environ.get("HOSTS_ROUNDS", "1"))
HOSTS_S = float(os.environ.get("HOSTS_S", "0"))
LAG_S = 5.0  # the rows have a reply by then
KEY = "k3y-of-the-hosts"
MARK = "SLUICEGATE_TEST_HOST"
FAKE_TIME = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
SILENT = "SELECT extract(epoch FROM clock_timestamp() - beat_at) FROM hosts WHERE host = %s"
ITEMS_OF = "SELECT count(*) FROM fetch_queue WHERE state = 'leased' AND owner LIKE '%%@' || %s || '-%%'"


class Host(Program):
    """One host. `is_wrong`: its clock of the wall is an hour ahead.

    Attributes:
        cuts: what of the world it does not reach now: `link`, `database` or `api`.
    """

    def __init__(self, folder, number, database, spoiler, undo, *, is_wrong):
        folder.mkdir()
        self.number, self.name = number, f"host-{number}"
        self.machine = None if namespaces.why_not() else Machine(number)
        if self.machine is not None:
            undo.callback(self.machine.close)
        self.lines = () if self.machine is not None else tuple(Line(one.url()) for one in database.servers)
        for line in self.lines:
            undo.callback(line.close)
        self.spoiler = spoiler
        self.cuts = set()
        places = database.places(self.machine.gateway) if self.machine else [line.place for line in self.lines]
        clock = {"LD_PRELOAD": str(FAKE_TIME), "FAKETIME": "+1h", "DONT_FAKE_MONOTONIC": "1"}
        super().__init__(
            folder, KEEPA_API_KEY=KEY, KEEPA_BASE_URL=spoiler.url, HOST_NAME=self.name, TICK_PERIOD_S="0.5",
            SIMULATOR_TICK_S="", UPSERT_DETAIL="none", POLL_INTERVAL_S="5", LOG_LEVEL="info", BACKFILL_WORKERS="1",
            DATABASE_URL=database.url(places),
            **{MARK: f"{os.getpid()}-{number}"}, **(clock if is_wrong and FAKE_TIME is not None else {}),
        )  # fmt: skip
        self.inside = () if self.machine is None else tuple(self.machine.inside)
        undo.callback(self.kill)

    def calls(self, *endpoint):
        """What it has asked for; where hosts cannot be told apart, what all have."""
        sought = {} if self.machine is None else {"client": self.machine.address}
        return self.spoiler.calls(*endpoint, **sought)

    @property
    def pid(self):
        """The supervisor, as this machine counts."""
        return self.process.pid if not self.inside else namespaces.child_of(self.process.pid)

    def own_pid(self):
        """The supervisor, as it counts itself; None before it is there."""
        if not self.inside or self.pid is None:
            return None if self.inside else self.process.pid
        return namespaces.inner_pid(self.pid)

    def join(self):
        """Start it; in a namespace it has the number that the one before had, whose report is of no use any more."""
        (self.state / "status.json").unlink(missing_ok=True)
        return self.start("--join")

    def signal(self, number):
        os.kill(self.pid, number)

    def kill(self):
        """End all of it at once."""
        for pid in self.family():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        super().kill()

    def family(self):
        """Every process of it."""
        mark, found = f"{MARK}={self.settings[MARK]}".encode(), []
        for entry in Path("/proc").iterdir():
            with suppress(OSError):
                if entry.name.isdigit() and mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
        return found

    def freeze(self):
        for pid in self.family():
            with suppress(ProcessLookupError, FileNotFoundError):
                freeze(pid)

    def workers(self):
        """Its workers, as this machine counts."""
        return [pid for pid in self.family() if b"tasks.worker" in of_process(pid, "cmdline")]

    def inner_pid(self, pid):
        """A process of it as it counts itself."""
        return pid if self.machine is None else namespaces.inner_pid(pid)

    def can_be_cut(self, what):
        return self.machine is not None or what != "api"

    def cut(self, what="link"):
        """Let nothing through, and say so to nobody; where hosts have no machine, a link is the way to the database."""
        self.cuts.add(what)
        if self.machine is None:
            for line in self.lines:
                line.cut()
        elif what == "link":
            self.machine.cut()
        else:
            self.machine.cut_from(self._address_of(what))

    def mend(self, what="link"):
        self.cuts.discard(what)
        if self.machine is None:
            for line in () if self.cuts else self.lines:
                line.mend()
        elif what == "link":
            self.machine.mend()
        else:
            self.machine.mend_from(self._address_of(what))

    def _address_of(self, what):
        return self.machine.gateway if what == "database" else self.spoiler.server_address[0]

    def spooled(self):
        """Tokens of the replies that it has paid for and not stored."""
        entries = [path for path in (self.state / "spool").rglob("*.reply") if "damaged" not in path.parts]
        found = 0.0
        for path in entries:
            with suppress(FileNotFoundError):
                found += _estimate(path)
        return found


class Hosts:
    """All three, their database and their simulator."""

    def __init__(self, folder, simulator, undo):
        self.chance = random.Random(SEED)
        self.simulator = simulator
        self.spent_before = simulator.control()["spent"]
        self.database = Replicated(folder / "database")
        undo.callback(self.database.close)
        here = "127.0.0.1" if namespaces.why_not() else undo.enter_context(namespaces.address_for_all())
        self.spoiler = undo.enter_context(Spoiler(simulator.url, address=here))
        self.all = [
            Host(folder / str(number), number, self.database, self.spoiler, undo, is_wrong=number == 3)
            for number in (1, 2, 3)
        ]
        self.wire = 0.0  # tokens of calls whose end no other host can know
        self.events = []

    def begin(self):
        for host in self.all:
            host.join()
        for host in self.all:
            host.until_working()

    def rows(self, statement, *parameters):
        with connect(self.database.url(), application_name="test", autocommit=True) as conn:
            return conn.execute(statement, parameters or None).fetchall()

    def books(self):
        """The ledger as the database has it now."""
        ((account,),) = self.rows("SELECT account FROM ledgers")
        home = RowHome(self.database.url(), account % (1 << 64), 0)
        with closing(TokenLedger(home)) as ledger:
            return ledger.snapshot().to_json()  # its journal is read while it is open

    def life(self, host):
        """What the host is called from its present boot to the next, and its number."""
        found = self.rows("SELECT host, id FROM hosts WHERE name = %s ORDER BY joined_at DESC LIMIT 1", host.name)
        number, one = found[0]
        state_dir, _, boot = one.partition(" ")
        return number, f"{state_dir[:8]}-{boot}"

    def items(self, life):
        ((count,),) = self.rows(ITEMS_OF, life)
        return count

    def until_busy(self, host):
        """Wait until a worker of the host has products in hand; the number and the life of the host."""
        number, life = self.life(host)
        wait_until(lambda: self.items(life), f"{host.name} has products in hand", explain=self.story)
        return number, life

    def on_the_wire(self, host, number):
        """Tokens of what the host has committed, or paid for and not stored, while it cannot say more."""
        return self.committed(number) + host.spooled()

    def committed(self, number, *pids):
        """Tokens of the calls that a host has committed, or that these processes of it have."""
        leases = [one for one in self.books()["leases"] if one["owner_host"] == number and one["state"] == "committed"]
        return sum(one["cost"] for one in leases if not pids or one["owner_pid"] in pids)

    def pay(self, tokens, why):
        """So many may be paid for again, because of this."""
        self.wire += tokens
        self.events.append(f"{why}: {tokens:g}")

    def promote(self):
        """The server dies for good, and its replica takes its place: what that never got may be paid for again."""
        self.database.until_streaming()
        replayed = self.database.promote()
        since_s = replayed - LAG_S - (time.time() - time.monotonic())
        self.pay(sum(call["consumed"] for call in self.spoiler.calls() if call["at"] >= since_s), "promote")

    def silent_s(self, number):
        ((seconds,),) = self.rows(SILENT, number)
        return float(seconds)

    def until_free(self, host, number, life):
        """Wait until nobody of that life of the host has anything; seconds since its last beat, by the database."""
        seen = []

        def is_free():
            # In this order: once it has nothing, it has been silent for at most as long as is told then.
            held, silent_s = self.items(life), self.silent_s(number)
            seen.append(silent_s)
            return held == 0

        wait_until(is_free, f"what {host.name} had is free", explain=self.story)
        self.events.append(f"{host.name} free {seen[-1]:.1f} s after its last beat")
        return seen[-1]

    def story(self):
        tails = "\n".join(f"{host.name}:\n{host.tail()[-2500:]}" for host in self.all)
        return f"HOSTS_SEED={SEED} HOSTS_ROUNDS={ROUNDS} HOSTS_S={HOSTS_S:g}, after {self.events[-40:]}\n{tails}"

    def close(self):
        for host in self.all:
            host.kill()


def _estimate(path):
    header, _ = SpoolEntry(path, 0).read()
    return header.estimate
