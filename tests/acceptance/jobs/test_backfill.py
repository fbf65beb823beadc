"""Backfill at its edges: unknown products, refused requests, replies with holes, selections that are too long."""

from __future__ import annotations

import io
import json
import threading
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from http.server import ThreadingHTTPServer
from types import MappingProxyType
from urllib.parse import parse_qs, urlsplit

import pytest

from ledger import SystemClock, TokenLedger
from tasks.jobs import build
from tasks.runtime import job
from tasks.runtime.heartbeat_writer import HeartbeatWriter
from tasks.runtime.log import stream_logger
from tasks.runtime.stop import Stop
from tasks.secret import Secret
from tasks.store.connection import connect
from tasks.store.queue import queue
from tests.fakes.api.json_handler import JsonHandler
from tests.fixtures.settings import worker_settings

BAD = "B00BADBAD0"
LOST = "B00LOST000"
BROKEN = "B00BROKEN0"
UNKNOWN = "B00UNKNOWN"[:10]
ENVELOPE = {"refillIn": 30_000, "refillRate": 200, "tokenFlowReduction": 0.0, "processingTimeInMs": 1}


class _Moody(JsonHandler):
    """Answers `/product`: refuses one ASIN, leaves out another, garbles a third, does not know a fourth."""

    protocol_version = "HTTP/1.1"

    def get(self):
        server = self.server
        url = urlsplit(self.path)
        asins = parse_qs(url.query).get("asin", [""])[0].split(",") if url.path == "/product" else []
        server.asked.append(asins)
        now_ms = round(datetime.now(UTC).timestamp() * 1000)
        if BAD in asins:
            zero = dict.fromkeys(ENVELOPE, 0) | {"tokensLeft": 0, "tokensConsumed": 0, "timestamp": now_ms}
            self.send(400, zero | {"error": {"type": "invalidParameter", "message": "no such thing"}})
            return
        server.balance -= len(asins)
        body = ENVELOPE | {"tokensLeft": server.balance, "tokensConsumed": len(asins), "timestamp": now_ms}
        body |= server.odd if asins else {}
        self.send(200, body | ({"products": [self._product(a) for a in asins if a != LOST]} if asins else {}))

    @staticmethod
    def _product(asin):
        if asin == BROKEN:
            return {"asin": asin, "productType": "what?"}
        if asin == UNKNOWN:
            return {"asin": asin, "productType": 4, "domainId": 1}
        return {"asin": asin, "productType": 0, "domainId": 1, "lastUpdate": 7_000_000, "csv": [[7_000_000, 1999]]}


@contextmanager
def moody_server(odd):
    with ThreadingHTTPServer(("127.0.0.1", 0), _Moody) as server:
        server.asked, server.balance, server.odd = [], 10_000, odd
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def drained(tmp_path, database_url):
    """A function that queues ASINs, lets a backfill drain them, and returns what the server was asked."""

    def drain(asins, odd=MappingProxyType({}), **changes):
        with connect(database_url, application_name="test", autocommit=True) as conn:
            queue.enqueue(conn, 1, asins, detail="history")
        text = io.StringIO()
        clock = SystemClock()
        with (
            moody_server(odd) as server,
            closing(TokenLedger.create(tmp_path / "ledger")) as ledger,
            Stop() as stop,
        ):
            settings = worker_settings(
                api_key=Secret("any-key"),
                base_url=f"http://127.0.0.1:{server.server_address[1]}",
                database_url=Secret(database_url),
                ledger_path=str(tmp_path / "ledger"),
                spool_dir=str(tmp_path / "spool"),
                **changes,
            )
            context = job.JobContext(
                role="backfill",
                settings=settings,
                ledger=ledger,
                clock=clock,
                stop=stop,
                log=stream_logger(text),
                beat=HeartbeatWriter(lambda _message: None, clock),
                blocking=True,
                worker="backfill",
            )
            with closing(build.build(context)) as work:
                for _ in range(60):
                    outcome = work.step()
                    if isinstance(outcome, job.Idle) and outcome.phase == "waiting_work" and outcome.until_ns:
                        break
            return [asked for asked in server.asked if asked]

    return drain


