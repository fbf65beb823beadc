"""A state directory that is moved away under a running supervisor: what those are told who ask about it."""

import json
import socket
import threading

import pytest

from supervisor.config.state_dir import lost_state_dir
from tests.fakes.program.cli_program import Program
from tests.fakes.waiting import wait_until


@pytest.fixture
def program(tmp_path):
    one = Program(tmp_path, METRICS_PORT="0")
    yield one
    one.kill()


def test_status_doctor_and_another_start_tell_of_a_supervisor_whose_state_directory_was_moved(program, tmp_path):
    program.start()
    program.until_working()
    port = program.report()["supervisor"]["http"].rpartition(":")[2]
    pid, moved = program.process.pid, tmp_path / "moved"
    program.state.rename(moved)
    told, code = program.status(METRICS_PORT=port)
    assert (code, told["supervisor"]["pid"], told["supervisor"]["state"], told["healthy"]) == (
        3,
        pid,
        lost_state_dir.WORDS,
        False,
    )
    shown = program.command("status", METRICS_PORT=port).stdout
    assert f"supervisor  {lost_state_dir.WORDS}, pid {pid}" in shown
    assert "was moved or deleted under its supervisor" in " ".join(shown.split())
    doctor = json.loads(program.command("doctor", "--json", METRICS_PORT=port).stdout)
    (found,) = [one for one in doctor["checks"] if one["check"] == "supervisor"]
    assert "was moved or deleted" in found["words"]
    second = program.command("run", METRICS_PORT=port)
    assert (second.returncode, program.state.exists()) == (73, False), second.stderr
    assert f"pid {pid}: put it back" in second.stderr
    # Another state directory has nothing to do with it, and neither has this one when it is back.
    elsewhere, code = program.status(METRICS_PORT=port, STATE_DIR=str(tmp_path / "other"))
    assert (code, elsewhere["supervisor"]["state"]) == (4, "not running")
    moved.rename(program.state)
    wait_until(lambda: program.status(METRICS_PORT=port)[1] == 0, "that all is well", explain=program.tail)
    assert program.stop() == 0


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\n\r\n<html>",
        b"HTTP/1.1 503 No\r\n\r\n",
        b'HTTP/1.1 200 OK\r\n\r\n{"supervisor": {"pid": 5, "state_dir": "/other"}}',
        b'HTTP/1.1 200 OK\r\n\r\n{"supervisor": {"pid": null, "state_dir": null}}',
    ],
)
def test_whatever_else_answers_at_the_port_is_no_supervisor_of_ours(tmp_path, answer):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def once():
            client, _ = server.accept()
            with client:
                client.recv(4096)
                client.sendall(answer)

        thread = threading.Thread(target=once)
        thread.start()
        assert lost_state_dir.find(tmp_path, server.getsockname()[1]) is None
        thread.join()


def test_without_a_port_nobody_is_asked(tmp_path):
    assert [lost_state_dir.find(tmp_path, port) for port in (None, 0)] == [None, None]
