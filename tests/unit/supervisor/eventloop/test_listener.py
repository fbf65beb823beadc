"""The listener: who is let in, who gives way, and that a lack of descriptors makes it pause."""

from __future__ import annotations

import errno
import socket
from contextlib import closing

import pytest

from ledger import ManualClock
from supervisor.eventloop.listener import Connection, Listener
from supervisor.eventloop.loop import Loop
from tests.fakes.waiting import LIMIT_S

PLACES = 2


class Recording(Connection):
    """Keeps what it receives; "stay" makes it one that does not give way."""

    def received(self, data):
        if data == b"stay":
            self.may_give_way = False
        elif not data:
            self.end()


class Starved(socket.socket):
    """A listening socket that no descriptor is left for."""

    tries = 0
    is_starved = True

    def accept(self):
        self.tries += 1
        if self.is_starved:
            raise OSError(errno.EMFILE, "too many open files")
        return super().accept()


class Peer:
    """A listener with its loop, and clients of it."""

    def __init__(self):
        self.clock = ManualClock(1_000_000_000)
        self.loop = Loop(self.clock)
        self.listening = Starved(socket.AF_INET)
        self.listening.bind(("127.0.0.1", 0))
        self.listening.listen()
        self.listening.is_starved = False
        self.listener = Listener(
            self.listening, self.loop, lambda accepted: Recording(accepted, self.loop, limit_s=5.0), places=PLACES
        )
        self.clients = []

    def connect(self, data=b""):
        self.clients.append(socket.create_connection(self.listening.getsockname(), LIMIT_S))
        self.loop.step()
        if data:
            self.clients[-1].sendall(data)
            self.loop.step()
        return self.clients[-1]

    def close(self):
        self.listener.close()
        self.loop.close()
        for client in self.clients:
            client.close()


@pytest.fixture
def peer():
    with closing(Peer()) as one:
        yield one


def is_open(client):
    """Whether the server has not closed the connection."""
    client.setblocking(False)
    try:
        return client.recv(1) != b""
    except BlockingIOError:
        return True


def test_the_oldest_that_may_give_way_does_and_where_none_may_the_newest_goes(peer):
    stays, goes = peer.connect(b"stay"), peer.connect()
    newer = peer.connect(b"stay")
    assert goes.recv(1) == b""
    refused = peer.connect()
    assert refused.recv(1) == b""
    assert len(peer.listener.connections) == PLACES
    assert is_open(stays)
    assert is_open(newer)


def test_a_connection_is_over_after_its_time_however_busy_it_is(peer):
    busy = peer.connect(b"a")
    peer.clock.advance_s(4.9)
    busy.sendall(b"b")
    peer.loop.step()
    assert len(peer.listener.connections) == 1
    peer.clock.advance_s(0.2)
    busy.sendall(b"c")
    peer.loop.step()
    assert peer.listener.connections == []


def test_a_place_is_free_again_when_its_client_has_gone(peer):
    peer.connect().close()
    peer.loop.step()
    kept = [peer.connect() for _ in range(PLACES)]
    assert len(peer.listener.connections) == PLACES
    assert is_open(kept[0])


def test_without_a_descriptor_it_pauses_and_then_takes_who_waits(peer):
    peer.listening.is_starved = True
    peer.connect()
    peer.loop.call(lambda: None)
    peer.loop.step()
    assert peer.listening.tries == 1  # though somebody waits
    peer.listening.is_starved = False
    peer.clock.advance_s(1.0)
    peer.loop.step()
    peer.loop.step()
    assert len(peer.listener.connections) == 1
