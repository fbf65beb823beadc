"""A proxy in front of a server that speaks the API, which spoils what it says by a list of `spoilings`.

It counts the calls that came and the tokens that the server charged for them, spoiled or not. `GET /spoiler` tells
both; `POST /spoiler` puts another list in the place of the present one. As a program:
`python -m tests.fakes.api.spoiling_proxy --upstream URL --spoilings '[{"do": "status", "status": 404}]'`; its first
line of output is JSON that tells its URL, and it ends on SIGTERM.
"""

from __future__ import annotations

import argparse
import gzip
import http.client
import json
import signal
import socket
import socketserver
import struct
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from urllib.parse import parse_qs, urlsplit

from tests.fakes.api.spoilings import RESET, Answer, Choice, spoiled

CONTROL = "/spoiler"
UPSTREAM_S = 60  # for the server behind, which answers at once


class Spoiler(socketserver.ThreadingTCPServer):
    """One of these, in this process; a context manager that leaves nothing behind."""

    allow_reuse_address = True
    daemon_threads = False
    request_queue_size = 128

    def __init__(self, upstream, *spoilings, port=0, address="127.0.0.1"):
        super().__init__((address, port), _Handler)
        self.upstream = urlsplit(upstream).netloc
        self.url = f"http://{address}:{self.server_address[1]}"
        self.stopping = threading.Event()
        self.log = []
        self._lock = threading.Lock()
        self._open = set()
        self._choices = []
        self.set(*spoilings)
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05})

    def set(self, *spoilings):
        """Spoil by these from now on; none: pass everything on."""
        choices = [Choice(told) for told in spoilings]
        with self._lock:
            self._choices = choices

    def choose(self, endpoint, status, *, is_charged):
        """What is done to this reply."""
        with self._lock:
            choices = [one for one in self._choices if one.is_charged is is_charged]
            return [one for one in choices if one.takes(endpoint, status)]

    def calls(self, endpoint=None, **sought):
        """The calls so far, as `note` wrote them: of one endpoint, and with these values."""
        with self._lock:
            log = list(self.log)
        sought |= {} if endpoint is None else {"endpoint": endpoint}
        return [call for call in log if sought.items() <= call.items()]

    def charged(self, endpoint=None):
        """The tokens that the server charged for them."""
        return sum(call["consumed"] for call in self.calls(endpoint))

    def note(self, **call):
        with self._lock:
            self.log.append(call)

    def report(self):
        calls = self.calls()
        spent = Counter()
        for call in calls:
            spent[call["endpoint"]] += call["consumed"]
        return {"calls": Counter(call["endpoint"] for call in calls), "charged": spent, "log": calls}

    def process_request(self, request, client_address):
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request):
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.shutdown()
        with self._lock:
            for one in self._open:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
        self.server_close()
        self._thread.join()


class _Handler(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self):
        with suppress(OSError):
            while not self.server.stopping.is_set() and self._one():
                pass

    def finish(self):
        with suppress(OSError):
            super().finish()

    def _one(self):
        """Whether another request may come on this connection."""
        line = self.rfile.readline().decode("latin-1").split()
        if len(line) != 3:
            return False
        method, target, _ = line
        headers = http.client.parse_headers(self.rfile)
        body = self.rfile.read(int(headers.get("Content-Length", 0)))
        url = urlsplit(target)
        if url.path == CONTROL:
            if method == "POST":
                self.server.set(*json.loads(body))
            told = json.dumps(self.server.report()).encode()
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(told), told))
            return True
        return self._answer(method, target, url, headers, body)

    def _answer(self, method, target, url, headers, body):
        server = self.server
        choices = server.choose(url.path, 200, is_charged=False)
        answer, consumed = Answer(), 0
        if not choices:
            answer, consumed = self._asked(method, target, headers, body)
            choices = server.choose(url.path, answer.status, is_charged=True)
        query = {name: values[0] for name, values in parse_qs(url.query).items() if name != "key"}
        server.note(
            endpoint=url.path,
            asins=query.get("asin", ""),
            selection=query.get("selection", body.decode()),
            query=query,
            consumed=consumed,
            at=time.monotonic(),
            client=self.client_address[0],
            spoiled=[choice.told["do"] for choice in choices],
        )
        for bit in spoiled(answer, choices):
            if bit is RESET:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
                return False
            if isinstance(bit, float):
                server.stopping.wait(bit)
            else:
                self.connection.sendall(bit)
            if server.stopping.is_set():
                return False
        return not choices

    def _asked(self, method, target, headers, body):
        """What the server behind says, unpacked, and what it charged."""
        kept = {name: headers[name] for name in ("Content-Type", "Accept") if name in headers}
        connection = http.client.HTTPConnection(self.server.upstream, timeout=UPSTREAM_S)
        try:
            connection.request(method, target, body or None, kept)
            reply = connection.getresponse()
            received = reply.read()
        except http.client.HTTPException as error:
            raise OSError(f"the server behind broke off: {error}") from error
        finally:
            connection.close()
        if reply.headers.get("Content-Encoding") == "gzip":
            received = gzip.decompress(received)
        try:
            consumed = json.loads(received).get("tokensConsumed", 0)
        except (ValueError, AttributeError):
            consumed = 0
        return Answer(reply.status, received, {"Content-Type": reply.headers["Content-Type"]}), consumed


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--upstream", required=True)
    parser.add_argument("--spoilings", default="[]", help="a JSON list, or @FILE that holds one")
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args(argv)
    told = options.spoilings
    if told.startswith("@"):
        with open(told[1:], encoding="utf-8") as file:  # noqa: PTH123 - as it was given
            told = file.read()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    with Spoiler(options.upstream, *json.loads(told), port=options.port) as server:
        sys.stdout.write(json.dumps({"event": "ready", "url": server.url}) + "\n")
        sys.stdout.flush()
        signal.sigwait({signal.SIGTERM})


if __name__ == "__main__":
    main()
