"""Three hosts on one key while links are cut, a host is killed whole and the database crashes: nothing is paid twice.

The boot clocks of the hosts are a day apart, and one has the wall clock an hour wrong. Seeded: `HOSTS_SEED` chooses who
is struck, `HOSTS_ROUNDS` how often one after the other, and `HOSTS_S` for how long at random times and at once; every
failure names them.
"""

from __future__ import annotations

import math
import subprocess
import sys
from contextlib import ExitStack

import psycopg
import pytest

from tasks.keepa.client import KeepaClient
from tasks.keepa.request import DealRequest
from tasks.keepa.selection.selection import default_selection
from tasks.secret import Secret
from tasks.simulator.config import SimulatorConfig
from tasks.simulator.server import SimulatorServer
from tasks.store.ledger_row.hosts import BEAT_S
from tasks.store.ledger_row.statements import TTL_S
from tests.fakes.chaos_verdict import PAID, bought_again
from tests.fakes.database.tcp_postgres import TcpPostgres
from tests.fakes.machine import namespaces
from tests.fakes.machine.hosts_chaos import WHOLE_S, HostsChaos
from tests.fakes.machine.joined_hosts import FAKE_TIME, HOSTS_S, KEY, ROUNDS, SEED, Hosts
from tests.fakes.machine.namespaces import Machine
from tests.fakes.program.cli_program import ROOT
from tests.fakes.waiting import wait_until

LOCK = """
import sys
from tasks.store.connection import connect
with connect(sys.argv[1], application_name="there", autocommit=True, lock_timeout_ms=1000) as conn, conn.transaction():
    conn.execute("SELECT a FROM one FOR UPDATE")
    print("locked", flush=True)
    sys.stdin.read()
"""
WORKERS = 2  # of each host


def say(words):
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


@pytest.fixture
def joined(tmp_path):
    rate = 2 if HOSTS_S else 12  # workers that are killed every half minute spend little, on a loaded machine less
    config = SimulatorConfig(
        rate=rate, tick_s=0.5, deals=12_000, keys=frozenset({KEY}), market_minute=8_300_000, latency_s=0.5, hang_s=4
    )
    with ExitStack() as undo:
        simulator = undo.enter_context(SimulatorServer(config))
        # Its market is made when it is first asked for, which takes long.
        with KeepaClient(Secret(KEY), simulator.url, read_timeout_s=3600) as client:
            client.send(DealRequest(default_selection(1).for_upsert(), 0))
        found = Hosts(tmp_path, simulator, undo)
        found.begin()
        yield found


def charged(host):
    return [call for call in host.calls() if call["consumed"] > 0]


def cut_link(joined, host):
    """A host that is cut off sends what it had booked, a call a worker, counts as dead, and goes on when it is back."""
    number, life = joined.until_busy(host)
    host.cut()
    before = len(charged(host))
    tokens = joined.on_the_wire(host, number)
    joined.until_free(host, number, life)
    assert host.machine is None or len(charged(host)) - before <= WORKERS, joined.story()
    joined.wire += max(tokens, joined.on_the_wire(host, number))
    host.mend()
    wait_until(lambda: joined.silent_s(number) < TTL_S, f"{host.name} is back", explain=joined.story)


def kill_host(joined, host):
    """A host whose processes end at once, and which comes back as after a boot."""
    number, life = joined.until_busy(host)
    host.freeze()
    joined.wire += joined.on_the_wire(host, number)
    host.kill()
    joined.until_free(host, number, life)
    host.join().until_working()


def cut_database(joined, host):
    """A host that still reaches the API, and the database again before it counts as dead: nothing is lost."""
    number, _ = joined.until_busy(host)
    host.cut("database")
    wait_until(lambda: joined.silent_s(number) > BEAT_S + 1, f"{host.name} misses a beat", explain=joined.story)
    if joined.silent_s(number) > TTL_S / 2:  # on a machine that stands still it may be dead when it is back
        joined.wire += joined.on_the_wire(host, number)
    host.mend("database")


def cut_api(joined, host):
    """A host that reaches the database alone: what it asks for the others cannot tell."""
    number, _ = joined.until_busy(host)
    if not host.can_be_cut("api"):
        return
    host.cut("api")
    joined.wire += joined.on_the_wire(host, number)
    until_all_ask(joined, among=[one for one in joined.all if one is not host])
    host.mend("api")


def promote(joined, _host):
    """The replica takes the place of the server for good."""
    if not joined.database.is_promoted:
        joined.promote()
    until_all_ask(joined)


def until_all_ask(joined, *endpoint, among=None):
    """Wait until each host, or each of these, has asked the API for something more."""
    chosen = joined.all if among is None else among
    counts = [len(host.calls(*endpoint)) for host in chosen]

    def have_all():
        return all(len(host.calls(*endpoint)) > count for host, count in zip(chosen, counts, strict=True))

    wait_until(have_all, f"every host asks for more {endpoint}", explain=joined.story)


