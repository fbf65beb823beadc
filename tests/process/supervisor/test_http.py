"""The HTTP port of a run: every metric there is, truth about the health, counters that never go backwards."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from contextlib import closing

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from supervisor.config import run_plan, settings
from supervisor.eventloop.loop import Loop, MonotonicClock
from supervisor.http.catalogue import CATALOGUE, PREFIX
from supervisor.http.endpoint import Endpoint
from supervisor.logs.log import Log, as_json
from supervisor.tree.supervisor import Supervisor
from tasks.redaction import Redactor
from tasks.simulator.config import SimulatorConfig
from tasks.simulator.server import SimulatorServer
from tasks.store.connection import connect
from tests.fakes.program.cli_program import Program, pids
from tests.fakes.waiting import LIMIT_S, wait_until

KEY = "aKeyThatMustShowNowhere".ljust(64, "0")


@pytest.fixture
def program(tmp_path):
    one = Program(tmp_path, METRICS_PORT="0", TICK_PERIOD_S="0.5", KEEPA_API_KEY=KEY)
    yield one
    one.kill()


@pytest.fixture
def server():
    """A server whose first two pages are no answer."""
    with SimulatorServer(SimulatorConfig(keys=frozenset({KEY}), rate=60, tick_s=0.5, deals=300)) as one:
        for kind in ("500", "cut"):
            one.control(fail_next={"kind": kind, "count": 1, "endpoint": "/deal"})
        yield one


def get(url, path):
    return requests.get(url + path, timeout=LIMIT_S)


def samples(url):
    """Every sample by name and labels, and the names of those that are counters."""
    reply = get(url, "/metrics")
    assert reply.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert KEY not in reply.text
    families = list(text_string_to_metric_families(reply.text))
    assert len({family.name for family in families}) == len(families)
    found, counters = {}, set()
    for family in families:
        for one in family.samples:
            place = (one.name, tuple(sorted(one.labels.items())))
            assert place not in found, f"{place} stands there twice"
            found[place] = one.value
            if family.type == "counter" or (family.type == "histogram" and not one.name.endswith("_sum")):
                counters.add(place)
    return found, counters


def value(found, name, **labels):
    return found.get((PREFIX + name, tuple(sorted(labels.items()))))


def check_catalogue(found):
    """Every metric has a sample, with the labels it says, but those of hosts: no other reaches this database."""
    told = {}
    for name, labels in found:
        for ending in ("_bucket", "_count", "_sum"):
            if CATALOGUE.get(name.removesuffix(ending).removeprefix(PREFIX), ("",))[0] == "histogram":
                name = name.removesuffix(ending)  # noqa: PLW2901 - the family's
        told.setdefault(name.removeprefix(PREFIX), set()).add(frozenset(dict(labels)) - {"le"})
    here = {name: {frozenset(shape.labels)} for name, shape in CATALOGUE.items() if shape.labels != ("host",)}
    assert here == told


def with_limits_and_others(folder):
    """Settings with a budget, hours, a list, a source and a target of messages, so that no metric lacks a sample."""
    wanted = folder / "wanted"
    wanted.mkdir()
    (wanted / "all.json").write_text('{"domainId": 1, "priceTypes": [1], "dateRange": 3}')
    (wanted / "best.json").write_text('{"source": "bestsellers", "domainId": 1, "categoryId": 283155, "most": 20}')
    (folder / "toys.txt").write_text("B08N5WRWNW\n")
    rules = folder / "rules"
    rules.mkdir()
    (rules / "targets.toml").touch(mode=0o600)
    (rules / "targets.toml").write_text('[program]\ncommand = ["true"]\n')
    (rules / "low.toml").write_text('deals = ["new"]\nmin_discount = 99\nto = ["program"]\n')
    limits = {"UPSERT_TOKENS_PER_DAY": "1000000", "BACKFILL_HOURS": "00:00-23:59"}
    return {"SELECTIONS": str(wanted), "WATCH": str(folder / "toys.txt"), "RULES": str(rules)} | limits


def never_backwards(before, after):
    found, counters = before
    later, _ = after
    assert [place for place in counters if later.get(place, -1.0) < found[place]] == []


@pytest.mark.kill
def test_line_52_a_run_tells_all_it_counts_and_no_counter_goes_backwards_when_a_worker_or_the_supervisor_dies(
    program, server, tmp_path
):
    program.start(KEEPA_BASE_URL=server.url, **with_limits_and_others(tmp_path))
    url = program.until(lambda r: r["supervisor"]["http"], "the port")["supervisor"]["http"]
    assert get(url, "/healthz").status_code == 200
    program.until_working()
    wait_until(lambda: get(url, "/readyz").status_code == 200, "readiness", explain=lambda: get(url, "/readyz").text)
    program.until(lambda r: r["counted"] and r["counted"]["watermarks"] and r["faults"], "watermarks and faults")
    program.until(lambda r: [one for one in r["counted"]["sources"] if one["read_at"]], "a source that was read")
    before = wait_until(lambda: with_all(samples(url)), "every metric", explain=lambda: str(samples(url)[0]))
    check_catalogue(before[0])
    compare_with_status(program, url)

    die_and_come_back(program, url, before)
    spent = value(samples(url)[0], "tokens_spent_total", key="default", tier="upsert")
    with closing(socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])))):  # stuck, and in nobody's way
        assert program.stop() == 0
    with pytest.raises(requests.ConnectionError):
        get(url, "/healthz")
    program.start(KEEPA_BASE_URL=server.url)
    url = program.until(lambda r: r["supervisor"]["http"], "the port")["supervisor"]["http"]
    wait_until(
        lambda: (value(samples(url)[0], "tokens_spent_total", key="default", tier="upsert") or 0) >= spent, "the ledger"
    )
    assert program.stop() == 0
    assert KEY not in program.log()


def die_and_come_back(program, url, before):
    report = program.report()
    victim = pids(report)["upsert-0"]
    with connect(report["run"]["database_url"], application_name="test") as blocker:
        blocker.execute("lock table schema_migrations")  # which the next worker has to look at before it is ready
        os.kill(victim, signal.SIGKILL)
        words = wait_until(lambda: unready(url), "the death to be seen")
        assert "upsert-0 is not in service" in words
        assert "killed by SIGKILL" in words
        assert get(url, "/healthz").status_code == 200
        assert value(samples(url)[0], "degraded") == 1
        never_backwards(before, samples(url))
    program.until(lambda r: pids(r).get("upsert-0") not in (None, victim) and r["workers"][0]["beat_at"], "another one")
    after = samples(url)
    never_backwards(before, after)
    assert value(after[0], "worker_restarts_total", role="upsert", cause="signal") == 1
    assert KEY not in get(url, "/status.json").text


def unready(url):
    reply = get(url, "/readyz")
    return reply.text if reply.status_code == 503 else None


def with_all(seen):
    """What was seen, once calls have ended in every way, the last walk is known and messages are counted."""
    found, _ = seen
    statuses = {dict(labels)["status"] for name, labels in found if name == f"{PREFIX}requests_total"}
    is_walked = any(name == f"{PREFIX}walk_timestamp_seconds" for name, _ in found)
    has_messages = any(name == f"{PREFIX}messages_waiting" for name, _ in found)
    return seen if {"200", "500", "none"} <= statuses and is_walked and has_messages else None


def compare_with_status(program, url):
    told, printed = get(url, "/status.json").json(), json.loads(program.command("status", "--json").stdout)
    assert set(told) == set(printed)
    assert told["supervisor"] == printed["supervisor"]
    assert KEY not in json.dumps(told)
    assert {fault["event"] for fault in told["faults"]} & {"call_failed"}


@pytest.fixture
def make_endpoint(tmp_path):
    """Makes the port of a run that has not begun, and the lines of its log."""
    opened = []

    def make(port, **more):
        loop, lines = Loop(MonotonicClock()), []
        environ = {"STATE_DIR": str(tmp_path / "state"), "METRICS_PORT": port}
        log = Log(lines.append, render=as_json, redactor=Redactor())
        run = Supervisor(run_plan.make_run_plan(settings.load_settings(environ, dotenv=None)), loop, log)
        one = Endpoint(run, loop, log, **more)
        opened.append((one, loop))
        one.begin()
        return run, loop, [json.loads(line) for line in lines]

    yield make
    for one, loop in opened:
        one.close()
        loop.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "http"]


def test_a_port_that_is_taken_is_told_once_and_done_without(make_endpoint):
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        run, _, lines = make_endpoint(str(port))
    assert run.http_url is None
    assert [(line["level"], line["event"], line["port"]) for line in lines] == [
        ("warning", "metrics_port_unusable", port)
    ]
    assert f":{port} cannot be opened (Address already in use); set METRICS_PORT" in lines[0]["message"]


def test_an_empty_setting_opens_no_port(make_endpoint):
    run, _, lines = make_endpoint("")
    assert (run.http_url, lines) == (None, [])


def test_a_loop_that_is_stuck_is_not_healthy_and_nothing_old_is_told(make_endpoint):
    run, loop, _ = make_endpoint("0", patience_s=0.1)
    for path in ("/healthz", "/readyz", "/metrics", "/status.json"):
        reply = get(run.http_url, path)
        assert (reply.status_code, "stuck" in reply.text) == (503, True)
    assert get(run.http_url, "/").status_code == 200
    assert get(run.http_url, "/else").status_code == 404
    is_over = threading.Event()
    thread = threading.Thread(target=lambda: [loop.step() for _ in iter(is_over.is_set, True)])
    thread.start()
    try:
        wait_until(lambda: get(run.http_url, "/healthz").status_code == 200, "health")
        wait_until(lambda: "the supervisor is starting" in get(run.http_url, "/readyz").text, "an answer of the loop")
    finally:
        is_over.set()
        loop.wake()
        thread.join()
