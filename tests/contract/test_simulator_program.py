"""The simulator as a program: it says when it is ready, and ends quietly and at once."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tasks.simulator import cli
from tasks.simulator.config import SimulatorConfig
from tests.fakes.waiting import LIMIT_S

ROOT = Path(__file__).resolve().parent.parent.parent
QUERY = "%7B%22domainId%22%3A1%2C%22priceTypes%22%3A%5B1%5D%2C%22dateRange%22%3A3%7D"


@pytest.fixture
def launch():
    """A function that starts the program with an announce pipe and a lifeline; gives process, URL and lifeline."""
    open_fds, children = [], []

    def start(*flags, is_announced=True):
        announce_read, announce_write = os.pipe()
        lifeline_read, lifeline_write = os.pipe()
        open_fds.append(lifeline_write)
        fds = ["--lifeline-fd", str(lifeline_read)]
        if is_announced:
            fds += ["--announce-fd", str(announce_write)]
        child = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "tasks.simulator", *fds, *flags],
            cwd=ROOT,
            pass_fds=(announce_write, lifeline_read),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        children.append(child)
        os.close(announce_write)
        os.close(lifeline_read)
        with os.fdopen(announce_read) as announce:
            line = announce.readline() if is_announced else child.stdout.readline().decode()
        return child, line, lifeline_write

    yield start
    for fd in open_fds:
        try:
            os.close(fd)
        except OSError:
            continue
    for child in children:
        child.kill()
        child.communicate(timeout=LIMIT_S)


def read(url, path="/control"):
    with urllib.request.urlopen(f"{url}{path}", timeout=LIMIT_S) as reply:  # noqa: S310 - our own loopback server
        return json.loads(reply.read())


def ended(child):
    """Exit code, output, errors."""
    out, err = child.communicate(timeout=LIMIT_S)
    return child.returncode, out, err


def test_it_announces_its_url_on_the_descriptor_and_listens_there(launch):
    _, line, _ = launch("--rate", "20", "--tick-s", "3", "--start-balance", "17", "--phase-s", "30")
    message = json.loads(line)
    assert message["event"] == "ready"
    bucket = read(message["url"])["bucket"]
    assert (bucket["balance"], bucket["rate"], bucket["capacity"], bucket["tick_period_s"]) == (17, 20, 1_200, 3.0)
    assert 0 < bucket["next_tick_in_s"] <= 30


def test_without_a_descriptor_it_tells_a_person(launch):
    _, line, _ = launch(is_announced=False)
    assert "http://127.0.0.1:" in line


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_quietly_with_0(launch, number):
    child, line, _ = launch()
    read(json.loads(line)["url"])
    child.send_signal(number)
    code, out, err = ended(child)
    assert (code, out, err) == (0, b"", b"")


def test_the_end_of_the_lifeline_ends_it_quietly_with_0(launch):
    child, _, lifeline = launch()
    os.write(lifeline, b"still here\n")
    with pytest.raises(subprocess.TimeoutExpired):
        child.wait(0.2)
    os.close(lifeline)
    code, out, err = ended(child)
    assert (code, out, err) == (0, b"", b"")


def test_a_call_that_is_being_worked_out_does_not_hold_up_the_end(launch):
    child, line, lifeline = launch("--deals", "1000000")
    port = json.loads(line)["url"].rsplit(":", 1)[1]
    with socket.create_connection(("127.0.0.1", int(port)), timeout=LIMIT_S) as connection:
        connection.sendall(f"GET /deal?key=k&selection={QUERY} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        connection.settimeout(0.2)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        os.close(lifeline)
        code, out, err = ended(child)
        connection.settimeout(LIMIT_S)
        assert connection.recv(1) == b"", "the call was not answered first"
    assert (code, out, err) == (0, b"", b"")


def test_a_taken_port_is_said_with_exit_code_78(launch):
    _, line, _ = launch()
    port = json.loads(line)["url"].rsplit(":", 1)[1]
    child, nothing, _ = launch("--port", port)
    code, _, err = ended(child)
    assert (code, nothing) == (78, "")
    assert port.encode() in err


def test_a_value_out_of_range_is_said_with_exit_code_78(launch):
    child, _, _ = launch("--rate", "0", "--hang-s", "-1")
    code, _, err = ended(child)
    assert code == 78
    assert b"rate" in err
    assert b"hang-s" in err


def test_verbose_tells_each_call_without_its_key(launch):
    child, line, _ = launch("--verbose")
    with pytest.raises(urllib.error.HTTPError):
        read(json.loads(line)["url"], "/product?key=very-secret-key")
    child.send_signal(signal.SIGTERM)
    _, _, err = ended(child)
    assert b"/product 400" in err
    assert b"very-secret-key" not in err


def test_a_restarted_simulator_goes_on_with_the_same_market(launch):
    pages = []
    for _ in range(2):
        child, line, _ = launch("--market-minute", "8300000", "--deals", "300", "--seed", "4")
        url = f"{json.loads(line)['url']}/deal?key=k&selection={QUERY}"
        pages.append(read(url, "")["deals"])
        child.send_signal(signal.SIGTERM)
        child.wait(LIMIT_S)
    assert pages[0]["dr"]
    assert pages[0] == pages[1]


def test_every_setting_has_a_flag_and_every_flag_its_words():
    flags = {action.dest for action in cli.parser()._actions}
    settings = set(SimulatorConfig.__dataclass_fields__) - {"clock", "start_unix_ms"}
    renamed = {
        "keys": "key",
        "key_rates": "key_rate",
        "lapsed_keys": "lapsed_key",
        "is_verbose": "verbose",
        "faults": "fault_500",
    }
    assert {renamed.get(name, name) for name in settings} <= flags
    assert all(action.help for action in cli.parser()._actions)
    assert re.search(r"--deals DEALS\s+about how many rows", cli.parser().format_help())
