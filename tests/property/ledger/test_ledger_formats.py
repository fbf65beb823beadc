"""A ledger file of another build, older or newer, is begun anew at a start, and nobody goes on with the old one."""

import mmap
import os
import struct
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ledger import DEFAULT_TIERS, NeedsReading, OtherFormat, Reading, TokenLedger
from ledger.model.book import LAYOUT
from ledger.storage.region import FORMAT, HEADER, MAGIC, REGION_BYTES, RETIRED_WORD, SLOTS

PAGE = 4096
SERVER_MS = 1_700_000_000_000


def of_another_build(format_number, layout, size, *, rest=b"", boot=bytes(16)):
    """The bytes of a ledger file with that header."""
    made = bytearray((HEADER.pack(MAGIC, format_number, layout, boot, 1) + bytes(PAGE)).ljust(size, b"\0")[:size])
    made[PAGE : PAGE + len(rest)] = rest[: max(0, size - PAGE)]
    return bytes(made)


@settings(max_examples=150, deadline=None)
@given(
    format_number=st.one_of(st.integers(0, FORMAT + 3), st.integers(0, 2**32 - 1)),
    layout=st.one_of(st.just(LAYOUT), st.integers(0, 2**32 - 1)),
    size=st.one_of(st.just(REGION_BYTES), st.integers(PAGE, 3 * REGION_BYTES)),
    rest=st.binary(max_size=2_000),
)
def test_a_file_of_any_other_build_is_begun_anew_and_its_users_are_told(format_number, layout, size, rest):
    assume((format_number, layout, size) != (FORMAT, LAYOUT, REGION_BYTES))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "ledger")
        path.write_bytes(of_another_build(format_number, layout, size, rest=rest))
        with pytest.raises(OtherFormat, match=f"format {format_number}, .*this build reads format {FORMAT}"):
            TokenLedger.attach(path)
        with path.open("r+b") as file:
            old = mmap.mmap(file.fileno(), size)  # as a process of that build has it
        with closing(TokenLedger.create(path, DEFAULT_TIERS, account="a")) as ledger:
            assert not ledger.snapshot().synced
            assert ledger.snapshot().totals.spent == 0
            with pytest.raises(NeedsReading):
                ledger.try_reserve("upsert", 1)
            assert ledger.observe(Reading(300, 5, 60_000, SERVER_MS))
            assert ledger.try_reserve("upsert", 1).is_open
            fault = f"had format {format_number}" if format_number != FORMAT else "was not whole"
            made = "a new one was made, which starts from one reading of the balance"
            assert ledger.replaced == f"the ledger {fault}; {made}"
        assert struct.unpack_from("Q", old, RETIRED_WORD * 8) == (1,)
        old.close()
        assert sorted(entry.name for entry in Path(folder).iterdir()) == ["ledger", "ledger.lock"]
        with closing(TokenLedger.create(path, DEFAULT_TIERS, account="a")) as again:
            assert again.snapshot().bucket.balance == 300
            assert again.replaced == ""


def test_a_file_of_the_format_before_this_one_with_open_calls_in_it_is_begun_anew(tmp_path):
    path = tmp_path / "ledger"
    with closing(TokenLedger.create(path, DEFAULT_TIERS, account="a")) as ledger:
        ledger.observe(Reading(300, 5, 60_000, SERVER_MS))
        ledger.try_reserve("upsert", 100).commit()
        head = ledger.snapshot().sequence
    now = path.read_bytes()
    boot = HEADER.unpack_from(now)[3]
    before = of_another_build(2, 0x1234, len(now) - SLOTS * 64, rest=now[PAGE:], boot=boot)
    path.write_bytes(before)
    with path.open("r+b") as file:
        os.pwrite(file.fileno(), struct.pack("Q", head), 32 * 8)
    with closing(TokenLedger.create(path, DEFAULT_TIERS, account="a")) as ledger:
        snapshot = ledger.snapshot()
        assert (snapshot.synced, len(snapshot.leases), snapshot.totals.spent) == (False, 0, 0)
