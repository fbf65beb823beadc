"""The mapped file: made whole, read without a lock, refused when it is something else, begun anew when it must be."""

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ledger import DEFAULT_TIERS, Damaged, LeaseEnded, NoLedger, NotOurs, Reading, TokenLedger
from ledger.book import BOOK_BYTES
from ledger.region import slot_at

SERVER_MS = 1_700_000_000_000


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "ledger"


def started(path, account="a"):
    ledger = TokenLedger.create(path, DEFAULT_TIERS, account=account)
    ledger.observe(Reading(300, 5, 60_000, SERVER_MS))
    return ledger


def dump(path, *options):
    return subprocess.run(
        [sys.executable, "-m", "ledger", "dump", "--path", str(path), *options],
        capture_output=True,
        text=True,
        check=False,
    )


def test_two_handles_see_one_book(path):
    first = started(path)
    second = TokenLedger.attach(path)
    lease = first.try_reserve("upsert", 100)
    assert second.headroom("upsert").now == 150
    lease.cancel()
    assert second.headroom("upsert").now == 250
    first.close()
    second.close()


def test_creating_again_attaches_and_keeps_everything(path):
    first = started(path)
    again = TokenLedger.create(path, DEFAULT_TIERS, account="a")
    assert again.snapshot().bucket.balance == 300
    first.close()
    again.close()


def test_another_account_begins_anew_and_the_old_handle_is_told(path):
    old = started(path)
    fresh = TokenLedger.create(path, DEFAULT_TIERS, account="b")
    assert not fresh.snapshot().synced
    with pytest.raises(Damaged, match="begun anew"):
        old.try_reserve("upsert", 1)
    old.close()
    fresh.close()


def test_attaching_to_nothing_says_so(path):
    with pytest.raises(NoLedger, match="nothing has been started"):
        TokenLedger.attach(path)


def test_a_file_that_is_something_else_is_refused_and_left_alone(path):
    path.parent.mkdir()
    path.write_bytes(b"my diary" * 10_000)
    with pytest.raises(NotOurs):
        TokenLedger.attach(path)
    with pytest.raises(NotOurs):
        TokenLedger.create(path, DEFAULT_TIERS)
    assert path.read_bytes().startswith(b"my diary")


def test_another_format_is_refused_by_attach_and_begun_anew_by_create(path):
    started(path).close()
    with path.open("r+b") as file:
        file.seek(8)
        file.write((99).to_bytes(4, "little"))
    with pytest.raises(NotOurs, match="format 99"):
        TokenLedger.attach(path)
    fresh = TokenLedger.create(path, DEFAULT_TIERS, account="a")
    assert not fresh.snapshot().synced
    fresh.close()


def test_another_boot_begins_anew(path):
    started(path).close()
    with path.open("r+b") as file:
        file.seek(16)
        file.write(bytes(16))
    fresh = TokenLedger.create(path, DEFAULT_TIERS, account="a")
    assert not fresh.snapshot().synced
    fresh.close()


def test_a_damaged_newest_copy_falls_back_to_the_one_before(path):
    ledger = started(path)
    before = ledger.snapshot().sequence
    ledger.try_reserve("upsert", 10)
    newest = ledger.snapshot().sequence
    assert newest == before + 1
    with path.open("r+b") as file:
        file.seek(slot_at(newest % 4) + 100)
        file.write(b"\xff" * 8)
    assert ledger.snapshot().sequence == before
    ledger.try_reserve("upsert", 10)
    assert ledger.snapshot().sequence > newest
    ledger.close()


def test_the_only_sound_copy_is_never_written_over(path):
    ledger = started(path)
    for _ in range(3):
        ledger.try_reserve("upsert", 1)
    newest = ledger.snapshot().sequence
    with path.open("r+b") as file:
        for sequence in (newest, newest - 1, newest - 2):
            file.seek(slot_at(sequence % 4) + 100)
            file.write(b"\xff" * 8)
    before = path.read_bytes()
    oldest = ledger.snapshot().sequence
    assert oldest == newest - 3
    ledger.try_reserve("upsert", 1)
    at = slot_at(oldest % 4)
    assert path.read_bytes()[at : at + BOOK_BYTES] == before[at : at + BOOK_BYTES]
    assert ledger.snapshot().sequence > newest
    ledger.close()


def test_with_no_sound_copy_left_it_says_so_and_create_begins_anew(path):
    ledger = started(path)
    with path.open("r+b") as file:
        for slot in range(4):
            file.seek(slot_at(slot) + 50)
            file.write(b"\xff" * 64)
    with pytest.raises(Damaged):
        ledger.snapshot()
    ledger.close()
    assert dump(path).returncode == 1
    fresh = TokenLedger.create(path, DEFAULT_TIERS, account="a")
    assert not fresh.snapshot().synced
    fresh.close()


def test_a_truncated_file_is_refused_by_attach(path):
    started(path).close()
    with path.open("r+b") as file:
        file.truncate(5_000)
    with pytest.raises(NotOurs, match="5000 bytes"):
        TokenLedger.attach(path)
    TokenLedger.create(path, DEFAULT_TIERS, account="a").close()


def test_an_exception_inside_a_transaction_publishes_nothing(path):
    ledger = started(path)
    before = ledger.snapshot()
    with pytest.raises(KeyError, match="there are: interactive, upsert, backfill"):
        ledger.try_reserve("nobody", 1)
    after = ledger.snapshot()
    assert (after.sequence, after.bucket.balance) == (before.sequence, before.bucket.balance)
    ledger.close()


def test_a_lease_ends_once(path):
    ledger = started(path)
    lease = ledger.try_reserve("upsert", 1)
    lease.cancel()
    for again in (lease.cancel, lease.commit, lambda: lease.settle(1)):
        with pytest.raises(LeaseEnded):
            again()
    ledger.close()


def test_the_dump_takes_no_lock_changes_nothing_and_is_valid_json(path):
    ledger = started(path)
    ledger.try_reserve("upsert", 10)
    with path.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # held all the while
        before = (path.read_bytes(), path.stat().st_ino)
        seen = dump(path, "--json")
        assert (path.read_bytes(), path.stat().st_ino) == before
    assert (seen.returncode, seen.stderr) == (0, "")
    record = json.loads(seen.stdout)
    assert {"format", "sequence", "generated_at", "bucket", "tiers", "leases", "totals", "costs", "journal"} <= set(
        record
    )
    assert record["leases"][0]["cost"] == 10
    text = dump(path)
    assert text.returncode == 0
    assert "upsert" in text.stdout
    ledger.close()


def test_the_dump_of_nothing_is_one_line_and_exit_1(path):
    seen = dump(path)
    assert (seen.returncode, len(seen.stderr.splitlines())) == (1, 1)


def test_a_forked_child_is_excluded_while_its_parent_holds_the_lock(path):
    ledger = started(path)
    reading, writing = os.pipe()
    ledger._region.begin()
    try:
        pid = os.fork()
        if pid == 0:
            fd = ledger._region._lock_fd
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.write(writing, b"granted")
            except BlockingIOError:
                os.write(writing, b"refused")
            os._exit(0)
        os.waitpid(pid, 0)
    finally:
        ledger._region.end()
    assert os.read(reading, 10) == b"refused"
    os.close(reading)
    os.close(writing)
    ledger.close()


def test_the_file_is_private_and_nothing_else_is_left_beside_it(path):
    started(path).close()
    assert path.stat().st_mode & 0o777 == 0o600
    assert {entry.name for entry in Path(path.parent).iterdir()} == {"ledger", "ledger.lock"}
    assert BOOK_BYTES < 20_000
