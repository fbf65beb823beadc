"""The client against a real socket that misbehaves in every way we know, and a key that must never show."""

import gzip
import logging
import socket
import threading
from contextlib import contextmanager, suppress

import pytest

from tasks.errors import NotSent, Transient
from tasks.keepa.client import KeepaClient
from tasks.keepa.reply import envelope_of_reply
from tasks.keepa.request import ProductRequest, TokenRequest
from tasks.secret import Secret
from tests.fakes.waiting import wait_until
from tests.fixtures.scripted_server import (
    ENVELOPE,
    KEY,
    Server,
    answer,
    as_json,
    assert_no_key,
    cut,
    everything_about,
    talking_to,
)


def silent(_connection, _request):
    return None


def dribbling(connection, _request):
    connection.sendall(answer(length=10_000))
    with suppress(OSError):
        for _ in range(100):
            connection.sendall(b" ")
            threading.Event().wait(0.02)
    return "close"


def reset(connection, _request):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    return "close"


def cut_chunks(connection, _request):
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{")
    return "close"


def cut_in_head(connection, _request):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-")
    return "close"


def hang_up(_connection, _request):
    return "close"


def echo_as_status_line(connection, request):
    connection.sendall(request.split(b"\r\n")[0] + b"\r\n\r\n")
    return "close"


def bad_gzip(connection, _request):
    connection.sendall(answer(b"not gzip at all", headers=["Content-Encoding: gzip"]))


def cut_gzip(connection, _request):
    connection.sendall(answer(gzip.compress(as_json(ENVELOPE))[:-9], headers=["Content-Encoding: gzip"]))


def bad_headers_then_cut(connection, request):
    # A header line without a colon makes urllib3 warn, with the whole URL in the warning.
    connection.sendall(b"HTTP/1.1 200 OK\r\nno colon here\r\nContent-Length: 50\r\n\r\n" + request[:9])
    return "close"


FAILURES = [
    silent,
    dribbling,
    reset,
    cut,
    cut_chunks,
    hang_up,
    echo_as_status_line,
    cut_gzip,
]


@pytest.mark.parametrize("behave", FAILURES, ids=lambda behave: behave.__name__)
def test_a_reply_that_does_not_arrive_whole_is_transient_and_hides_the_key(behave, caplog):
    caplog.set_level(logging.DEBUG)
    with talking_to(behave, read_timeout_s=0.3) as (server, client):
        with pytest.raises(Transient) as caught:
            client.send(ProductRequest(1, ("B000000001",), "stats"))
        assert_no_key(everything_about(caught.value))
        assert_no_key(repr(client))
        wait_until(lambda: server.requests, "the request, which a time-out may have overtaken")
        assert len(server.requests) == 1
    assert not isinstance(caught.value, NotSent)
    assert caught.value.status is None
    assert str(caught.value).startswith("/product: no reply: ")
    assert_no_key("\n".join(record.getMessage() for record in caplog.records))


@pytest.mark.parametrize("behave", [cut_in_head, bad_headers_then_cut, bad_gzip], ids=lambda behave: behave.__name__)
def test_a_head_cut_short_is_a_body_that_cannot_be_read(behave, caplog):
    caplog.set_level(logging.DEBUG)
    with talking_to(behave) as (_, client), pytest.raises(Transient):
        envelope_of_reply(client.send(TokenRequest()))
    assert_no_key("\n".join(record.getMessage() for record in caplog.records))


def test_a_failed_call_leaves_the_client_usable():
    replies = [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", answer(as_json(ENVELOPE))]

    def behave(connection, _request):
        connection.sendall(replies.pop(0))
        return "close" if replies else None

    with talking_to(behave) as (_, client):
        with pytest.raises(Transient):
            client.send(TokenRequest())
        assert client.read_bucket().tokens_left == 7


@contextmanager
def nobody_listens():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    yield f"http://127.0.0.1:{port}"


@contextmanager
def full_backlog():
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for sock in (first, second):
            sock.setblocking(False)
            sock.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def no_tls():
    with Server(lambda connection, _request: connection.sendall(b"hello")) as server:
        yield server.url.replace("127.0.0.1", "no-such-host.invalid")


@pytest.mark.parametrize("somewhere", [nobody_listens, full_backlog, no_tls], ids=["refused", "no answer", "no name"])
def test_without_a_connection_nothing_was_sent_and_the_key_is_hidden(somewhere):
    with (
        somewhere() as url,
        KeepaClient(Secret(KEY), url, connect_timeout_s=0.2, read_timeout_s=1) as client,
        pytest.raises(NotSent) as caught,
    ):
        client.send(TokenRequest())
    assert_no_key(everything_about(caught.value))


def test_a_failure_inside_the_handling_of_another_tells_its_own_reason():
    with nobody_listens() as url, KeepaClient(Secret(KEY), url) as client:
        try:
            int("quite another matter")
        except ValueError:
            with pytest.raises(NotSent, match="Connection refused"):
                client.send(TokenRequest())
