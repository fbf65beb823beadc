"""How the simulator speaks HTTP: connections that are kept, chunks, other methods, and a clean end."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from tests.fakes.waiting import LIMIT_S, wait_until
from tests.fixtures.simulator_calls import SELECTION, exchange


def test_a_connection_is_kept_for_the_next_call(make):
    sim, _ = make()
    threads = set(threading.enumerate())
    link = http.client.HTTPConnection(urlsplit(sim.url).netloc, timeout=LIMIT_S)
    for _ in range(3):
        assert exchange(sim, "/token", connection=link)[0] == 200
    assert len(set(threading.enumerate()) - threads) == 1
    link.close()


def test_stopping_ends_every_call_and_thread_at_once(make):
    before = set(threading.enumerate())
    sim, _ = make(latency_s=3600, hang_s=3600)
    idle = http.client.HTTPConnection(urlsplit(sim.url).netloc, timeout=LIMIT_S)
    exchange(sim, "/token", connection=idle)
    sim.control(fail_next={"kind": "timeout", "count": 1, "endpoint": "/token"})
    with ThreadPoolExecutor(2) as pool:
        hung = pool.submit(exchange, sim, "/token")
        slow = pool.submit(exchange, sim, "/deal", {"selection": json.dumps(SELECTION)})
        wait_until(lambda: len(set(threading.enumerate()) - before) >= 6, "both calls")
        sim.stop()
        assert hung.exception() is not None
        slow.exception()
    idle.close()
    wait_until(lambda: set(threading.enumerate()) <= before, "the end of every thread")


def raw(sim, *lines, body=b""):
    """Everything a server says to a request written by hand; the connection is closed after it."""
    parts = urlsplit(sim.url)
    head = "\r\n".join([*lines, "Host: x", "Connection: close", "", ""])
    with socket.create_connection((parts.hostname, parts.port), timeout=LIMIT_S) as link:
        link.sendall(head.encode() + body)
        return b"".join(iter(lambda: link.recv(1 << 16), b""))


def test_a_selection_in_chunks_is_read(make):
    sim, _ = make()
    text = json.dumps(SELECTION).encode()
    chunks = b"%x\r\n%s\r\n%x;note=1\r\n%s\r\n0\r\nTrailer: 1\r\n\r\n" % (7, text[:7], len(text) - 7, text[7:])
    reply = raw(sim, "POST /deal?key=k HTTP/1.1", "Transfer-Encoding: chunked", body=chunks)
    head, _, body = reply.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert json.loads(gzip.decompress(body))["deals"]["dr"]


def test_a_chunk_of_no_size_ends_the_body(make):
    sim, _ = make()
    reply = raw(sim, "POST /deal?key=k HTTP/1.1", "Transfer-Encoding: chunked", body=b"zz\r\n\r\n")
    assert reply.startswith(b"HTTP/1.1 400")


def test_head_has_the_head_alone_and_options_say_what_is_allowed(make):
    sim, _ = make()
    head, _, body = raw(sim, "HEAD /token?key=k HTTP/1.1").partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert b"Content-Length: " in head
    assert body == b""
    head, _, body = raw(sim, "OPTIONS /deal HTTP/1.1").partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 204")
    assert b"Allow: GET, HEAD, POST, OPTIONS" in head
    assert body == b""
    assert sim.control()["spent"] == 0


def test_who_takes_no_gzip_gets_none(make):
    sim, _ = make()
    for accepted, is_packed in (("identity", False), ("gzip, deflate", True), ("*", True)):
        reply = raw(sim, "GET /token?key=k HTTP/1.1", f"Accept-Encoding: {accepted}")
        assert (b"Content-Encoding: gzip" in reply) == is_packed
    assert b"Content-Encoding: gzip" in raw(sim, "GET /token?key=k HTTP/1.1")
