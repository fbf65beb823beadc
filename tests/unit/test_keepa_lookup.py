"""A name is looked up before anything is sent, and a stop is heard meanwhile."""

import threading

import pytest

from ledger import ManualClock
from tasks.errors import NotSent
from tasks.keepa import lookup
from tasks.keepa.client import KeepaClient
from tasks.keepa.request import TokenRequest
from tasks.settings import Secret


def test_a_name_that_nobody_knows_is_a_call_that_was_not_sent():
    ours = lookup.session(lambda: False)
    client = KeepaClient(Secret("some-key"), "http://no.such.name.invalid", session=ours, clock=ManualClock())
    with client, pytest.raises(NotSent, match="no reply"):
        client.send(TokenRequest())


def test_a_name_the_system_knows_is_not_waited_for():
    lookup.look_up("localhost", 80, lambda: False)


def test_a_stop_ends_the_wait_for_an_answer_that_does_not_come(monkeypatch):
    never = threading.Event()
    monkeypatch.setattr(lookup.socket, "getaddrinfo", lambda *_args, **_more: never.wait(20))
    asked = []
    with pytest.raises(OSError, match="asked to stop"):
        lookup.look_up("slow.example", 443, lambda: asked.append(1) or len(asked) > 2)
    assert len(asked) == 3
    never.set()
