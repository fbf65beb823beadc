"""The API key occurs nowhere in any output of a run in which every HTTP failure was provoked (line 51)."""

from __future__ import annotations

import pytest

from tasks.simulator.config import SimulatorConfig
from tasks.simulator.server import SimulatorServer
from tests.fakes.api.bad_server import OF_ANY, OF_PRODUCTS, Rogue
from tests.fakes.program.cli_program import Program, of_process, pids
from tests.fakes.waiting import wait_until

KEY = "a-key+that/must=show-nowhere-0123456789"
FORMS = (KEY.encode(), b"must%3Dshow-nowhere", b"must=show-nowhere")


def hides_it(data):
    return not any(form in data for form in FORMS)


def has_ended(program, long_s=7):
    """Whether it has; a worker that has to rest for long after a call that failed is started again, and forgets it."""
    rests = {f"{one['role']}-{one['slot']}": one["retry_in_s"] for one in program.records("call_failed")}
    begun = {f"{one['role']}-{one['slot']}": one["pid"] for one in program.records("started")}
    failed = {f"{one['role']}-{one['slot']}": one["pid"] for one in program.records("call_failed")}
    for worker, rest_s in rests.items():
        if rest_s > long_s and begun[worker] == failed[worker] and program.process.poll() is None:
            program.command("restart", worker)
    return program.process.poll() is not None


@pytest.fixture
def rogue():
    config = SimulatorConfig(keys=frozenset({KEY}), rate=60, tick_s=0.2, start_balance=600)
    with SimulatorServer(config) as server:
        one = Rogue(server.url)
        yield one
        one.stop()


@pytest.mark.kill
def test_no_failure_of_a_call_brings_the_key_to_light(rogue, tmp_path):
    settings = {"TICK_PERIOD_S": "0.2", "READ_TIMEOUT_S": "1", "POLL_INTERVAL_S": "1", "LOG_LEVEL": "debug"}
    program = Program(tmp_path, KEEPA_API_KEY=KEY, KEEPA_BASE_URL=rogue.url, **settings)
    seen = b""
    try:
        running = program.start().until_working()
        seen += of_process(program.process.pid, "cmdline")
        for pid in pids(running).values():
            seen += of_process(pid, "cmdline") + of_process(pid, "environ")
        wait_until(lambda: has_ended(program), "the end, once every way was used", explain=program.tail, at_least_s=500)
        assert program.process.returncode == 77, program.tail()
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
