"""The client against a real socket that misbehaves in every way we know, and a key that must never show."""

import gzip
import json
import logging
import socket
import threading
import traceback
import tracemalloc
from contextlib import contextmanager, suppress

import pytest

from ledger import ManualClock
from tasks.errors import ApiError, ConfigError, Forbidden, NotFromApi, NotSent, RequestRefused, Throttled, Transient
from tasks.keepa.client import KeepaClient
from tasks.keepa.reply import RawReply, envelope_of_reply
from tasks.keepa.request import DealRequest, ProductRequest, TokenRequest
from tasks.keepa.selection.selection import parse
from tasks.secret import Secret
from tests.fakes.waiting import LIMIT_S, wait_until

KEY = "k3y+with/odd=characters&9f8e7d6c5b4a"
ENCODED_KEY = "k3y%2Bwith%2Fodd%3Dcharacters%269f8e7d6c5b4a"
ENVELOPE = {
    "processingTimeInMs": 1,
    "refillIn": 45592,
    "refillRate": 5,
    "timestamp": 1758036697230,
    "tokenFlowReduction": 0.0,
    "tokensConsumed": 0,
    "tokensLeft": 7,
}
ZEROED = dict.fromkeys(ENVELOPE, 0) | {
    "error": {"type": "invalidParameter", "message": "You used an invalid parameter.", "details": ""}
}


def answer(body=b"", *, status="200 OK", headers=(), length=None):
    size = len(body) if length is None else length
    head = [f"HTTP/1.1 {status}", f"Content-Length: {size}", *headers, "", ""]
    return "\r\n".join(head).encode() + body


def as_json(value):
    return json.dumps(value).encode()


class Server:
    """Listens on loopback; `behave(connection, request)` answers each request; requests are kept as bytes."""

    def __init__(self, behave):
        self.behave = behave
        self.requests = []
        self.done = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.05)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept)]

    def _accept(self):
        while not self.done.is_set():
            with suppress(TimeoutError):
                connection, _ = self._listener.accept()
                thread = threading.Thread(target=self._serve, args=(connection,))
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection):
        with connection, suppress(OSError):
            connection.settimeout(LIMIT_S)
            while request := self._receive(connection):
                self.requests.append(request)
                if self.behave(connection, request) == "close":
                    return

    @staticmethod
    def _receive(connection):
        got = b""
        while b"\r\n\r\n" not in got:
            part = connection.recv(65536)
            if not part:
                return b""
            got += part
        head, _, body = got.partition(b"\r\n\r\n")
        size = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
        while len(body) < size:
            body += connection.recv(65536)
        return head + b"\r\n\r\n" + body

    def __enter__(self):
        self._threads[0].start()
        return self

    def __exit__(self, *_):
        self.done.set()
        for thread in self._threads:
            thread.join(LIMIT_S)
        self._listener.close()


@contextmanager
def talking_to(behave, **options):
    options = {"connect_timeout_s": LIMIT_S, "read_timeout_s": LIMIT_S, **options}
    with Server(behave) as server, KeepaClient(Secret(KEY), server.url, **options) as client:
        yield server, client


def replying(*args, **kwargs):
    reply = answer(*args, **kwargs)
    return lambda connection, _request: connection.sendall(reply)


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


def cut(connection, _request):
    connection.sendall(answer(b"{", length=100))
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


def everything_about(error):
    """All text that any printer of exceptions could get out of it: chained ones and locals too, this file's apart."""
    frames = [link for link in traceback.walk_tb(error.__traceback__) if link[0].f_code.co_filename != __file__]
    lines = traceback.StackSummary.extract(iter(frames), capture_locals=True).format()
    inner = [everything_about(link) for link in (error.__cause__, error.__context__) if link is not None]
    return "\n".join([str(error), repr(error), repr(vars(error)), *lines, *inner])


def assert_no_key(text):
    assert KEY not in text
    assert ENCODED_KEY not in text
    assert "9f8e7d6c5b4a" not in text


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


ERROR_PAGE = f"<html>no such page: /deal?key={KEY}&selection=%7B%7D or key={ENCODED_KEY} </html>".encode()

STATUSES = [
    ("400 Bad Request", RequestRefused, Forbidden),
    ("401 Unauthorized", Forbidden, Forbidden),
    ("402 Payment Required", Forbidden, Forbidden),
    ("403 Forbidden", Forbidden, Forbidden),
    ("404 Not Found", RequestRefused, Forbidden),
    ("405 Method Not Allowed", RequestRefused, Forbidden),
    ("408 Request Timeout", Transient, Transient),
    ("410 Gone", RequestRefused, Transient),
    ("414 URI Too Long", RequestRefused, Transient),
    ("425 Too Early", Transient, Transient),
    ("429 Too Many Requests", Throttled, Throttled),
    ("500 Internal Server Error", Transient, Transient),
    ("502 Bad Gateway", Transient, Transient),
    ("503 Service Unavailable", Transient, Transient),
    ("504 Gateway Timeout", Transient, Transient),
    ("302 Found", Transient, Transient),
]