def kill_database(joined, _host):
    """A crash of the server makes nobody look dead."""
    joined.database.kill()
    joined.database.start()
    until_all_ask(joined)


def judge(joined):
    books, account = joined.books(), joined.simulator.control()
    totals, bucket = books["totals"], books["bucket"]
    ((recorded, unseen),) = joined.rows(PAID)
    calls = [call for call in joined.spoiler.calls("/product") if call["consumed"] > 0]
    again, works = bought_again(calls, math.inf)
    charged_all = account["spent"] - joined.spent_before
    lost, most = charged_all - recorded, joined.wire + unseen
    figures = (
        f"{len(calls)} batches, {account['spent']} tokens, {lost:g} of them unrecorded and {again['read']:g} for what "
        f"was paid before, at most {most:g} on the wire; the ledger has "
        f"{totals['spent']:g} spent, drift {bucket['drift']:g}, {account['refused_429']} refused"
    )
    say(f"{joined.events[-8:]}: {figures}")
    assert account["refused_429"] == totals["refused_429"] == 0, joined.story()
    came, went = totals["credited"] + bucket["drift"], bucket["balance"] + totals["spent"] + totals["expired"]
    assert round(came, 3) == round(went, 3), joined.story()
    assert (books["leases"], books["waiters"]) == ([], []), joined.story()
    assert 0 <= lost <= most, f"{figures} {joined.story()}"
    # A lease that ended twice is spent twice, and what is sent without one not at all.
    assert abs(totals["spent"] - charged_all) <= most, f"{figures} {joined.story()}"
    assert again["read"] <= most, f"{works.most_common(5)} {figures} {joined.story()}"
    assert joined.rows("SELECT count(*) FROM hosts WHERE left_at IS NULL AND name NOT LIKE 'host-%%'") == [(0,)]


@pytest.mark.hosts
@pytest.mark.timeout(600)
def test_what_a_machine_had_locked_is_free_soon_after_it_is_gone(tmp_path):
    """The server would wait for it for hours, and the limit of a transaction is five minutes."""
    if why_not := namespaces.why_not():
        pytest.skip(why_not)
    with ExitStack() as undo:
        database, machine = TcpPostgres(tmp_path / "database"), Machine(1)
        undo.callback(database.close)
        undo.callback(machine.close)
        here = undo.enter_context(psycopg.connect(database.url(), autocommit=True))
        here.execute("CREATE TABLE one (a int PRIMARY KEY)")
        here.execute("INSERT INTO one VALUES (1)")
        command = [*machine.inside, sys.executable, "-c", LOCK, database.url(machine.gateway)]
        there = undo.enter_context(
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        )
        undo.callback(there.kill)
        assert there.stdout.readline() == "locked\n"
        with pytest.raises(psycopg.errors.LockNotAvailable):
            here.execute("SELECT a FROM one FOR UPDATE NOWAIT")
        machine.cut()
        here.execute("SET lock_timeout = '150 s'")
        assert here.execute("SELECT a FROM one FOR UPDATE").fetchall() == [(1,)]


@pytest.mark.hosts
@pytest.mark.timeout(900 + 600 * ROUNDS)
def test_three_hosts_lose_nothing_and_pay_for_nothing_twice(joined):
    say(
        f"seed {SEED}; {namespaces.why_not() or 'in namespaces'}; wall clock {'wrong on one' if FAKE_TIME else 'right'}"
    )
    for _ in range(ROUNDS):
        deeds = [cut_link, kill_host, kill_database, cut_database, cut_api, promote]
        joined.chance.shuffle(deeds)
        for deed in deeds:
            host = joined.chance.choice(joined.all)
            joined.events.append(f"{deed.__name__} {host.name}")
            deed(joined, host)
    until_all_ask(joined, "/product")
    assert [host.stop() for host in joined.all] == [0, 0, 0], joined.story()
    assert [host.spooled() for host in joined.all] == [0, 0, 0]
    judge(joined)


@pytest.mark.hosts
@pytest.mark.skipif(not HOSTS_S, reason="HOSTS_S says for how long")
@pytest.mark.timeout(1200 + 3 * HOSTS_S)
def test_whatever_happens_to_three_hosts_at_random_times_they_pay_for_nothing_twice(joined):
    """Workers and hosts are killed, ways cut, the database crashes, and a replica takes its place."""
    before = joined.simulator.control()
    chaos = HostsChaos(joined, HOSTS_S)
    chaos.live()
    until_all_ask(joined, "/product")
    after = joined.simulator.control()
    spent, refilled = (after[name] - before[name] for name in ("spent", "refilled"))
    say(f"HOSTS_SEED={SEED} HOSTS_S={HOSTS_S:g}: {dict(chaos.done)}; {spent} of {refilled} tokens spent")
    assert [host.stop() for host in joined.all] == [0, 0, 0], joined.story()
    assert [host.spooled() for host in joined.all] == [0, 0, 0]
    judge(joined)
    assert spent >= refilled / 2 or HOSTS_S < WHOLE_S, joined.story()
