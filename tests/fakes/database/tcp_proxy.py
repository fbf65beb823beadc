"""A way to the database, over TCP, that can fail: what passes through is looked at, and the line can be cut."""

from __future__ import annotations

import select
import socket
import threading
from contextlib import ExitStack, suppress

from psycopg import conninfo


class Line:
    """A good way. One that breaks down overrides `ends_after`; `cut` ends all there is until `mend`."""

    def __init__(self, database_url):
        told = self._told = conninfo.conninfo_to_dict(database_url)
        self.connections = 0
        self._is_cut = threading.Event()
        self._passes = threading.Event()
        self._passes.set()
        self.held = 0
        self._open = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.place = self._listener.getsockname()
        port = self.place[1]
        self.url = f"postgresql://{told['user']}@127.0.0.1:{port}/{told['dbname']}?sslmode=disable&gssencmode=disable"
        self._threads = [threading.Thread(target=self._serve)]
        self._threads[0].start()

    def ends_after(self, _number, _told):
        """Whether connection `_number` ends now that the server has told these last bytes."""
        return False

    def as_told(self, data):
        """What the client gets of what the server says."""
        return data

    def cut(self):
        """End every connection, in mid-statement too, and let no new one stand."""
        self._is_cut.set()
        for one in list(self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def mend(self):
        self._is_cut.clear()

    def hold(self):
        """Let no answer through until `pass_on`, with every connection open; `held` counts those that wait."""
        self._passes.clear()

    def pass_on(self):
        self._passes.set()

    def close(self):
        self.pass_on()
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
            self.connections += 1
            try:
                server = self._connect()
            except OSError:  # the server is down
                client.close()
                continue
            self._open |= {client, server}
            self._threads.append(threading.Thread(target=self._relay, args=(client, server, self.connections)))
            self._threads[-1].start()

    def _connect(self):
        host, port = self._told["host"], self._told["port"]
        if not host.startswith("/"):
            return socket.create_connection((host, int(port)))
        server = socket.socket(socket.AF_UNIX)
        with ExitStack() as undo:
            undo.callback(server.close)
            server.connect(f"{host}/.s.PGSQL.{port}")
            undo.pop_all()
        return server

    def _relay(self, client, server, number):
        told = b""
        with client, server, suppress(OSError):
            while not self.ends_after(number, told):
                for source in select.select([client, server], [], [])[0]:
                    data = source.recv(1 << 16)
                    if not data:
                        return
                    if source is server and not self._passes.is_set():
                        self.held += 1
                        self._passes.wait()
                    data = data if source is client else self.as_told(data)
                    (server if source is client else client).sendall(data)
                    told = (told + data)[-16:] if source is server else told
        self._open -= {client, server}
