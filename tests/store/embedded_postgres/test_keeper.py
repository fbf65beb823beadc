"""The keeper of the embedded server stops it when nobody holds it, and the server ends with its keeper."""

import os
import signal
from pathlib import Path

from tasks.embedded_postgres import pid_file
from tasks.embedded_postgres.server import EmbeddedPostgres
from tests.fakes.waiting import wait_until
from tests.fixtures.database.one_statement import query


def keeper_of(pid):
    """The parent of a server."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def send_to_keeper(server, number, home):
    """The process that served, once its keeper has got the signal and it has ended in good order."""
    pid = pid_file.read_pid_file(home / "data").pid
    os.kill(keeper_of(pid), number)
    wait_until(lambda: not server.is_running(), "its end")
    assert "received fast shutdown request" in (home / "server.log").read_text()
    return pid


def test_a_server_nobody_holds_is_stopped_by_its_keeper_on_request(home):
    with EmbeddedPostgres(home) as server:
        send_to_keeper(server, signal.SIGTERM, home)


def test_a_server_ends_with_its_keeper_and_a_user_that_is_still_there_starts_another(home):
    with EmbeddedPostgres(home) as server:
        pid = send_to_keeper(server, signal.SIGKILL, home)
        server.start()
        assert query(server.url(), "SELECT 1") == [(1,)]
        assert pid_file.read_pid_file(home / "data").pid != pid
    assert not server.is_running()
