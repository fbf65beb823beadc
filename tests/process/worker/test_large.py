"""A body of 20 MB: a worker takes it in, writes all of it, and stays small."""

from __future__ import annotations

import gzip
import json
import threading
import time
from http.server import ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tasks.store.connection import connect
from tasks.store.queue import queue
from tests.fakes.api.json_handler import JsonHandler
from tests.fixtures.jobs import eventually

PRODUCTS = 100
POINTS = 1_300
SERIES = 10
MOST_MB = 145  # read all at once, it would take 170
ASINS = tuple(f"B{number:09d}" for number in range(PRODUCTS))


class _Vast(JsonHandler):
    """Answers `/product` with every history there can be, ten times as long as usual."""

    def get(self):
        asked = parse_qs(urlsplit(self.path).query).get("asin", [""])[0]
        asins = asked.split(",") if asked else []
        self.server.balance -= len(asins)
        envelope = {
            "refillIn": 30_000,
            "refillRate": 1_000,
            "timestamp": time.time_ns() // 10**6,
            "tokenFlowReduction": 0.0,
            "tokensConsumed": len(asins),
            "tokensLeft": self.server.balance,
        }
        if not asins:
            self.send(200, envelope)
            return
        products = ",".join(PRODUCT.replace("ASIN", asin) for asin in asins)
        body = f'{json.dumps(envelope)[:-1]}, "products": [{products}]}}'.encode()
        self.server.longest = max(self.server.longest, len(body))
        packed = gzip.compress(body, 1)
        self.send_response(200)
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(packed)))
        self.end_headers()
        self.wfile.write(packed)


def history(price_type):
    return [
        value for at in range(POINTS) for value in (5_000_000 + 97 * at, 10_000 + (price_type * 7_919 + at) % 9_000)
    ]


PRODUCT = json.dumps(
    {
        "asin": "ASIN",
        "productType": 0,
        "title": "A title",
        "lastUpdate": 7_000_000,
        "csv": [None if price_type == 7 else history(price_type) for price_type in range(SERIES + 1)],
    }
)


@pytest.fixture
def vast_server():
    with ThreadingHTTPServer(("127.0.0.1", 0), _Vast) as server:
        server.balance, server.longest = 50_000, 0
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_body_of_20_mb_is_written_whole_by_a_worker_that_stays_small(plant, vast_server):
    with connect(plant.database_url, application_name="test", autocommit=True) as conn:
        queue.enqueue(conn, 1, ASINS, detail="history")
    worker = plant.worker("backfill", selections=(), base_url=f"http://127.0.0.1:{vast_server.server_port}")
    worker.wait_ready()
    done = "select count(*) filter (where state = 'done') = count(*) from fetch_queue"
    eventually(lambda: plant.value(done), lambda: worker.output)
    status = Path(f"/proc/{worker.process.pid}/status").read_text()
    peak_mb = int(status.partition("VmHWM:")[2].split()[0]) / 1024
    assert vast_server.longest > 18_000_000
    assert plant.query("select count(*), sum(points) from price_series") == [
        (PRODUCTS * SERIES, PRODUCTS * SERIES * POINTS)
    ]
    assert plant.value("select count(*) from quarantine") == 0
    assert peak_mb < MOST_MB