@pytest.mark.parametrize(("status", "on_deal", "on_token"), STATUSES, ids=[row[0] for row in STATUSES])
@pytest.mark.parametrize("body", [ERROR_PAGE, as_json(ZEROED), b""], ids=["page", "json", "empty"])
def test_every_status_is_one_type_of_error_without_the_key(status, on_deal, on_token, body):
    selection = parse({"domainId": 1, "priceTypes": [2]}, name="s")
    location = f"Location: /elsewhere?key={ENCODED_KEY}"
    with talking_to(replying(body, status=status, headers=[location])) as (server, client):
        for request, kind in ((DealRequest(selection, 0), on_deal), (TokenRequest(), on_token)):
            reply = client.send(request)
            assert_no_key(repr(reply))
            with pytest.raises(ApiError) as caught:
                envelope_of_reply(reply)
            assert type(caught.value) is (kind if body.startswith(b"{") else NotFromApi)
            assert caught.value.status == int(status[:3])
            assert caught.value.reading is None
            assert_no_key(everything_about(caught.value))
    assert len(server.requests) == 2


def test_a_page_that_repeats_the_url_under_a_good_status_is_handed_on_without_the_key():
    with talking_to(replying(ERROR_PAGE)) as (_, client):
        reply = client.send(TokenRequest())
    assert reply.status == 200
    assert reply.body.startswith(b"<html>no such page: /deal?key=")
    assert_no_key(repr(reply) + reply.body.decode())


def test_a_good_body_is_left_as_it_is_when_a_short_key_could_be_a_word_in_it():
    body = as_json({**ENVELOPE, "title": "the word made-up-key"})
    with Server(replying(body)) as server, KeepaClient(Secret("made-up-key"), server.url) as client:
        assert client.send(TokenRequest()).body == body


def test_the_servers_reason_is_in_the_message():
    with pytest.raises(RequestRefused, match="400 for /deal: invalidParameter: You used an invalid parameter"):
        envelope_of_reply(RawReply(400, as_json(ZEROED), 0.1, "/deal"))
    with pytest.raises(Forbidden, match="the server does not know the key: check KEEPA_API_KEY"):
        envelope_of_reply(RawReply(400, as_json(ZEROED), 0.1, "/token"))
    with pytest.raises(Forbidden, match="check the subscription"):
        envelope_of_reply(RawReply(402, as_json(ZEROED), 0.1, "/deal"))
    with pytest.raises(Forbidden, match="check KEEPA_BASE_URL"):
        envelope_of_reply(RawReply(404, as_json(ZEROED), 0.1, "/token"))
    with pytest.raises(NotFromApi, match="402 for /deal: an empty body, which is not from the API"):
        envelope_of_reply(RawReply(402, b"", 0.1, "/deal"))
    with pytest.raises(NotFromApi, match=r"503 for the call: not a reply of the API: 'gone fishing'"):
        envelope_of_reply(RawReply(503, b"gone\n\tfishing", 0.1))


def test_an_error_carries_the_reading_when_its_body_has_one():
    for status, kind in ((429, Throttled), (500, Transient), (400, RequestRefused), (402, Forbidden)):
        with pytest.raises(kind) as caught:
            envelope_of_reply(RawReply(status, as_json(ENVELOPE | {"tokensLeft": -249}), 0.1, "/deal"))
        assert caught.value.reading is not None
        assert caught.value.reading.tokens_left == -249


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[1,", b"<html></html>", b"\xff\xfe", b"[" * 100_000, b"null", b"[]", b'"ok"', b'{"status":"ok"}'],
    ids=["empty", "cut", "cut list", "html", "not text", "deep", "null", "list", "text", "another's object"],
)
def test_a_good_status_with_nothing_that_the_api_says_is_not_the_apis(body):
    with pytest.raises(NotFromApi) as caught:
        envelope_of_reply(RawReply(200, body, 0.1, "/deal"))
    assert caught.value.status == 200


@pytest.mark.parametrize(
    "body",
    [b'{"refillRate":"5"}', b'{"refillRate":"5"', b'{"deals":{"dr":[{"asin":"B0'],
    ids=["wrong type", "cut after a wrong type", "cut in the payload"],
)
def test_a_good_status_with_a_body_of_the_api_is_an_answer_though_it_tells_no_balance(body):
    envelope = envelope_of_reply(RawReply(200, body, 0.1, "/deal"))
    assert envelope.reading is None
    assert envelope.tokens_consumed is None


def test_a_long_error_page_is_shortened():
    with pytest.raises(Transient) as caught:
        envelope_of_reply(RawReply(500, b"x" * 1_000_000, 0.1))
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("body", [b"ab " * (4 << 20), b'{"error":{"type":"%b","message":"x"}}' % (b"ab " * (4 << 20))])
def test_an_excerpt_of_a_page_of_any_size_takes_little_memory(body):
    tracemalloc.start()
    try:
        with pytest.raises(Transient):
            envelope_of_reply(RawReply(500, body, 0.1))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5 * len(body)


@pytest.mark.parametrize("url", ["", "api.keepa.com", "ftp://x", "http://", "http://x:99999", f"https://x/?key={KEY}"])
def test_a_base_url_that_is_none_is_named_before_anything_is_sent(url):
    with pytest.raises(ConfigError) as caught:
        KeepaClient(Secret(KEY), url)
    assert "KEEPA_BASE_URL" in str(caught.value)
    assert_no_key(str(caught.value))


def test_an_empty_key_is_refused():
    with pytest.raises(ConfigError, match="KEEPA_API_KEY"):
        KeepaClient(Secret(""), "https://api.keepa.com")


def test_a_slash_at_the_end_of_the_base_url_does_no_harm():
    with Server(replying(as_json(ENVELOPE))) as server, KeepaClient(Secret(KEY), server.url + "/") as client:
        client.read_bucket()
    assert server.requests[0].startswith(b"GET /token?")
