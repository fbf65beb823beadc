"""Kill -9 at any moment: no deadlock, no invented or forgotten token, each lease ends once."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ledger import DEFAULT_TIERS, Lease, ManualClock, Reading, SystemClock, TokenLedger, Wait, atomic_file
from ledger.storage import file, lock
from tests.crash import forked
from tests.fakes.program.cli_program import freeze
from tests.fakes.waiting import LIMIT_S

SERVER_MS = 1_700_000_000_000
ROOT = Path(__file__).resolve().parents[3]


def books_balance(ledger):
    s = ledger.snapshot()
    assert round(s.totals.credited + s.bucket.drift, 6) == round(
        s.bucket.balance + s.totals.spent + s.totals.expired, 6
    )
    assert round(sum(t.in_flight for t in s.tiers), 6) == round(sum(lease.cost for lease in s.leases), 6)
    return s


def crashtest(*options, patch=""):
    imports = "import sys; from tests.crash.__main__ import main; from ledger.storage.region import *"
    code = f"{imports}\n{patch}\nsys.exit(main())"
    return subprocess.run([sys.executable, "-c", code, *options], capture_output=True, text=True, cwd=ROOT, check=False)


@pytest.mark.kill
@pytest.mark.timeout(2_400)
def test_a_kill_after_any_store_or_at_any_moment_leaves_sound_books_and_the_next_operation_is_prompt():
    seen = crashtest("--kills", "5000", "--seed", "2", "--limit-ms", "2500")  # who looked by himself would take 5 s
    assert (seen.returncode, seen.stderr) == (0, "")
    assert "5000 random kills" in seen.stdout


@pytest.mark.kill
def test_random_kills_over_a_row_leave_sound_books(database_url):
    seen = crashtest("--kills", "80", "--limit-ms", "0", "--row", database_url)
    assert (seen.returncode, seen.stderr) == (0, "")
    assert "80 random kills" in seen.stdout


MAKERS = {file.__file__, atomic_file.__file__, lock.__file__}

BROKEN = {
    "writes the current book in place": """
def begin_in_place(self):
    view = self._views[self.sequence % SLOTS]
    view.events.clear()
    return view
Region._begin = begin_in_place""",
    "publishes before it has written": """
begin = Region._begin
def publish_first(self):
    view = begin(self)
    self.publish(view)
    return view
Region._begin = publish_first""",
    "never gives back a dead owner's lease": """
from ledger.model import leases
leases.resolve_dead = lambda *_: 0""",
}


@pytest.mark.parametrize("fault", BROKEN)
def test_the_harness_finds_a_ledger_that(fault):
    seen = crashtest("--kills", "50", "--limit-ms", "0", patch=BROKEN[fault])
    assert seen.returncode == 1
    assert "BROKEN" in seen.stderr


def user(path, code):
    """A process that does `code` with its ledger `l`, once it has said that it is ready."""
    child = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import sys; from ledger import TokenLedger\nl = TokenLedger.attach(sys.argv[1])\n{code}",
            path,
        ],
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        cwd=ROOT,
    )
    assert child.stdout.readline() == b"ready\n"
    return child


def ended(child):
    child.kill()
    child.wait()
    child.stdin.close()
    child.stdout.close()


def die_at_line(number, path):
    """Begin the ledger anew for another account, and die at that line of the code that makes files."""
    left = number

    def stepped(_frame, event, _arg):
        nonlocal left
        left -= event == "line"
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
        return stepped

    sys.settrace(lambda frame, *_: stepped if frame.f_code.co_filename in MAKERS else None)
    TokenLedger.create(path, DEFAULT_TIERS, account="another").close()
    sys.settrace(None)


@pytest.mark.kill
def test_a_kill_at_any_line_while_a_file_is_made_leaves_the_next_start_nothing_to_mend(tmp_path):
    path, number, status = tmp_path / "ledger", 0, -signal.SIGKILL
    while status == -signal.SIGKILL:
        number += 1
        TokenLedger.create(path, DEFAULT_TIERS, account="one").close()
        status = forked.ended(forked.start(lambda line=number: die_at_line(line, path)))
        started = TokenLedger.create(path, DEFAULT_TIERS, account="another")
        started.observe(Reading(300, 5, 60_000, SERVER_MS))
        started.try_reserve("upsert", 10).cancel()
        books_balance(started)
        started.close()
        assert {entry.name for entry in tmp_path.iterdir()} <= {"ledger", "ledger.lock", "ledger.new"}
    assert status == 0
    assert number > 50


def test_a_dead_owners_leases_are_resolved_once(tmp_path):
    ledger = TokenLedger.create(tmp_path / "ledger", DEFAULT_TIERS)
    ledger.observe(Reading(300, 5, 60_000, SERVER_MS))
    code = "l.try_reserve('upsert', 20); l.try_reserve('upsert', 30).commit()"
    child = user(tmp_path / "ledger", f"{code}; print('ready', flush=True); sys.stdin.read()")
    assert ledger.resolve_dead() == 0
    ended(child)
    assert ledger.resolve_dead() == 2
    assert ledger.resolve_dead() == 0
    s = books_balance(ledger)
    assert (s.bucket.balance, s.totals.spent, s.totals.refunded) == (270, 30, 20)
    ledger.observe(Reading(300, 5, 50_000, SERVER_MS + 10_000))
    s = books_balance(ledger)
    assert (s.bucket.balance, s.totals.spent, s.bucket.drift) == (300, 0, 0)
    ledger.close()


def test_a_waiter_wakes_when_another_process_gives_tokens_back(tmp_path):
    ledger = TokenLedger.create(tmp_path / "ledger", DEFAULT_TIERS)
    ledger.observe(Reading(60, 5, 60_000, SERVER_MS))
    held = ledger.try_reserve("upsert", 10)
    other = TokenLedger.attach(tmp_path / "ledger")
    waiting = threading.Event()
    got = []

    def wait():
        got.append(other.reserve("upsert", 10, on_wait=lambda _: waiting.set(), timeout_s=3600))

    thread = threading.Thread(target=wait)
    thread.start()
    assert waiting.wait(LIMIT_S)
    held.cancel()
    thread.join(LIMIT_S)
    assert isinstance(got[0], Lease)
    other.close()
    ledger.close()


def test_a_stopped_process_at_the_head_of_a_tier_holds_it_up_for_its_turn_only(tmp_path):
    clock = ManualClock(SystemClock().now_ns())
    ledger = TokenLedger.create(tmp_path / "ledger", DEFAULT_TIERS, clock=clock)
    ledger.observe(Reading(200, 5, 60_000, SERVER_MS))
    held = ledger.try_reserve("backfill", 45)
    code = "l.reserve('backfill', 40, on_wait=lambda _: print('ready', flush=True))"
    child = user(tmp_path / "ledger", code)
    try:
        freeze(child.pid)
        held.cancel()  # the gate is open for the stopped one from here on
        with ledger.place("backfill") as place:
            assert isinstance(place.poll(40), Wait)
            clock.advance_s(4.9)
            assert isinstance(place.poll(40), Wait)
            clock.advance_s(0.2)
            assert isinstance(place.poll(40), Lease)
        assert [entry.event for entry in ledger.snapshot().journal].count("lapsed") == 1
    finally:
        ended(child)
    ledger.close()