def good(count):
    return [f"B{number:09d}" for number in range(count)]


def test_a_batch_the_server_refuses_is_asked_for_in_ever_smaller_groups_until_the_bad_item_stands_alone(drained, conn):
    asked = drained([*good(20), BAD, *good(40)[20:]], max_attempts=3)
    assert conn.execute("select count(*) from products where is_found").fetchone() == (40,)
    assert conn.execute("select asin, state from fetch_queue where state <> 'done'").fetchall() == [(BAD, "given up")]
    ((key, reason),) = conn.execute("select key, reason from quarantine").fetchall()
    assert key == BAD
    assert "no such thing" in reason
    assert [len(asins) for asins in asked if BAD in asins] == [41, 12, 1]
    paid = [asin for asins in asked if BAD not in asins for asin in asins]
    assert sorted(paid) == good(40)


def test_a_product_nobody_knows_is_recorded_as_not_found_and_not_asked_for_again(drained, conn):
    asked = drained([*good(2), UNKNOWN])
    assert asked == [[*good(2), UNKNOWN]]
    assert conn.execute("select is_found from products where asin = %s", (UNKNOWN,)).fetchall() == [(False,)]
    assert conn.execute("select count(*) from fetch_queue where state <> 'done'").fetchone() == (0,)


def test_a_product_the_reply_does_not_hold_is_tried_again_and_then_given_up(drained, conn):
    asked = drained([*good(2), LOST], max_attempts=3)
    assert asked == [[*good(2), LOST], [LOST]], "once more alone, and then it rests: the reply held nothing"
    conn.execute("update fetch_queue set ready_at = now() where state = 'pending'")  # its rest is over
    assert drained([], max_attempts=3) == [[LOST]]
    assert conn.execute("select asin from fetch_queue where state = 'given up'").fetchall() == [(LOST,)]
    assert conn.execute("select key from quarantine where kind = 'product'").fetchall() == [(LOST,)]


def test_a_product_with_an_odd_field_is_written_and_its_kind_kept_as_received_and_not_paid_for_again(drained, conn):
    asked = drained([*good(2), BROKEN])
    assert len(asked) == 1
    ((key, raw),) = conn.execute("select key, raw from quarantine").fetchall()
    assert key == "/product odd"
    assert b"what?" in bytes(raw)
    assert conn.execute("select count(*) from products").fetchone() == (3,)
    rows = conn.execute("select is_found, extra from products where asin = %s", (BROKEN,)).fetchall()
    assert rows == [(True, {"productType": "what?"})]


@pytest.mark.parametrize("odd", [{"tokensConsumed": None}, {"tokensLeft": "many"}], ids=str)
def test_products_under_an_odd_envelope_are_written_and_the_body_is_kept_for_a_person(drained, conn, odd):
    asked = drained(good(3), odd=odd)
    assert asked == [good(3)]
    assert conn.execute("select count(*) from products where is_found").fetchone() == (3,)
    assert conn.execute("select distinct state from fetch_queue").fetchall() == [("done",)]
    ((kind, reason, raw),) = conn.execute("select kind, reason, raw from quarantine").fetchall()
    assert (kind, reason) == ("body", f"no usable {next(iter(odd))}")
    assert json.loads(bytes(raw))["products"]


def test_what_is_no_asin_never_reaches_the_server(drained, conn):
    asked = drained([*good(2), '="B000000001"'])
    assert asked == [good(2)]
    assert conn.execute("select count(*) from fetch_queue where state = 'given up'").fetchone() == (1,)


@pytest.mark.parametrize(("days", "again"), [(30.0, True), (0.0, False)])
def test_a_history_older_than_the_setting_is_fetched_again_once_everything_new_is_there(drained, conn, days, again):
    drained(good(3))
    conn.execute("update fetch_queue set finished_at = now() - interval '31 days'")
    conn.execute("insert into deal_sightings select domain, asin, now() from fetch_queue")
    assert drained(good(4), history_max_age_d=days) == [good(4)[3:], *([good(3)] if again else [])]
    assert conn.execute("select distinct state from fetch_queue").fetchall() == [("done",)]
