"""What happens to three hosts at random times, seeded: workers and hosts are killed, ways cut, the database crashes."""

from __future__ import annotations

import heapq
import itertools
import os
import signal
import threading
import time
from collections import Counter
from contextlib import suppress

from supervisor.process.restart_policy import Policy
from tests.fakes.program.cli_program import freeze, of_process

WHOLE_S = 600  # in which so much of each happens; in less time less of it, but all of it once
OFTEN = {
    "kill_worker": 100, "kill_host": 10, "cut link": 20, "cut database": 5, "cut api": 5, "kill_database": 5,
}  # fmt: skip
SHORT_S = 9.0  # a host that is cut off for less beats again before it counts as dead
AGAIN_S = 1.0  # what cannot be done now is done so much later


class HostsChaos:
    """The plan of `seconds`, and what was done."""

    def __init__(self, joined, seconds):
        self.joined, self.seconds, self.chance = joined, seconds, joined.chance
        self.done = Counter()
        self.down = set()
        self._deaths = {}  # of each worker, when it was killed
        self._todo, self._numbers, self._begun_s = [], itertools.count(), 0.0
        for words, times in OFTEN.items():
            name, *more = words.split()
            for _ in range(max(round(times * seconds / WHOLE_S), 1)):
                self._at(self.chance.uniform(0, seconds), getattr(self, name), *more)
        self._at(self.chance.uniform(0.3, 0.7) * seconds, self.promote)

    def live(self):
        """Do all of it, and let the hosts work for so long at least; then everything is well again."""
        self._begun_s = time.monotonic()
        self._at(self.seconds, self.end)
        while self._todo:
            at_s, _, deed, more = heapq.heappop(self._todo)
            while (left_s := at_s - self._now_s()) > 0:
                self._look()
                threading.Event().wait(min(left_s, 0.5))
            self._look()
            if deed(*more) is False:
                self._soon(AGAIN_S, deed, *more)
            else:
                self.done[" ".join([deed.__name__, *(more if deed == self.cut else [])])] += 1
        for host in self.joined.all:
            host.until_working()

    def _at(self, at_s, deed, *more):
        heapq.heappush(self._todo, (at_s, next(self._numbers), deed, more))

    def _look(self):
        """No host may have ended by itself."""
        for host in self.joined.all:
            code = None if host in self.down else host.process.poll()
            assert code is None, f"{host.name} ended with {code}: {self.joined.story()}"

    def _now_s(self):
        return time.monotonic() - self._begun_s

    def _soon(self, seconds, deed, *more):
        """Do it so long from now, by the time of the plan."""
        self._at(self._now_s() + seconds, deed, *more)

    def end(self):
        """The hosts have had all of their time."""

    def kill_worker(self):
        joined, host = self.joined, self.chance.choice(self.joined.all)
        workers = [] if host in self.down else host.workers()
        if not workers:
            return False
        pid = self.chance.choice(sorted(workers))
        if not self._may_die(host, pid):
            return False
        with suppress(ProcessLookupError, FileNotFoundError):
            freeze(pid)  # so that what it has on its way is known
            number, _ = joined.life(host)
            joined.pay(joined.committed(number, host.inner_pid(pid)), f"kill_worker {host.name}")
            os.kill(pid, signal.SIGKILL)
        return True

    def _may_die(self, host, pid):
        """Whether one that dies now has not died too often: then a person would have to have it started again."""
        argv = of_process(pid, "cmdline").split(b"\0")
        one = (host.name, *argv[argv.index(b"tasks.worker") + 1 :][:3]) if b"tasks.worker" in argv else None
        deaths = self._deaths.setdefault(one, [])
        deaths[:] = [at_s for at_s in deaths if self._now_s() - at_s < Policy().period_s]
        if one is None or len(deaths) >= Policy().max_restarts - 1:
            return False
        deaths.append(self._now_s())
        return True

    def kill_host(self):
        """A host whose processes end at once, and which comes back some time later."""
        joined = self.joined
        living = [host for host in joined.all if host not in self.down and host.report() is not None]
        if len(living) < len(joined.all):
            return False
        host = self.chance.choice(living)
        number, _ = joined.life(host)
        host.freeze()
        joined.pay(joined.on_the_wire(host, number), f"kill_host {host.name}")
        host.kill()
        self.down.add(host)
        self._soon(self.chance.uniform(0, 10), self.come_back, host)
        return True

    def come_back(self, host):
        self.down.discard(host)
        host.join()

    def cut(self, what):
        """A host that does not reach the others for some time: nothing, or not the database, or not the API."""
        joined = self.joined
        whole = [host for host in joined.all if not host.cuts and host not in self.down]
        if not whole:
            return False
        host, seconds = self.chance.choice(whole), self.chance.uniform(1, 20)
        if not host.can_be_cut(what):
            return True
        number, _ = joined.life(host)
        host.cut(what)
        committed, spooled = joined.committed(number), host.spooled()
        is_dead = what != "api" and seconds > SHORT_S
        lost = committed * (what != "database" or is_dead) + spooled * is_dead
        joined.pay(lost, f"cut {what} {host.name} {seconds:.0f} s")
        self._soon(seconds, self.mend, what, host)
        return True

    def mend(self, what, host):
        host.mend(what)

    def kill_database(self):
        """The postmaster, at once, and again soon."""
        self.joined.events.append("kill_database")
        self.joined.database.kill()
        self.joined.database.start()

    def promote(self):
        self.joined.promote()
