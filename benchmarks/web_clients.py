"""Clients without manners, in a process of their own: until the end of the input, they ask a server that is told.

python -m benchmarks.web_clients HOST PORT

What is measured beside them is then not measured by a process that they keep busy. The first line of the input is sent
with each request as its `Authorization`.
"""

from __future__ import annotations

import socket
import sys
import threading
from contextlib import suppress
from http.client import HTTPConnection, HTTPException

HAMMERS = 50
SLOW = 50


def hammer(host: str, port: int, authorization: str, is_over: threading.Event) -> None:
    """Ask without a pause."""
    headers = {"Authorization": authorization}
    while not is_over.is_set():
        with suppress(OSError, HTTPException):
            connection = HTTPConnection(host, port, timeout=60)
            connection.request("GET", "/live.json", headers=headers)
            connection.getresponse().read()
            connection.close()


def dawdle(host: str, port: int, is_over: threading.Event) -> None:
    """Send half a request, again and again."""
    while not is_over.is_set():
        with suppress(OSError), socket.create_connection((host, port), timeout=60) as line:
            line.sendall(b"GET / HTTP/1.1\r\nHo")
            is_over.wait(10)


def main() -> None:
    host, port, is_over = sys.argv[1], int(sys.argv[2]), threading.Event()
    authorization = sys.stdin.readline().strip()
    threads = [threading.Thread(target=hammer, args=(host, port, authorization, is_over)) for _ in range(HAMMERS)]
    threads += [threading.Thread(target=dawdle, args=(host, port, is_over)) for _ in range(SLOW)]
    for one in threads:
        one.start()
    sys.stdin.read()
    is_over.set()
    for one in threads:
        one.join()


if __name__ == "__main__":
    main()
