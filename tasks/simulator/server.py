"""Serves the API over HTTP: gzip, keep-alive, and replies that fail on purpose."""

from __future__ import annotations

import contextlib
import gzip
import json
import re
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import parse_qsl, urlsplit

from ledger import SystemClock
from tasks.errors import ConfigError
from tasks.simulator import control
from tasks.simulator.api.fields import MALFORMED
from tasks.simulator.clock import ServerClock
from tasks.simulator.config import SimulatorConfig
from tasks.simulator.service import OK, Reply, Request, Service

if TYPE_CHECKING:
    from types import TracebackType

_JSON: Final = "application/json;charset=utf-8"
_HTML: Final = "text/html;charset=utf-8"
_GZIP_LEVEL: Final = 1  # a deal page takes 2.5 ms; the usual level would save a fifth of the bytes for 9 ms
_CUT_AT: Final = 2  # the part of the body that arrives when it is cut: one half
NO_CONTENT: Final = 204
_LINE: Final = 1 << 10
_CHUNK_SIZE: Final = re.compile(rb"[0-9A-Fa-f]{1,7}")
_POLL_S: Final = 0.05  # how long shutting down may take to be noticed by the accepting loop


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave in one packet
    server: _Listener

    def finish(self) -> None:
        with contextlib.suppress(OSError):  # the client is gone
            super().finish()

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError, TimeoutError):  # a client that hangs up was charged all the same
            super().handle()

    def do_GET(self) -> None:
        self._serve(b"")

    def do_HEAD(self) -> None:
        self._serve(b"")

    def do_OPTIONS(self) -> None:
        self.send_response_only(NO_CONTENT)
        self.send_header("Allow", "GET, HEAD, POST, OPTIONS")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            self._serve(self._chunks())
            return
        length = self.headers.get("Content-Length", "0")
        self._serve(self.rfile.read(int(length)) if length.isdecimal() else b"")

    def _chunks(self) -> bytes:
        """The body of a request that does not say its length beforehand."""
        parts = []
        while size := _CHUNK_SIZE.match(self.rfile.readline(_LINE)):
            parts.append(self.rfile.read(int(size[0], 16)))
            if not parts[-1]:
                break
            self.rfile.readline(_LINE)
        while self.rfile.readline(_LINE).strip():
            """What follows the last chunk says nothing about a selection."""
        return b"".join(parts)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        """Log nothing: request lines hold keys. What may be logged goes through `_log_call`."""

    def _serve(self, body: bytes) -> None:
        url = urlsplit(self.path)
        if url.path.rstrip("/") == "/control":
            self._control(body)
            return
        params = dict(parse_qsl(url.query, keep_blank_values=True))
        reply = self.server.service.answer(Request(self.command, url.path, params, body))
        if self.server.is_verbose:
            self._log_call(url.path, reply)
        if reply.fault == "timeout":
            self._hang()
        else:
            self._send(reply)

    def _control(self, body: bytes) -> None:
        service = self.server.service
        try:
            state = control.change(service, body) if self.command == "POST" else service.state()
        except ConfigError as error:
            self._write(MALFORMED, json.dumps({"error": str(error)}).encode(), _JSON)
            return
        self._write(OK, json.dumps(state).encode(), _JSON)

    def _send(self, reply: Reply) -> None:
        kind = _HTML if reply.body.startswith(b"<") else _JSON
        if reply.fault == "non_gzip" or not self._takes_gzip():
            self._write(reply.status, reply.body, kind)
            return
        packed = gzip.compress(reply.body, _GZIP_LEVEL, mtime=0)
        if reply.fault == "cut":
            self._write(reply.status, packed[: len(packed) // _CUT_AT], kind, packed=True, promised=len(packed))
            self.close_connection = True
            return
        self._write(reply.status, packed, kind, packed=True)

    def _write(self, status: int, body: bytes, kind: str, *, packed: bool = False, promised: int | None = None) -> None:
        self.send_response_only(status)
        self.send_header("Content-Type", kind)
        if packed:
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body) if promised is None else promised))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def _takes_gzip(self) -> bool:
        """Whether the client can read gzip; one that says nothing can, for the server sends it unasked."""
        return "gzip" in (accepted := self.headers.get("Accept-Encoding", "gzip")) or "*" in accepted

    def _hang(self) -> None:
        """Answer nothing until the client gives up, the server stops, or the time for hanging is over."""
        self.close_connection = True
        self.connection.settimeout(self.server.hang_s)
        while self.connection.recv(1 << 12):
            pass

    def _log_call(self, path: str, reply: Reply) -> None:
        fault = f" {reply.fault}" if reply.fault else ""
        sys.stderr.write(f"{self.command} {path} {reply.status} {len(reply.body)} bytes{fault}\n")


class _Listener(ThreadingHTTPServer):
    """The socket, and a thread for each connection; with `joins`, all of which end when it is closed."""

    request_queue_size = 128

    def __init__(self, config: SimulatorConfig, service: Service, *, joins: bool) -> None:
        self.service = service
        self.daemon_threads = not joins
        self.is_verbose = config.is_verbose
        self.hang_s = config.hang_s
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__((config.host, config.port), _Handler)

    def process_request(self, request: socket.socket | tuple[bytes, socket.socket], client_address: Any) -> None:  # noqa: ANN401 - as inherited
        """Add the connection before its thread begins, so that `hang_up` misses none."""
        if isinstance(request, socket.socket):
            with self._lock:
                self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        """Forget the connection and close it."""
        if isinstance(request, socket.socket):
            with self._lock:
                self._connections.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """End all connections: whoever reads from one reads its end. For when no new ones are accepted."""
        with self._lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):  # the client ended it
                    connection.shutdown(socket.SHUT_RDWR)


class SimulatorServer:
    """A simulator in this process; as a context manager it leaves no thread and no socket behind."""

    def __init__(self, config: SimulatorConfig | None = None, *, joins: bool = True) -> None:
        """Bind the socket; `start` begins to serve.

        Args:
            config: what to serve.
            joins: whether `stop` waits for calls that are being worked out, which may take seconds. A process that
                ends anyway need not.

        Raises:
            OSError: the address is taken.
        """
        config = SimulatorConfig() if config is None else config
        self._stop = threading.Event()
        clock = ServerClock(config.clock or SystemClock(), config.start_unix_ms)
        self.service = Service(config, clock, self._stop)
        self._listener = _Listener(config, self.service, joins=joins)
        self._thread = threading.Thread(target=self._listener.serve_forever, args=(_POLL_S,), name="simulator")

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        host, port = self._listener.server_address[:2]
        return f"http://{host!s}:{port}"

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def stop(self) -> None:
        """End every connection at once, and wait for their threads if the server joins them."""
        self._stop.set()
        if self._thread.is_alive():
            self._listener.shutdown()
            self._thread.join()
        self._listener.hang_up()
        self._listener.server_close()

    def control(self, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - the JSON border
        """Apply changes as `POST /control` does; the state as `GET /control` gives it.

        Raises:
            ConfigError: a change is not understood.
        """
        return control.change(self.service, json.dumps(changes).encode())

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
