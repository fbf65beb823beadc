"""The API key occurs nowhere in any output of a run in which every HTTP failure was provoked (line 51)."""

from __future__ import annotations

import pytest

from tasks.simulator.config import SimulatorConfig
from tasks.simulator.server import SimulatorServer
from tests.fakes.bad_server import OF_ANY, OF_PRODUCTS, Rogue
from tests.fakes.cli_program import Program, of_process, pids

KEY = "a-key+that/must=show-nowhere-0123456789"
FORMS = (KEY.encode(), b"must%3Dshow-nowhere", b"must=show-nowhere")


def hides_it(data):
    return not any(form in data for form in FORMS)


@pytest.fixture
def rogue():
    config = SimulatorConfig(keys=frozenset({KEY}), rate=60, tick_s=0.2, start_balance=600)
    with SimulatorServer(config) as server:
        one = Rogue(server.url)
        yield one
        one.stop()


@pytest.mark.kill
@pytest.mark.timeout(600)  # each of forty failures is followed by a pause of some seconds
def test_no_failure_of_a_call_brings_the_key_to_light(rogue, tmp_path):
    settings = {
        "TICK_PERIOD_S": "0.2", "READ_TIMEOUT_S": "1", "POLL_INTERVAL_S": "1", "LOG_LEVEL": "debug",
        "BACKFILL_WORKERS": "0",  # one worker asks both: of two in step one would be spoiled each time
    }  # fmt: skip
    program = Program(tmp_path, KEEPA_API_KEY=KEY, KEEPA_BASE_URL=rogue.url, **settings)
    seen = b""
    try:
        running = program.start().until_working()
        seen += of_process(program.process.pid, "cmdline")
        for pid in pids(running).values():
            seen += of_process(pid, "cmdline") + of_process(pid, "environ")
        assert program.process.wait(500) == 77, program.tail()
    finally:
        program.kill()
    assert rogue.used == {*OF_ANY, *OF_PRODUCTS}
    assert len(program.records("call_failed")) > 5
    seen += program.log().encode()
    for url in (rogue.url, "http://127.0.0.1:1", rogue.url.replace("http:", "https:"), "http://no-host.invalid"):
        done = program.command("doctor", KEEPA_BASE_URL=url)
        assert done.returncode == 1
        assert "BAD   api" in done.stdout
        seen += (done.stdout + done.stderr).encode()
    for command in (("status", "--json"), ("ledger", "dump", "--json")):
        seen += program.command(*command).stdout.encode()
    for path in program.state.rglob("*"):
        if path.is_file():
            assert hides_it(path.read_bytes()), path
    assert hides_it(seen)
