"""A socket as a service manager opens one, and everything that arrived there, in order."""

from __future__ import annotations

import select
import socket
import struct
import threading

SO_TIMESTAMPNS = 35  # asm-generic/socket.h


class Listener:
    """Hears what sd_notify(3) sends to `address` until `close`."""

    def __init__(self, address):
        self.messages: list[tuple[float, dict[str, str]]] = []  # each with the time at which it was sent
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)  # the kernel's time, not that of our reading
        self._socket.bind(address.replace("@", "\0", 1))
        self._thread = threading.Thread(target=self._listen)
        self._is_over = threading.Event()
        self._thread.start()

    def _listen(self):
        while not self._is_over.is_set():
            if select.select([self._socket], [], [], 0.05)[0]:
                text, ((_, _, at), *_), _, _ = self._socket.recvmsg(4096, 64)
                seconds, nanoseconds = struct.unpack("qq", at)
                told = dict(line.split("=", 1) for line in text.decode().splitlines())
                self.messages.append((seconds + nanoseconds / 1e9, told))

    def of(self, name):
        return [message[name] for _, message in list(self.messages) if name in message]

    def close(self):
        self._is_over.set()
        self._thread.join()
        self._socket.close()
