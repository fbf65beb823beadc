"""`sluicegate run` from outside: start, stop, kill, two at once, secrets, codes."""

from __future__ import annotations

import fcntl
import json
import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tasks.embedded_postgres.file_lock import FileLock
from tasks.embedded_postgres.keeper_process import START_LOCK
from tasks.simulator.config import SimulatorConfig
from tasks.simulator.server import SimulatorServer
from tests.fakes.program.cli_program import ROOT, Program, all_gone, is_alive, of_process, pids
from tests.fakes.waiting import wait_until

KEY = "a-key-that-must-show-nowhere-0123456789"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A state directory whose database has been made: later starts take a fraction of the time."""
    folder = tmp_path_factory.mktemp("home")
    program = Program(folder).start()
    program.until_working()
    assert program.stop() == 0, program.tail()
    return folder


@pytest.fixture
def program(home):
    (home / "log").unlink(missing_ok=True)
    one = Program(home)
    yield one
    one.kill()


def lock_is_free(state):
    with (state / "supervisor.lock").open("r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


@pytest.mark.kill
def test_the_last_line_of_the_log_is_the_end_whatever_was_owed_by_then(program):
    """Walks that went as the last one did are owed as a sum."""
    program.start(LOG_LEVEL="info", POLL_INTERVAL_S="1", BACKFILL_WORKERS="0")
    program.until(
        lambda r: sum(r["calls"].get("/deal", {"statuses": {}})["statuses"].values()) >= 10,
        "a walk of five pages and more",
    )
    assert program.stop() == 0, program.tail()
    assert any("times" in one for one in program.records("walk_complete")), "a sum was owed"
    last = json.loads(program.log().splitlines()[-1])
    assert (last["event"], last["message"], last.get("role")) == ("stopped", "stopped", None)


def test_a_whole_life_is_told_truly_cannot_be_doubled_and_leaves_nothing(program):
    (program.state / "supervisor.lock").write_text(f"{os.getpid()}\n")  # a stranger's pid decides nothing
    program.start().until_working()
    report = program.until(lambda r: r["counted"] and r["counted"]["rows"]["deals"] > 0, "deals, counted")
    running = pids(report)
    assert set(running) == {"upsert-0", "backfill-0", "database-0", "simulator-0"}
    check_status(program)
    second = program.command("run")
    assert second.returncode == 73
    assert f"pid {program.process.pid}" in second.stderr
    assert "Traceback" not in second.stderr
    assert all(is_alive(pid) for pid in running.values())
    assert program.stop() == 0
    plans = [json.loads(line) for line in program.log().splitlines() if '"event": "plan"' in line]
    assert [plan["floors"] for plan in plans] == [{"upsert": 50, "backfill": 150}]
    check_nothing_is_left(program, running)


def check_status(program):
    seen = program.command("status", "--json")
    status = json.loads(seen.stdout)
    assert seen.returncode == 0
    assert status["supervisor"]["pid"] == program.process.pid
    assert status["supervisor"]["state"] == "running"
    assert {"role", "slot", "pid", "state", "phase", "restarts"} <= set(status["workers"][0])
    assert set(status["rows"]) == {"deals", "products", "price_series", "quarantine"}
    assert status["rows"]["deals"] > 0
    assert {"pending", "done"} <= set(status["queue"])
    assert status["ledger"]["bucket"]["capacity"] == 1200
    assert status["deaths"] == []
    text = program.command("status")
    assert "upsert-0" in text.stdout
    assert max(map(len, text.stdout.splitlines())) <= 100


def check_nothing_is_left(program, running):
    wait_until(lambda: all_gone(running.values()), "the end of every process")
    assert lock_is_free(program.state)
    endings = (".new", ".tmp", ".pid")
    assert [path for path in program.state.rglob("*") if path.is_socket() or path.name.endswith(endings)] == []
    dump = json.loads(program.command("ledger", "dump", "--json").stdout)
    assert (dump["leases"], dump["waiters"]) == ([], [])
    status = program.command("status", "--json")
    assert status.returncode == 4
    assert json.loads(status.stdout)["stale"]
    assert "the supervisor stopped at " in program.command("status").stdout
    assert "Traceback" not in program.log()


def test_of_two_starts_at_once_one_runs_and_the_other_gives_way(program):
    first = program.start().process
    second = program.start().process
    wait_until(lambda: first.poll() is not None or second.poll() is not None, "the end of one of the two")
    loser, winner = (first, second) if first.poll() is not None else (second, first)
    assert loser.returncode == 73
    program.process = winner
    program.until_working()
    assert program.stop() == 0


def test_kill_9_takes_every_child_along_and_the_next_start_works_at_once(program):
    running = pids(program.start().until_working())
    program.kill()
    wait_until(lambda: all_gone(running.values()), "the end of every child")
    status = program.command("status", "--json")
    assert status.returncode == 4
    assert all(worker["state"] == "gone" for worker in json.loads(status.stdout)["workers"])
    dice = random.Random(7)
    for _ in range(2):  # and while children are being started
        program.start()
        threading.Event().wait(dice.uniform(0.3, 1.0))
        children = descendants(program.process.pid)
        program.kill()
        wait_until(lambda: all_gone(children), "the end of every child")  # noqa: B023 - used at once
    program.start().until_working()
    assert program.stop() == 0


@pytest.mark.kill
def test_kill_9_of_the_keeper_of_the_own_server_and_then_of_the_supervisor_leaves_no_server(program):
    running = pids(program.start().until_working())
    server = running["database-0"]
    keeper = int(Path(f"/proc/{server}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(keeper, signal.SIGKILL)
    program.kill()
    wait_until(lambda: all_gone([*running.values(), keeper]), "the end of the server too", explain=program.tail)
    program.start().until_working()
    assert program.stop() == 0


@pytest.mark.kill
def test_kill_9_of_the_keeper_alone_costs_a_moment_without_a_database(program):
    server = pids(program.start().until_working())["database-0"]
    keeper = int(Path(f"/proc/{server}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(keeper, signal.SIGKILL)
    program.until(lambda r: pids(r).get("database-0", server) != server, "another server")
    wait_until(
        lambda: [one for one in program.records("condition_over") if one["kind"] == "database"], "that it is back"
    )
    program.until_working()
    assert program.stop() == 0


def descendants(root):
    """Every process below `root` now."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
    found, new = set(), {root}
    while new:
        new = {pid for pid, parent in parents.items() if parent in new} - found
        found |= new
    return found


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_second_signal_does_not_wait(program, number, code):
    running = pids(program.start(STOP_S="600").until_working())
    os.kill(running["upsert-0"], signal.SIGSTOP)
    program.signal(number)
    program.until(lambda r: r["supervisor"]["state"] == "stopping", "the stop")
    threading.Event().wait(0.6)  # a signal that comes at once is the same wish, told twice
    program.signal(number)
    assert program.ended() == code
    wait_until(lambda: all_gone(running.values()), "the end of every process")
    assert "Traceback" not in program.log()


