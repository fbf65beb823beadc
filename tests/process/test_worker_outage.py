"""The database is away in the middle of the work: calls stop, what was paid for is kept, work goes on by itself."""

from __future__ import annotations

import select
import socket
import threading
from contextlib import suppress

import pytest
from psycopg import conninfo

from tasks.errors import EXIT_TRY_LATER
from tasks.settings import Secret
from tests.fixtures_jobs import eventually


class Line:
    """A way to the database that can be cut and mended."""

    def __init__(self, database_url):
        told = conninfo.conninfo_to_dict(database_url)
        self._path = f"{told['host']}/.s.PGSQL.{told['port']}"
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        self.url = f"postgresql://{told['user']}@127.0.0.1:{port}/{told['dbname']}?sslmode=disable&gssencmode=disable"
        self._is_cut = threading.Event()
        self._open = set()
        self._threads = [threading.Thread(target=self._serve)]
        self._threads[0].start()

    def cut(self):
        """End every connection, in mid-statement too, and let no new one stand."""
        self._is_cut.set()
        for one in list(self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def mend(self):
        self._is_cut.clear()

    def close(self):
        self.cut()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _serve(self):
        while True:
            try:
                client = self._listener.accept()[0]
            except OSError:
                return
            if self._is_cut.is_set():
                client.close()
                continue
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._path)
            self._open |= {client, server}
            self._threads.append(threading.Thread(target=self._relay, args=(client, server)))
            self._threads[-1].start()

    def _relay(self, client, server):
        with client, server, suppress(OSError):
            while True:
                for source in select.select([client, server], [], [])[0]:
                    data = source.recv(1 << 16)
                    if not data:
                        self._open -= {client, server}
                        return
                    (server if source is client else client).sendall(data)


@pytest.fixture
def line(database_url):
    one = Line(database_url)
    yield one
    one.close()


def start(plant, line):
    told = {"database_url": Secret(line.url), "retry_deadline_s": 1.5}
    return [
        plant.worker("upsert", poll_interval_s=1, **told),
        plant.worker("backfill", slot=0, **told),
        plant.worker("backfill", slot=1, **told),
    ]


def test_calls_stop_while_the_database_is_away_and_all_that_was_paid_for_is_rows_when_it_is_back(make_plant, line):
    plant = make_plant(rate=60, deals=4_000, latency_s=0.02)
    workers = start(plant, line)
    eventually(lambda: plant.value("select count(*) from products") > 20, lambda: workers[1].output)
    line.cut()
    assert [worker.wait_end() for worker in workers] == [EXIT_TRY_LATER] * 3
    paid = plant.simulator.control()["spent"]
    assert len(plant.spooled()) <= 3, "each worker ends with what it had just paid for"
    again = start(plant, line)
    assert [worker.wait_end() for worker in again] == [EXIT_TRY_LATER] * 3
    assert plant.simulator.control()["spent"] == paid
    line.mend()
    last = start(plant, line)
    before = plant.value("select count(*) from products")
    eventually(lambda: plant.value("select count(*) from products") > before + 20, lambda: last[1].output)
    for worker in last:
        worker.terminate()
    codes = [worker.wait_end() for worker in last]
    assert codes == [0, EXIT_TRY_LATER, EXIT_TRY_LATER], "a backfill that was stopped is not finished"
    assert plant.spooled() == []
    spent = plant.simulator.control()["spent"]
    assert spent > paid
    assert spent == plant.value("select coalesce(sum(cost), 0) from calls"), "every token spent stands beside its rows"
    asked = [
        asin for call in plant.simulator.control()["log"] if call["endpoint"] == "/product" for asin in call["asins"]
    ]
    assert len(asked) == len(set(asked)), "nothing was bought twice"
    assert plant.ledger.snapshot().leases == ()
