"""A server that knows its answers by heart, in a process of its own: what is measured before it is the client.

The simulator works out each product for 15 ms. Here products are worked out once, before anything is measured, and
kept as gzip members, which put one behind another are a gzip stream again: a reply of a hundred products is put
together in a millisecond. There is no bucket either: the balance falls by a token a product, from a million.
"""

from __future__ import annotations

import gzip
import json
import multiprocessing
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from tasks.keepa.client import KeepaClient
from tasks.keepa.decode.replies import decode_deals
from tasks.keepa.request import DealRequest, ProductRequest
from tasks.keepa.selection.selection import parse
from tasks.secret import Secret
from tasks.simulator.config import SimulatorConfig
from tasks.simulator.server import SimulatorServer

RATE = 20_000
BALANCE = 1_000_000
WIDE = {"domainId": 1, "priceTypes": [1], "dateRange": 3, "sortType": 1}
LEVEL = 6
COMMA, END = gzip.compress(b","), gzip.compress(b"]}")


def rendered(count, detail="history"):
    """So many products of the simulator as JSON objects, by ASIN."""
    config = SimulatorConfig(deals=2 * count, rate=1_000, start_balance=50_000, closed_share=0.0)
    found = {}
    with SimulatorServer(config) as simulator, KeepaClient(Secret("bench"), simulator.url) as client:
        page = 0
        while len(found) < count:
            body = client.send(DealRequest(parse(WIDE, name="bench"), page)).body
            asins = tuple(deal.asin for deal in decode_deals(body).deals)[:100]
            batch = json.loads(client.send(ProductRequest(1, asins, detail)).body)["products"]
            found |= {product["asin"]: product for product in batch if product["title"]}
            page += 1
    return dict(list(found.items())[:count])


def many(products, count):
    """`count` products under ASINs of their own, each gzipped, by ASIN."""
    texts = [(asin, json.dumps(product, separators=(",", ":")).encode()) for asin, product in products.items()]
    found = {}
    for number in range(count):
        asin, text = texts[number % len(texts)]
        name = f"B{number:09d}"
        found[name] = gzip.compress(text.replace(asin.encode(), name.encode()), LEVEL)
    return found


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, *_args):
        pass

    def do_GET(self):
        server = self.server
        url = urlsplit(self.path)
        asins = parse_qs(url.query)["asin"][0].split(",") if url.path.rstrip("/") == "/product" else []
        server.balance -= len(asins)
        envelope = {
            "refillIn": 30_000,
            "refillRate": RATE,
            "timestamp": time.time_ns() // 10**6,
            "tokenFlowReduction": 0.0,
            "tokensConsumed": len(asins),
            "tokensLeft": server.balance,
            "processingTimeInMs": 1,
        }
        head = json.dumps(envelope)[:-1].encode()
        if asins:
            body = gzip.compress(head + b', "products": [', 1) + COMMA.join(server.products[asin] for asin in asins)
            body += END
        else:
            body = gzip.compress(head + b"}", 1)
        self.send_response_only(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()


def _serve(products, told):
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.products, server.balance, server.daemon_threads = products, BALANCE, True
        told.send(f"http://127.0.0.1:{server.server_port}")
        server.serve_forever()


@contextmanager
def serving(products):
    """The server's URL and its process."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=_serve, args=(products, theirs), daemon=True)
    process.start()
    try:
        yield ours.recv(), process.pid
    finally:
        process.terminate()
        process.join()