def test_the_same_wish_told_twice_within_a_moment_kills_nobody(program):
    running = pids(program.start(STOP_S="60").until_working())
    os.kill(running["upsert-0"], signal.SIGSTOP)
    program.signal(signal.SIGSTOP)
    for number in (signal.SIGINT, signal.SIGTERM):
        program.signal(number)
    threading.Event().wait(0.8)
    program.signal(signal.SIGCONT)
    program.until(lambda r: r["supervisor"]["state"] == "stopping", "the stop")
    assert program.records("kill") == [], "both came to a process that had told nothing yet"
    os.kill(running["upsert-0"], signal.SIGCONT)
    assert program.ended() == 0


@pytest.mark.kill
def test_a_supervisor_that_was_stopped_for_long_kills_no_worker_for_it(program):
    running = pids(program.start(HANG_S="15").until_working())
    program.signal(signal.SIGSTOP)
    threading.Event().wait(40)
    program.signal(signal.SIGCONT)
    wait_until(lambda: program.records("loop_stalled"), "the stall to be told", explain=program.tail)
    beat_at = {worker["slot"]: worker["beat_at"] for worker in program.report()["workers"]}
    program.until(lambda r: all(one["beat_at"] != beat_at[one["slot"]] for one in r["workers"]), "new beats")
    assert program.records("signalled") == []
    assert pids(program.report()) == running
    assert program.stop() == 0


def test_a_worker_that_does_not_stop_is_killed_at_the_deadline_and_named(program):
    running = pids(program.start(STOP_S="2").until_working())
    os.kill(running["backfill-0"], signal.SIGSTOP)
    assert program.stop() == 0
    kills = [kill for kill in program.records("signalled") if kill["role"] == "backfill"]
    assert [kill["signal"] for kill in kills] == ["SIGKILL"]
    assert kills[0]["doing"]
    wait_until(lambda: all_gone(running.values()), "the end of every process")


def test_signals_that_ask_for_nothing_change_nothing(program):
    program.start().until_working()
    for number in [signal.SIGCHLD, signal.SIGWINCH, signal.SIGCONT, signal.SIGPIPE] * 50:
        program.signal(number)
    assert program.stop() == 0
    assert "Traceback" not in program.log()


