"""A name is looked up before anything is sent, and a stop is heard meanwhile."""

import socket
import threading

import pytest

from ledger import ManualClock
from tasks.errors import NotSent
from tasks.keepa import resolver
from tasks.keepa.client import KeepaClient
from tasks.keepa.request import TokenRequest
from tasks.secret import Secret

NOBODY = ("127.0.0.1", 1)


def test_a_name_that_nobody_knows_is_a_call_that_was_not_sent():
    client = KeepaClient(Secret("some-key"), "http://no.such.name.invalid", clock=ManualClock())
    with client, pytest.raises(NotSent, match="no reply"):
        client.send(TokenRequest())


def test_a_name_the_system_knows_is_not_waited_for():
    assert {one.place[1] for one in resolver.look_up("localhost", 80, lambda: False, 20)} == {80}


def test_a_stop_ends_the_wait_for_an_answer_that_does_not_come():
    never = threading.Event()
    asked = []
    with pytest.raises(OSError, match="stopped"):
        resolver.look_up(
            "slow.example",
            443,
            lambda: asked.append(1) or len(asked) > 2,
            3600,
            lambda *_, **__: never.wait(3600) and [],
        )
    assert len(asked) == 3
    never.set()


def test_a_resolver_that_says_nothing_is_given_up_within_the_time_to_connect(mocker):
    never = threading.Event()

    def silent(*_args, **_more):
        never.wait(3600)
        raise OSError("too late")

    mocker.patch.object(resolver.socket, "getaddrinfo", silent)
    client = KeepaClient(Secret("some-key"), "http://slow.example", connect_timeout_s=0.2)
    with client, pytest.raises(NotSent, match="not looked up"):
        client.send(TokenRequest())
    never.set()


def test_a_name_is_looked_up_once_and_every_address_gets_its_part_of_the_time():
    asked = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        good = listener.getsockname()

        def found(*args, **_more):
            asked.append(args)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", place) for place in (NOBODY, NOBODY, good)]

        addresses = resolver.look_up("three.example", 80, lambda: False, 20, found)
        with resolver.dial(addresses, 20, None) as made:
            assert made.getpeername() == good
            assert made.gettimeout() <= 20
        with pytest.raises(ConnectionRefusedError):
            resolver.dial(addresses[:2], 20, None)
    assert len(asked) == 1
