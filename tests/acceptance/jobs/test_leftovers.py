"""What a dead worker leaves: replies it had paid for, and items of the queue that nobody answers any more."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from ledger.process import owner_of, start_of, this_process
from ledger.types import ProcessId
from tasks.calls.spool import Spool
from tasks.calls.spool_header import Header, Origin
from tasks.ingest.database_session import DatabaseSession
from tasks.ingest.recovery import MAX_ATTEMPTS, LeaseRecovery, SpoolRecovery
from tasks.store import turns
from tasks.store.queue import queue

ASINS = ("B000000001", "B000000002")
NS = 10**9


class Taker:
    """A process in whose name items are taken and replies are paid for."""

    def __init__(self, host=""):
        self.process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        self.owner = ProcessId(this_process().boot, self.process.pid, start_of(self.process.pid), host)

    def take(self, conn):
        queue.enqueue(conn, 1, ASINS, detail="history")
        return queue.claim(conn, owner=f"backfill-0@{self.owner}", limit=10, lease_s=570)

    def pay(self, folder, items, *, taken_over=0, body=b"{}"):
        """A reply to these items in the spool, taken over so often from owners that died."""
        origin = Origin(
            job="backfill", domain=1, asins=ASINS, leases=tuple(item.lease for item in items), detail="history"
        )
        header = Header(
            origin=origin, endpoint="/product", tier="backfill", worker="backfill-0", shape="history",
            items=len(items), estimate=2, received_at=datetime.now(UTC), status=200, duration_s=0.1, waited_s=0.0,
        )  # fmt: skip
        entry = Spool(folder, limit_bytes=1 << 20).put(header, body)
        return entry.path.rename(folder / f"{self.owner}.000001.{taken_over}.reply")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def close(self):
        self.kill()
        self.process.stdin.close()


@pytest.fixture
def taker():
    with closing(Taker()) as one:
        yield one


@pytest.fixture
def folder(context):
    return Path(context.settings.spool_dir)


@pytest.fixture
def session(context):
    with closing(DatabaseSession(context)) as one:
        yield one


def states(conn):
    return sorted(state for (state,) in conn.execute("select state from fetch_queue"))


def test_what_a_dead_worker_holds_goes_back_and_counts_a_death(context, session, folder, taker, conn):
    taker.take(conn)
    orphans = LeaseRecovery(context, session, Spool(folder, limit_bytes=1 << 20))
    assert orphans.step() == 0
    assert states(conn) == ["leased", "leased"]
    taker.kill()
    context.clock.advance_s(29)
    assert orphans.step() == 0
    context.clock.advance_s(2)
    assert orphans.step() == 2
    taken = queue.claim(conn, owner="me", limit=10, lease_s=1)
    assert [(item.attempts, item.deaths) for item in taken] == [(0, 1), (0, 1)]


def test_what_a_dead_worker_of_another_host_held_is_not_given_back_here(context, session, folder, conn):
    """Its reply may lie in the spool of its own host, which is another state directory on this machine."""
    with closing(Taker("another")) as taker:
        taker.take(conn)
        taker.kill()
        assert LeaseRecovery(context, session, Spool(folder, limit_bytes=1 << 20)).step() == 0
    assert states(conn) == ["leased", "leased"]


@pytest.mark.parametrize("is_alone", [True, False])
def test_what_a_worker_of_this_host_held_before_another_boot_goes_back_where_no_other_host_can_have_it(
    context, session, folder, conn, is_alone
):
    """Of a state directory that was copied, boot and all, another host may live; then the hosts look at their beats."""
    settings = msgspec.structs.replace(context.settings, host_id="mine", is_alone=is_alone)
    before = dataclasses.replace(context, settings=settings)
    for host in ("mine", "another"):
        owner = f"backfill-0@{ProcessId('before', 1, 1, host)}"
        assert turns.try_take_turn(conn, host, owner)
    queue.enqueue(conn, 1, ASINS, detail="history")
    assert queue.claim(conn, owner=f"backfill-0@{ProcessId('before', 1, 1, 'mine')}", limit=10, lease_s=570)
    recovery = LeaseRecovery(before, session, Spool(folder, limit_bytes=1 << 20, host="mine"))
    assert recovery.step() == (2 if is_alone else 0)
    assert [owner_of(name).host for name in turns.owners(conn)] == ["another"] + ["mine"] * (not is_alone)


@pytest.mark.parametrize("taken_over", [0, 2])
def test_nothing_goes_back_while_a_reply_of_a_dead_worker_lies_in_the_spool(
    context, session, folder, taker, conn, taken_over
):
    path = taker.pay(folder, taker.take(conn), taken_over=taken_over)
    taker.kill()
    if taken_over:
        path = path.rename(folder / f"{this_process()}.000001.{taken_over}.reply")
    orphans = LeaseRecovery(context, session, Spool(folder, limit_bytes=1 << 20))
    assert orphans.step() == 0
    assert states(conn) == ["leased", "leased"]
    path.unlink()
    context.clock.advance_s(31)
    assert orphans.step() == 2


def test_a_reply_of_a_living_worker_keeps_nobody_waiting(context, session, folder, taker, conn):
    items = taker.take(conn)
    with closing(Taker()) as living:
        living.pay(folder, items)
        taker.kill()
        assert LeaseRecovery(context, session, Spool(folder, limit_bytes=1 << 20)).step() == 2


def test_nothing_goes_back_whose_reply_came_just_after_the_spool_was_looked_at(context, session, folder, taker, conn):
    items = taker.take(conn)

    class Late(Spool):
        def holds_leftovers(self):
            found = super().holds_leftovers()
            taker.pay(folder, items)
            taker.kill()
            return found

    assert LeaseRecovery(context, session, Late(folder, limit_bytes=1 << 20)).step() == 0
    assert states(conn) == ["leased", "leased"]


@pytest.mark.parametrize("role", ["upsert", "backfill"])
def test_a_worker_of_any_role_gives_back_what_a_dead_one_holds(town, taker, conn, role):
    taker.take(conn)
    taker.kill()
    here = town()
    here.job(role).start()
    assert states(conn) == ["pending", "pending"]
    assert here.events("released")[0]["items"] == 2


def test_a_worker_that_runs_gives_back_what_another_held_that_died_later(town, taker, conn):
    here = town()
    work = here.job("upsert", upsert_detail="none")
    work.start()
    taker.take(conn)
    taker.kill()
    here.clock.advance_s(31)
    work.step()
    assert "leased" not in states(conn)


class Intake:
    """Takes replies, or ends its worker."""

    def __init__(self):
        self.taken = []

    def write(self, header, _body):
        self.taken.append(header.endpoint)


@pytest.fixture
def replayed(context, session, folder, taker, conn):
    """A function that leaves a reply which so many workers have taken over in vain, and tells what a replay takes."""

    def replay(taken_over, body):
        taker.pay(folder, taker.take(conn), taken_over=taken_over, body=body)
        taker.kill()
        intake = Intake()
        looks = SpoolRecovery(context, Spool(folder, limit_bytes=1 << 20), intake, session)
        assert looks.step()
        assert not looks.step()
        assert list(folder.glob("*.reply")) == []
        return intake.taken

    return replay


def test_a_reply_that_ended_nine_workers_is_given_to_a_tenth(replayed, conn):
    assert replayed(MAX_ATTEMPTS - 1, b"{}") == ["/product"]
    assert conn.execute("select count(*) from quarantine").fetchone() == (0,)


def test_a_reply_that_ended_ten_workers_is_set_aside_for_a_person(replayed, folder, conn):
    body = b'{"products": []}'
    assert replayed(MAX_ATTEMPTS, body) == []
    assert conn.execute("select kind, reason, raw from quarantine where kind = 'body'").fetchall() == [
        ("body", "not processed in 10 attempts", body)
    ]
    assert states(conn) == ["given up", "given up"], "they would be bought again, and end ten more"
    assert len(list(folder.glob("damaged/*.reply"))) == 1