def test_nothing_but_one_module_is_loaded_before_ctrl_c_is_ours():
    code = (
        "import signal, sys\n"
        "before = {*sys.modules}\n"
        "from supervisor.cli import main as cli\n"
        "print(sorted({*sys.modules} - before))\n"
        "class Finder:\n"
        "    def find_spec(self, name, *_more):\n"
        "        print(name, signal.getsignal(signal.SIGINT) is signal.SIG_DFL)\n"
        "        sys.exit(5)\n"
        "sys.meta_path.insert(0, Finder())\n"
        "cli.main([])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    loaded = done.stdout.replace("'__future__', ", "")  # which a path hook of the environment may have loaded before
    assert (loaded, done.returncode) == (
        "['supervisor', 'supervisor.cli', 'supervisor.cli.main']\nsupervisor.cli.run_command True\n",
        5,
    )


def caught_and_ignored(pid):
    """The signals that a process catches and those that it ignores, as the bits of two numbers."""
    status = Path(f"/proc/{pid}/status").read_text()
    return [int(status.partition(name)[2].split()[0], 16) for name in ("SigCgt:", "SigIgn:")]


def hears_both(pid):
    """Whether the command itself catches signals: the interpreter never catches SIGTERM."""
    caught, _ = caught_and_ignored(pid)
    return caught >> (signal.SIGTERM - 1) & 1


def cpu_ticks(pid):
    """The time that a process has worked so far, in the system's ticks, which are of ten milliseconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def hears_no_ctrl_c(pid):
    """Whether the interpreter has begun and does not catch SIGINT: before it begins to, or after our first line.

    Python ignores SIGPIPE just before it begins to catch SIGINT, and our first line gives SIGINT its default back.
    """
    caught, ignored = caught_and_ignored(pid)
    return ignored >> (signal.SIGPIPE - 1) & 1 and not caught >> (signal.SIGINT - 1) & 1


def is_ours(pid):
    """Whether the interpreter no longer hears Ctrl-C itself: whether our first line has run.

    The moment before Python begins to catch SIGINT is much shorter than two ticks of work; a machine that has no time
    for the process can make it last, and the process does not work meanwhile.
    """
    if not hears_no_ctrl_c(pid):
        return hears_both(pid)
    seen = cpu_ticks(pid)
    wait_until(lambda: hears_both(pid) or cpu_ticks(pid) >= seen + 2, "some work of the process")
    return hears_both(pid) or hears_no_ctrl_c(pid)


def test_ctrl_c_at_any_moment_prints_no_traceback(program):
    """What the interpreter prints before our first line is not ours. Running and stopping: see the terminal's test."""
    dice = random.Random(11)
    moments = [number * 0.02 for number in range(11)] + [dice.uniform(0.25, 0.8) for _ in range(3)] + [None]
    codes = set()
    for moment in moments:
        (program.folder / "log").unlink(missing_ok=True)
        program.start()
        since = hears_both if moment is None else is_ours
        wait_until(lambda since=since: since(program.process.pid), "the moment")
        threading.Event().wait(moment or 0)
        program.signal(signal.SIGINT)
        codes.add(program.ended())
        assert "Traceback" not in program.log(), program.log()
        assert "KeyboardInterrupt" not in program.log(), program.log()
    assert codes == {0, -signal.SIGINT}


@pytest.mark.kill
def test_whatever_is_killed_comes_back_and_the_work_goes_on(program):
    before = program.start(SIMULATOR_START_BALANCE="1000").until_working()
    killed = {name: pids(before)[name] for name in ("simulator-0", "database-0", "upsert-0")}
    for pid in killed.values():
        os.kill(pid, signal.SIGKILL)
    program.until(
        lambda r: all(pids(r).get(name, pid) != pid for name, pid in killed.items()), "others in their places"
    )
    report = program.until_working()
    assert report["run"]["base_url"] == before["run"]["base_url"]
    deaths = {f"{death['role']}-{death['slot']}": death for death in report["deaths"]}
    assert deaths["upsert-0"]["signal"] == "SIGKILL"
    assert "short of memory" in deaths["upsert-0"]["words"]
    assert next(worker for worker in report["workers"] if worker["role"] == "upsert")["restarts"] == 1
    written = report["rows_written"].get("deals", 0)
    program.until(lambda r: r["rows_written"].get("deals", 0) > written, "more deals")
    assert program.stop() == 0


@pytest.mark.kill
def test_a_start_that_waits_for_a_lock_says_which_and_goes_on_when_it_is_free(program):
    with FileLock(program.state / "postgres" / START_LOCK) as lock:
        wait_until(lock.try_exclusive, "the end of the server of the test before this one")
        program.start()
        report = program.until(lambda r: r["conditions"], "what is waited for")
        (told,) = report["conditions"]
        assert (told["kind"], START_LOCK in told["why"]) == ("database", True)
    program.until_working()
    program.until(lambda r: not r["conditions"], "the end of it")
    (end,) = program.records("condition_over")
    assert end["kind"] == "database"
    assert program.stop() == 0


@pytest.mark.parametrize(
    "place",
    [
        "supervisor.database.backend.EmbeddedDatabase.start",
        "supervisor.database.backend.EmbeddedDatabase.stop",
        "ledger.TokenLedger.create",
    ],
)
def test_a_bug_in_what_is_done_aside_ends_the_run_with_70_and_its_traceback(program, place):
    module, _, name = place.rpartition(".")
    module, _, owner = module.rpartition(".")
    code = (
        f"import sys, {module} as module\n"
        "def broken(*_args, **_more): raise ZeroDivisionError('made by a test')\n"
        f"module.{owner}.{name} = broken\n"
        "from supervisor.cli import main as cli\n"
        "sys.exit(cli.main(['run']))\n"
    )
    with program.log_path.open("wb") as log:
        program.process = subprocess.Popen(
            [sys.executable, "-c", code], cwd=ROOT, env=program.environment(), stdout=log, stderr=log
        )
    if name == "stop":
        running = pids(program.until_working())
        program.signal(signal.SIGTERM)
    else:
        running = {}
    assert program.ended() == 70
    assert "ZeroDivisionError: made by a test" in program.log()
    assert "in broken" in program.log()
    assert lock_is_free(program.state)
    wait_until(lambda: all_gone(running.values()), "the end of every process")


def test_a_key_the_server_does_not_know_ends_the_run_with_a_plain_message(program):
    with SimulatorServer(SimulatorConfig(keys=frozenset({"another"}))) as server:
        program.start(KEEPA_API_KEY=KEY, KEEPA_BASE_URL=server.url)
        assert program.ended() == 77
    told = program.records("run_failed")
    assert len(told) == 1
    assert "refuses this key" in told[0]["message"]
    assert "KEEPA_API_KEY" in told[0]["message"]
    assert len(program.records("died")) <= 2, "nothing restarts in a loop"
    assert KEY not in program.log()


@pytest.mark.kill
def test_the_key_shows_nowhere_whatever_goes_wrong(program):
    faults = {"500": 0.2, "cut": 0.2, "non_json": 0.2}
    config = SimulatorConfig(keys=frozenset({KEY}), rate=60, tick_s=0.5, faults=faults, is_verbose=False)
    seen = b""
    with SimulatorServer(config) as server:
        program.start(KEEPA_API_KEY=KEY, KEEPA_BASE_URL=server.url, TICK_PERIOD_S="0.5", READ_TIMEOUT_S="2")
        program.until_working()
        program.until(lambda r: r["rows_written"].get("deals", 0) > 0, "deals")
        seen += of_process(program.process.pid, "cmdline")
        for pid in pids(program.report()).values():
            seen += of_process(pid, "cmdline") + of_process(pid, "environ")
        for command in (("status", "--json"), ("status",), ("doctor",), ("ledger", "dump", "--json")):
            done = program.command(*command, KEEPA_API_KEY=KEY, KEEPA_BASE_URL=server.url)
            assert done.stdout, f"{command} printed nothing to be searched: {done.stderr}"
            seen += (done.stdout + done.stderr).encode()
        assert program.stop() == 0
    seen += program.log().encode()
    for path in program.state.iterdir():
        if path.is_file():
            seen += path.read_bytes()
    assert KEY.encode() not in seen
    # The doctor did call with the key: it tells the plan, or the fault that the server answered with.
    assert b"plan of " in seen or b"did not answer" in seen


def test_synthetic_rows_are_refused_a_database_the_user_named(program):
    url = "postgresql://user:hunter2-secret@127.0.0.1:1/precious"
    done = program.command("run", DATABASE_URL=url)
    assert done.returncode == 78
    assert "synthetic rows would go into your database" in done.stderr
    assert "hunter2" not in done.stderr + done.stdout


def test_faults_of_the_configuration_are_named_together_and_end_with_78(program):
    done = program.command("run", UPSERT_WORKERS="x", BACKFILL_DETAIL="y")
    assert done.returncode == 78
    assert "2 faults" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_state_directory_that_cannot_be_made_is_a_fault_of_the_configuration(program, tmp_path):
    (tmp_path / "file").write_text("")
    done = program.command("run", STATE_DIR=str(tmp_path / "file" / "state"))
    assert done.returncode == 78
    assert "STATE_DIR" in done.stderr


def test_wrong_usage_is_2_and_an_early_reader_is_no_error(program):
    assert program.command("rum").returncode == 2
    assert program.command().returncode == 2
    piped = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m supervisor --help | head -c 10"],  # noqa: S607 - as a person types it
        cwd=ROOT,
        env=program.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert piped.stderr == ""
