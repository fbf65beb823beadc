"""Lines 17 to 32 of the checklist that no other test holds: hangs, clocks, stops, the death of the parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from ledger import DEFAULT_TIERS, Lease, Reading, TokenLedger
from supervisor.process.child import spawn
from supervisor.process.heartbeat import Heartbeat, hung_at_ns
from supervisor.process.states import State
from tasks.simulator.config import SimulatorConfig
from tasks.simulator.server import SimulatorServer
from tests.fakes.program.cli_program import ROOT, Program, wait_until
from tests.fakes.program.worker_family import Scripted
from tests.fixtures.jobs import Worker, eventually
from tests.fixtures.server import TICK_S, WIDE

NS = 10**9
DAY_S = 24 * 3600
HANG_S = 0.4
GRACE_S = 0.3


def test_a_silence_counts_at_once_by_the_limit_that_is_set_during_it(family):
    slot = family.add("upsert", [["ready"], ["hang"]], hang_s=3600.0, grace_s=GRACE_S)
    family.tree.start_workers()
    family.until(lambda: slot.state is State.RUNNING)
    due_ns = slot.due_ns
    slot.use_spec(replace(slot.spec, hang_s=HANG_S))
    assert slot.due_ns == due_ns - round((3600 - HANG_S) * NS)
    family.until(family.deaths)
    assert family.deaths()[0].cause == "hung"


def test_line_17_a_stopped_worker_that_holds_the_ledgers_lock_delays_others_until_it_counts_as_hung(family, tmp_path):
    ledger = TokenLedger.create(tmp_path / "ledger", DEFAULT_TIERS)
    ledger.observe(Reading(tokens_left=300, refill_rate=5, refill_in_ms=60_000, server_ms=1_700_000_000_000))
    script = [["ready"], ["stop_self_with_lock", str(tmp_path / "ledger")]]
    slot = family.add("upsert", script, hang_s=HANG_S, grace_s=GRACE_S)
    family.tree.start_workers()
    family.until(lambda: slot.state is State.RUNNING)
    ready_ns = slot.ready_ns
    got = []

    def reserve():
        lease = ledger.try_reserve("upsert", 10)
        got.append((lease, time.monotonic_ns()))

    pid = slot.pid
    family.until(lambda: Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T", "its stop")
    waiting = threading.Thread(target=reserve)
    waiting.start()
    family.until(family.deaths)
    family.until(lambda: got)
    waiting.join()
    assert (family.deaths()[0].cause, family.deaths()[0].signal) == ("hung", "SIGKILL")
    lease, at_ns = got[0]
    assert isinstance(lease, Lease)
    assert at_ns - ready_ns >= HANG_S * NS
    lease.cancel()
    assert ledger.snapshot().bucket.balance == 300
    ledger.close()


@pytest.mark.parametrize("asleep_s", [3600, DAY_S])
def test_line_18_an_hour_of_sleep_of_the_machine_is_no_silence_and_shortens_no_promise(asleep_s):
    """Asleep, the supervisor's clock stands still and the ledger's, which everybody's promises are in, goes on."""
    now_ns, ledger_now_ns = 10**12, 10**15
    beat = Heartbeat(phase="waiting_tokens", until_ns=ledger_now_ns + 600 * NS)
    before = hung_at_ns(beat, now_ns=now_ns, ledger_now_ns=ledger_now_ns, hang_s=120)
    assert before - now_ns == 720 * NS, "after the sleep there is as much of this left as before"
    again = hung_at_ns(beat, now_ns=now_ns, ledger_now_ns=ledger_now_ns + asleep_s * NS, hang_s=120)
    assert again - now_ns == 120 * NS, "and what was slept over is waited for no longer"


@pytest.mark.parametrize("days", [1, -1])
@pytest.mark.parametrize(("role", "event"), [("upsert", "walk_complete"), ("backfill", "crawl_complete")])
def test_line_18_a_calendar_that_is_set_by_a_day_puts_no_poll_and_no_crawl_off(town, role, event, days):
    """When the last walk ended is kept as a date, for the next start; a clock that was set makes it any date."""
    here = town(WIDE, rate=60, start_balance=3_600, deals=200, market_minute=7_700_000)
    details = {"upsert_detail": "none"} if role == "upsert" else {"backfill_detail": "stats"}
    first = here.job(role, **details)
    while not here.events(event):
        here.run(first, 1)
    first.close()
    here.execute(f"update crawls set finished_at = finished_at + interval '{days} days'")
    again = here.job(role, **details)
    here.run(again, TICK_S + 2)
    assert len(here.events(event)) >= 2


@pytest.fixture
def served(tmp_path, database_url):
    """A run against a server of ours, whose calls can be looked at."""
    config = SimulatorConfig(keys=frozenset({"k" * 20}), rate=60, tick_s=0.5, deals=3_000)
    with SimulatorServer(config) as server:
        program = Program(
            tmp_path, KEEPA_API_KEY="k" * 20, KEEPA_BASE_URL=server.url, TICK_PERIOD_S="0.5", BACKFILL_WORKERS="2",
            DATABASE_URL=database_url,
        )  # fmt: skip
        yield program, server
        program.kill()


def test_line_20_after_sigterm_no_call_is_begun_and_those_in_flight_are_settled_with_their_rows(served):
    program, server = served
    program.start().until_working()
    server.control(latency_s=0.6)
    wait_until(lambda: leases(program), "a call in flight")
    begun = len(server.control()["log"])
    in_flight = len(leases(program))
    program.signal(signal.SIGTERM)
    assert program.ended() == 0
    assert len(server.control()["log"]) <= begun + in_flight + 3, "each of three workers may have just begun one"
    ledger = program.ledger()
    state = server.control()
    assert (ledger["leases"], ledger["waiters"]) == ([], [])
    assert ledger["totals"]["spent"] == state["spent"]
    assert ledger["bucket"]["drift"] == 0


