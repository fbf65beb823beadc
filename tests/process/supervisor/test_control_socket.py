"""The control socket: its owner's alone, and never blocked by whoever connects."""

from __future__ import annotations

import os
import select
import socket
import stat
import threading

import pytest

from supervisor.control.protocol import Answer, Pause, Reload, line_of, read_answer
from supervisor.control.server import CLIENTS, ControlServer, address
from tests.fakes.waiting import LIMIT_S


class ControlPeer:
    """A control socket that answers every order at once, in this process, and cuts off who takes longer to give one."""

    def __init__(self, family, path, order_s=3600.0):
        self.family, self.path, self.taken, self.clients = family, path, [], []
        self.control = ControlServer(path, family.loop, family.log, self.take, order_s=order_s)

    def take(self, order, tell, by):
        self.taken.append((order, by))
        tell(Answer(code=0, words="done"))

    def connect(self):
        client = socket.socket(socket.AF_UNIX)
        client.setblocking(False)
        self.clients.append(client)

        def connects():
            with address(self.path) as short:
                try:
                    client.connect(short)
                except BlockingIOError:  # as many wait as may
                    return False
            return True

        self.family.until(connects, "a connection")
        return client

    def close(self):
        for client in self.clients:
            client.close()
        self.control.close()

    def answer(self, client):
        """What comes back, however long that takes; None at the end of the connection."""
        got = []

        def read():
            try:
                got.append(client.recv(1 << 16))
            except BlockingIOError:
                return False
            except ConnectionResetError:
                got.append(b"")
            return True

        self.family.until(read, "an answer")
        client.close()
        return read_answer(got[0]) if got[0] else None

    def ask(self, line):
        client = self.connect()
        client.sendall(line)
        return self.answer(client)


@pytest.fixture
def peer(family, tmp_path):
    one = ControlPeer(family, tmp_path / "control.sock")
    yield one
    one.close()


def test_line_58_the_socket_is_its_owners_alone_and_gone_at_the_end(peer):
    assert stat.S_IMODE(peer.path.stat().st_mode) == 0o600
    assert peer.ask(line_of(Reload())) == Answer(code=0, words="done")
    assert peer.taken == [(Reload(), f"pid {os.getpid()}")]
    peer.control.close()
    assert not peer.path.exists()


def test_line_58_one_that_a_killed_supervisor_left_is_replaced(family, tmp_path):
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "control.sock"))
    peer = ControlPeer(family, tmp_path / "control.sock")
    assert peer.ask(line_of(Reload())).code == 0
    peer.close()


def test_line_58_a_folder_whose_name_is_longer_than_an_address_serves_too(family, tmp_path):
    folder = tmp_path / ("a" * 200) / ("b" * 200)
    folder.mkdir(parents=True)
    peer = ControlPeer(family, folder / "control.sock")
    assert peer.ask(line_of(Pause(roles=("backfill",)))).code == 0
    peer.close()
    assert list(folder.iterdir()) == []


def test_line_58_a_stuck_or_hostile_client_never_blocks_the_loop(peer):
    """Some say nothing, some never end their line or never read, some talk nonsense: others are answered meanwhile.

    Whoever waited for one of them would wait for an hour.
    """
    for _ in range(CLIENTS - 2):
        peer.connect()
    endless = peer.connect()
    flood = threading.Thread(target=lambda: push(endless, b"x" * 10_000_000))
    flood.start()
    assert peer.ask(line_of(Reload())).code == 0
    deaf = peer.connect()
    deaf.sendall(line_of(Reload()))  # and never reads
    for nonsense in (b"\n", b"{}\n", b"[" * 5_000 + b"\n", b'{"do": "reload"}trailing\n', b"\xff\xfe\n"):
        assert peer.ask(nonsense).code == 2
    told = peer.answer(endless)
    assert told is None or "more than" in told.words
    flood.join()
    for _ in range(3 * CLIENTS):  # the silent ones give way
        peer.connect()
        assert len(peer.control._listener.connections) <= CLIENTS
    assert peer.ask(line_of(Reload())).code == 0
    assert len(peer.taken) == 3


def push(client, data):
    """Send without ever making the socket, which the test reads too, a blocking one."""
    try:
        while data:
            select.select([], [client], [], LIMIT_S)
            data = data[client.send(data) :]
    except (OSError, ValueError):
        return  # cut off, or closed by the test that has its answer


def test_line_58_one_that_sends_nothing_is_cut_off_and_one_that_says_all_may_shut_its_side(peer, family, tmp_path):
    hasty = ControlPeer(family, tmp_path / "hasty.sock", order_s=0.2)
    assert hasty.answer(hasty.connect()) is None
    hasty.close()
    client = peer.connect()
    client.sendall(line_of(Reload()))
    client.shutdown(socket.SHUT_WR)
    assert peer.answer(client).code == 0
