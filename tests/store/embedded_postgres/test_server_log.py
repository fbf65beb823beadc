"""The log of the embedded server is put aside or emptied before it grows too long."""

import threading

import psycopg
import pytest

from tasks.embedded_postgres import keeper_process, server_log
from tasks.embedded_postgres.server import EmbeddedPostgres
from tests.fakes.waiting import wait_until
from tests.fixtures.database.one_statement import query


def test_a_long_log_is_put_aside(home):
    log = home / "server.log"
    log.write_bytes(b"x" * 5_000_000)
    with EmbeddedPostgres(home):
        assert log.stat().st_size < 10_000
    assert (home / "server.log.old").stat().st_size == server_log.MAX_BYTES


def test_a_log_that_grows_long_is_emptied_under_the_server_which_goes_on_writing(home):
    """The descriptor is the server's: it appends, so its next line is the first of the emptied file."""
    log = home / "server.log"
    with EmbeddedPostgres(home) as server:
        with log.open("ab") as file:
            file.write(b"a line\n" * 600_000 + b"the last line\n")
        end = threading.Event()
        keeper = threading.Thread(target=keeper_process.keep_log_small, args=(home, 0.01, end))
        keeper.start()
        wait_until(lambda: log.stat().st_size < 10_000, "an emptied log")
        end.set()
        keeper.join()
        assert (home / "server.log.old").stat().st_size == server_log.MAX_BYTES
        assert server_log.log_tail(home).endswith("the last line")
        with pytest.raises(psycopg.Error):
            query(server.url(), "SELECT 1 / 0")
        assert "division by zero" in server_log.log_tail(home)
        assert log.read_bytes().lstrip(b"\0") == log.read_bytes()
        assert {path.name for path in home.glob("server.log*")} == {"server.log", "server.log.old"}


def test_a_log_is_emptied_without_a_copy_only_when_it_is_twice_too_long(home):
    log = home / "server.log"
    (home / "server.log.part").mkdir()  # no copy can be made
    log.write_bytes(b"x" * (server_log.MAX_BYTES + 1))
    with pytest.raises(OSError, match="directory"):
        server_log.rotate(home)
    assert log.stat().st_size == server_log.MAX_BYTES + 1
    log.write_bytes(b"x" * (2 * server_log.MAX_BYTES + 1))
    assert server_log.rotate(home)
    assert log.stat().st_size == 0


@pytest.mark.kill
def test_the_keeper_looks_at_the_log_while_the_server_runs(home):
    log = home / "server.log"
    with EmbeddedPostgres(home):
        with log.open("ab") as file:
            file.write(b"x" * (server_log.MAX_BYTES + 1))
        wait_until(lambda: log.stat().st_size < 10_000, "an emptied log")
