"""Kills workers at random moments while they reserve, commit, settle, cancel, wait and give up as fast as they can.

The ledger is in a file, or in a row of a database.
"""

from __future__ import annotations

import os
import random
import select
import signal
from typing import TYPE_CHECKING, Final, NamedTuple

from ledger.errors import Full, NeedsReading, NeverEnough, TimedOut
from ledger.ledger import TokenLedger
from ledger.model.tiers import DEFAULT_TIERS
from ledger.types import Reading
from tasks.store.ledger_row.patience import NoPatience
from tasks.store.ledger_row.row import RowHome
from tests.crash import judge
from tests.crash.forked import ended, start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ledger.lease import Lease
    from tasks.errors import DatabaseTransient

WORKERS: Final = 3
_ACCOUNT: Final = 1
_HOST: Final = 1
_RATE: Final = 4_000
_BALANCE: Final = 200_000
_WAIT_S: Final = 0.002
_MOST: Final = 60_000  # tokens; now and then one that has to wait


class Place(NamedTuple):
    """Where the ledger is: what makes it, what opens it in another process, and how long a worker of it may live."""

    create: Callable[[], TokenLedger]
    attach: Callable[[], TokenLedger]
    longest_life_s: float


class Again(NoPatience):
    """Tries again at once: on a loaded machine a process may stand still for longer than the server waits for it."""

    def failed(self, error: DatabaseTransient) -> None:
        """Do nothing: the next line is another one."""


def in_file(path: Path) -> Place:
    """A ledger in that file."""
    return Place(lambda: TokenLedger.create(path, DEFAULT_TIERS), lambda: TokenLedger.attach(path), 0.01)


def in_row(url: str) -> Place:
    """A ledger in a row of that database, to which a worker has to connect first."""

    def attach() -> TokenLedger:
        home = RowHome(url, _ACCOUNT, _HOST)
        home.patience = Again()
        return TokenLedger(home)

    def create() -> TokenLedger:
        RowHome(url, _ACCOUNT, _HOST).create("crash")
        ledger = attach()
        ledger.configure(DEFAULT_TIERS, 60)
        return ledger

    return Place(create, attach, 0.3)


def run(place: Place, kills: int, seed: int) -> Iterator[float]:
    """Kill so often; after each, the seconds that the next operation of a survivor took.

    Raises:
        Broken: the books do not balance, or a dead owner still holds something.
    """
    survivor = place.create()
    survivor.observe(Reading(_BALANCE, _RATE, 60_000, judge.server_ms(survivor)))
    chance = random.Random(seed)
    workers = [_worker(place, chance) for _ in range(WORKERS)]
    try:
        for _ in range(kills):
            select.select([], [], [], chance.uniform(0, place.longest_life_s))
            victim = workers.pop(chance.randrange(WORKERS))
            os.kill(victim, signal.SIGKILL)
            if ended(victim) != -signal.SIGKILL:
                raise judge.Broken(f"worker {victim} had ended before it was killed: see its traceback")
            # What the victim has asked a server to commit is done before this, which waits for the lock of the row.
            survivor.observe(Reading(_BALANCE, _RATE, 60_000, judge.server_ms(survivor)))
            yield judge.next_operation_s(survivor, {victim}, is_alone=False)
            survivor.observe(Reading(_BALANCE, _RATE, 60_000, judge.server_ms(survivor)))
            workers.append(_worker(place, chance))
    finally:
        for worker in workers:
            os.kill(worker, signal.SIGKILL)
            ended(worker)
    survivor.observe(Reading(_BALANCE, _RATE, 60_000, judge.server_ms(survivor)))  # as above
    judge.next_operation_s(survivor, workers, is_alone=False)
    left = survivor.snapshot()
    if left.leases or left.waiters:
        raise judge.Broken(f"at the end {len(left.leases)} leases and {len(left.waiters)} waiters are left")
    survivor.close()


def _worker(place: Place, chance: random.Random) -> int:
    seed = chance.random()
    return start(lambda: _work(place, random.Random(seed)))


def _work(place: Place, chance: random.Random) -> None:
    ledger = place.attach()
    while True:
        tier = chance.choice(("interactive", "upsert", "backfill"))
        try:
            lease = ledger.reserve(tier, chance.choice((1, 5, _MOST)), timeout_s=_WAIT_S)
        except (TimedOut, NeverEnough, Full):
            continue
        except NeedsReading:
            ledger.observe(Reading(_BALANCE, _RATE, 60_000, judge.server_ms(ledger)))
            continue
        _finish(lease, chance)


def _finish(lease: Lease, chance: random.Random) -> None:
    if chance.random() < 0.3:  # nearly a third is given back unsent
        lease.cancel()
        return
    lease.commit()
    outcome = chance.choice((0, lease.cost // 2, lease.cost, None))
    lease.settle(outcome)
