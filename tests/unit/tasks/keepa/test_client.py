"""What the client sends to a real socket, and what it hands back."""

import gzip
import json

from ledger import ManualClock
from tasks.keepa.reply import RawReply, envelope_of_reply
from tasks.keepa.request import DealRequest, TokenRequest
from tasks.keepa.selection.selection import parse
from tests.fixtures.scripted_server import ENCODED_KEY, ENVELOPE, answer, as_json, replying, talking_to


def test_a_reply_is_handed_back_whole_unzipped_and_timed():
    clock = ManualClock()
    body = as_json(ENVELOPE)
    zipped = gzip.compress(body)

    def behave(connection, _request):
        clock.advance_s(1.5)
        connection.sendall(answer(zipped, headers=["Content-Encoding: gzip"]))

    with talking_to(behave, clock=clock) as (server, client):
        assert client.send(TokenRequest()) == RawReply(200, body, 1.5, "/token", zipped)
    head = server.requests[0].decode()
    assert head.startswith(f"GET /token?key={ENCODED_KEY} HTTP/1.1")
    assert "Accept-Encoding: gzip\r\n" in head


def test_connections_are_kept_between_calls():
    peers = []

    def behave(connection, _request):
        peers.append(connection.getpeername())
        connection.sendall(answer(as_json(ENVELOPE)))

    with talking_to(behave) as (_, client):
        for _ in range(3):
            client.send(TokenRequest())
    assert len(peers) == 3
    assert len(set(peers)) == 1


def test_a_selection_travels_in_the_url_and_a_long_one_in_a_post():
    short = parse({"domainId": 1, "priceTypes": [2], "titleSearch": "Müller & Söhne"}, name="short")
    long = short.with_(includeCategories=list(range(1_000_000, 1_000_500)), isFilterEnabled=True)
    with talking_to(replying(as_json(ENVELOPE))) as (server, client):
        client.send(DealRequest(short, 3))
        client.send(DealRequest(long, 4))
    get, post = server.requests
    assert get.startswith(b"GET /deal?key=")
    assert b"&selection=%7B%22" in get.split(b" ")[1]
    head, _, body = post.partition(b"\r\n\r\n")
    assert head.startswith(f"POST /deal?key={ENCODED_KEY} HTTP/1.1".encode())
    assert b"Content-Type: application/json; charset=UTF-8" in head
    assert json.loads(body) == dict(long.query) | {"page": 4}


def test_a_chunked_reply_is_put_together():
    body = gzip.compress(as_json(ENVELOPE) + b" " * 300_000)
    half = len(body) // 2

    def behave(connection, _request):
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n")
        for part in (body[:half], body[half:], b""):
            connection.sendall(f"{len(part):x}\r\n".encode() + part + b"\r\n")

    with talking_to(behave) as (_, client):
        assert envelope_of_reply(client.send(TokenRequest())).tokens_left == 7
