"""A proxy in front of a server that spoils calls in every way there is, and repeats the URL it was asked for each time.

Now and then a call is passed on as it is, so that those who call get on. When each way has been used the account is
shut.
"""

from __future__ import annotations

import http.client
import itertools
import json
import socket
import socketserver
import struct
import threading
from collections import defaultdict, deque
from urllib.parse import urlsplit

SHUT = (
    b'{"tokensLeft":0,"refillRate":0,"tokensConsumed":0,"error":{"type":"unauthorized","message":%b}}'  # its own word
)
PAGE = "<html>cannot get {target}</html>"
# These say that the request itself is wrong: a listing would not be asked for again for an hour.
OF_PRODUCTS = (400, 404, 405, 410, 413, 414, 418, 431)
OF_ANY = (
    *("silence", "reset", "half_a_head", "no_http", "status_line", "no_json", "error_in_json", "cut_short"),
    *("not_packed", "bad_chunks", "late"),
    *(301, 307, 408, 425, 429, 500, 502, 503, 504, 599),
)


class Rogue(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, upstream, hang_s=1.5):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = urlsplit(upstream).netloc
        self.hang_s = hang_s
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.used: set[object] = set()
        self._lock = threading.Lock()
        self._left = {"/product": deque(OF_PRODUCTS), "": deque(OF_ANY)}
        # Of each endpoint by itself: two failures of one request in a row are followed by long pauses.
        self._turns = defaultdict(lambda: itertools.cycle((True, False)))
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()

    def choose(self, path):
        """How to spoil a call to `path`; None to pass it on, 403 when all is done."""
        with self._lock:
            if not any(self._left.values()):
                return 403
            left = self._left.get(path) or self._left[""]
            if path == "/token" or not left or not next(self._turns[path]):
                return None
            self.used.add(left[0])
            return left.popleft()

    def stop(self):
        self.shutdown()
        self.thread.join()
        self.server_close()


class _Handler(socketserver.StreamRequestHandler):
    def handle(self):
        request = self.rfile.readline().decode(errors="replace")
        if "HTTP/" not in request:
            return  # somebody who wants to speak TLS
        method, target, _ = request.split()
        headers = http.client.parse_headers(self.rfile)
        body = self.rfile.read(int(headers.get("Content-Length", 0)))
        way = self.server.choose(urlsplit(target).path)
        if way is None:
            self._pass_on(method, target, body)
        elif way == 403:
            self._send(way, SHUT % json.dumps(f"cannot get {target}").encode(), "Forbidden")
        elif isinstance(way, int):
            self._send(way, PAGE.format(target=target).encode(), target, Location=f"http://127.0.0.1:1{target}")
        else:
            getattr(self, way)(target)

    def _pass_on(self, method, target, body):
        upstream = http.client.HTTPConnection(self.server.upstream, timeout=20)
        kind = {"Content-Type": "application/json"} if body else {}
        upstream.request(method, target, body or None, {"Accept-Encoding": "gzip", **kind})
        reply = upstream.getresponse()
        packed = reply.read()
        upstream.close()
        coding = reply.headers.get("Content-Encoding", "identity")
        self._send(reply.status, packed, "fine", **{"Content-Encoding": coding})

    def _send(self, status, body, reason, length=None, **headers):
        lines = [f"HTTP/1.1 {status} {reason}", "Connection: close", f"Content-Length: {length or len(body)}"]
        lines += [f"{name}: {text}" for name, text in headers.items()]
        self.wfile.write("\r\n".join([*lines, "", ""]).encode() + body)

    def silence(self, _target):
        """The connection ends without a byte."""

    def reset(self, _target):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def half_a_head(self, target):
        self.wfile.write(f"HTTP/1.1 200 OK\r\nX-Asked-For: {target}".encode())

    def no_http(self, target):
        self.wfile.write(f"ERROR {target} is not for you\r\n".encode())

    def status_line(self, target):
        self.wfile.write(f"HTTP/9.9 {target}\r\n\r\n".encode())

    def no_json(self, target):
        self._send(200, PAGE.format(target=target).encode(), "OK")

    def error_in_json(self, target):
        self._send(200, f'{{"error": {{"message": "cannot get {target}"}}}}'.encode(), "OK")

    def cut_short(self, target):
        self._send(200, PAGE.format(target=target).encode(), "OK", length=100_000)

    def not_packed(self, target):
        self._send(200, PAGE.format(target=target).encode(), "OK", **{"Content-Encoding": "gzip"})

    def bad_chunks(self, target):
        self.wfile.write(f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{target}\r\n".encode())

    def late(self, _target):
        threading.Event().wait(self.server.hang_s)