def leases(program):
    return [lease for lease in program.ledger()["leases"] if lease["state"] == "committed"]


@pytest.mark.parametrize("count", [12])
def test_line_22_however_many_ignore_the_stop_it_takes_one_grace(family, count):
    slots = [family.add("upsert", [["ignore_term"], ["ready"]], slot=number, stop_s=0.5) for number in range(count)]
    family.tree.start_workers()
    family.until(lambda: all(slot.state is State.RUNNING for slot in slots))
    family.tree.stop_workers()
    deadlines = [timer.at_ns for slot in slots for timer in slot._timers if timer.call is not None]
    assert len(deadlines) == count, "nobody's grace begins when another's is over"
    family.until(lambda: family.is_at_rest)
    assert [kill["signal"] for kill in family.records("signalled")] == ["SIGKILL"] * count


def ends(worker):
    """The exit code after SIGTERM; what the worker waits for never comes."""
    worker.terminate()
    return worker.wait_end()


def test_line_25_a_worker_blocked_by_a_lock_in_postgresql_hears_a_stop(plant):
    with psycopg.connect(plant.database_url) as blocker:
        blocker.execute("lock table deal_rows in exclusive mode")
        worker = plant.worker("upsert").wait_ready()
        eventually(plant.spooled, lambda: worker.output)
        assert ends(worker) == 0
        assert len(plant.spooled()) == 1


# In namespaces of its own: the one name server there takes every question and answers none.
DEAF = """
import os, socket, subprocess, sys
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
subprocess.run(["mount", "--bind", sys.argv[1], "/etc/resolv.conf"], check=True)
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))
server.set_inheritable(True)
os.execv(sys.argv[2], sys.argv[2:])
"""
OWN_NETWORK = ["unshare", "--map-root-user", "--user", "--mount", "--net"]


@pytest.mark.parametrize("role", ["upsert", "backfill"])
def test_line_25_a_worker_that_looks_up_a_name_hears_a_stop(plant, tmp_path, role):
    if subprocess.run([*OWN_NETWORK, "ip", "link"], capture_output=True, check=False).returncode:
        pytest.skip("namespaces are not for everybody here")
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:30 attempts:5\n")
    deaf = [*OWN_NETWORK, sys.executable, "-c", DEAF, str(tmp_path / "resolv.conf")]
    told = plant.settings(base_url="http://keepa.invalid")
    worker = Worker(role, 0, (), told, wrapped=deaf)
    plant.workers.append(worker)
    worker.wait_ready()
    worker.wait_phase("calling")
    assert ends(worker) == (0 if role == "upsert" else 75)
    assert "Traceback" not in worker.output
    assert plant.ledger.snapshot().leases == ()


def test_line_27_a_worker_between_its_exec_and_its_prctl_goes_with_its_parent(plant):
    """The kernel's signal for the parent's death is not asked for yet: the end of the lifeline is what tells."""
    for delay_s in (0.0, 0.05, 0.15):
        worker = Worker("upsert", 0, (), plant.settings())
        threading.Event().wait(delay_s)
        worker.hang_up()
        assert worker.wait_end() in {0, 75, 78}
        worker.close()
    assert plant.ledger.snapshot().leases == ()


# In a namespace of its own, where it may say which number the next process gets: a stranger is given a dead child's.
REUSE = """
import os, signal, sys
from pathlib import Path
from supervisor.process.child import spawn
from tests.fakes.program.worker_family import Scripted
one = spawn(Scripted(role="upsert", slot=0, script=[["ready"], ["hang"]]))
one.send(signal.SIGKILL)
os.waitid(os.P_PIDFD, one.pidfd, os.WEXITED | os.WNOWAIT)
assert one.send(signal.SIGTERM) in (True, False)  # a zombie still has its number, and nobody else can
assert one.reap().signal == signal.SIGKILL
for _ in range(200):
    Path("/proc/sys/kernel/ns_last_pid").write_text(str(one.pid - 1))
    stranger = os.fork()
    if stranger == 0:
        signal.pause()
    if stranger == one.pid:
        break
    os.kill(stranger, signal.SIGKILL)
    os.waitpid(stranger, 0)
print("same number" if stranger == one.pid else "another number")
print("sent" if one.send(signal.SIGKILL) else "not sent")
os.kill(stranger, 0)
print("lives" if os.waitpid(stranger, os.WNOHANG) == (0, 0) else "was killed")
os.kill(stranger, signal.SIGKILL)
os.waitpid(stranger, 0)
one.close()
"""
NAMESPACE = ["unshare", "--map-root-user", "--user", "--pid", "--fork", "--mount-proc"]


def test_line_32_a_signal_for_a_dead_child_never_reaches_the_stranger_that_was_given_its_number():
    if subprocess.run([*NAMESPACE, "true"], capture_output=True, check=False).returncode:
        pytest.skip("namespaces are not for everybody here")
    seen = subprocess.run(
        [*NAMESPACE, sys.executable, "-c", REUSE], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert seen.stdout.splitlines() == ["same number", "not sent", "lives"], seen.stderr


def test_line_32_a_dead_child_keeps_its_number_until_it_is_reaped():
    one = spawn(Scripted(role="upsert", slot=0, script=[["exit", 3]]))
    os.waitid(os.P_PID, one.pid, os.WEXITED | os.WNOWAIT)
    os.kill(one.pid, 0)  # nobody else can have it
    assert one.reap().code == 3
    with pytest.raises(ProcessLookupError):
        os.kill(one.pid, 0)
    assert not one.send(signal.SIGTERM)
    one.close()
