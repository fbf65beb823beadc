"""`sluicegate run` over the ledger file of another build: one line says that it begins anew, and the work goes on."""

from __future__ import annotations

import pytest

from ledger.storage.region import FORMAT, HEADER, MAGIC
from tests.fakes.program.cli_program import Program
from tests.fakes.waiting import wait_until
from tests.fixtures.spoiler import make_many

KEY = "k" * 20
ENOUGH = 3


def as_of(file, format_number, size):
    """The file as another build would have left it on this boot: other places, other numbers in them."""
    whole = file.read_bytes()
    _, _, layout, boot, account = HEADER.unpack_from(whole)
    header = HEADER.pack(MAGIC, format_number, layout ^ 1, boot, account)
    file.write_bytes((header + whole[len(header) :]).ljust(len(whole) + size, b"\0")[: len(whole) + size])


def asked(spoiler):
    return [asin for call in spoiler.calls("/product") for asin in call["asins"].split(",")]


@pytest.mark.kill
@pytest.mark.parametrize(("format_number", "size"), [(FORMAT - 1, -64), (FORMAT + 1, 64)])
def test_a_run_begins_the_ledger_of_another_build_anew_and_buys_nothing_twice(
    tmp_path, database_url, make_spoiled, format_number, size
):
    spoiler = make_many(make_spoiled, KEY, rate=20, tick_s=0.5)
    program = Program(
        tmp_path, KEEPA_API_KEY=KEY, KEEPA_BASE_URL=spoiler.url, TICK_PERIOD_S="0.5", UPSERT_DETAIL="none",
        DATABASE_URL=database_url,
    )  # fmt: skip
    try:
        program.start().until_working()
        wait_until(lambda: len(spoiler.calls("/product")) >= ENOUGH, "the first batches", explain=program.tail)
        assert program.stop() == 0, program.tail()
        assert program.records("ledger_anew") == []
        before = spoiler.simulator.control()["spent"]
        calls = len(spoiler.calls("/product"))
        as_of(program.state / "ledger", format_number, size)
        looked = program.command("doctor")
        assert "of another build: the next start creates a new one" in looked.stdout
        program.start().until_working()
        wait_until(lambda: len(spoiler.calls("/product")) >= calls + ENOUGH, "more batches", explain=program.tail)
        assert program.stop() == 0, program.tail()
    finally:
        program.kill()
    told = f"the ledger had format {format_number}; a new one was made, which starts from one reading of the balance"
    assert [record["message"] for record in program.records("ledger_anew")] == [told]
    assert [record for record in program.records("died") if record["level"] != "debug"] == []
    assert program.records("run_failed") == []
    assert sorted(asked(spoiler)) == sorted(set(asked(spoiler)))
    books = program.ledger()
    assert books["totals"]["spent"] == spoiler.simulator.control()["spent"] - before
    assert (books["bucket"]["drift"], books["leases"], books["waiters"]) == (0, [], [])
