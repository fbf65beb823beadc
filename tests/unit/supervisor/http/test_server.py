"""The HTTP server: what it understands, and that no client keeps it from others."""

from __future__ import annotations

import ipaddress
import re
import socket
import threading
from contextlib import closing, suppress
from http import HTTPStatus

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from ledger import ManualClock
from supervisor.config.host_names import names
from supervisor.eventloop.loop import MonotonicClock
from supervisor.http.request import BODY_LIMIT, LIMIT, HttpRequest, parse
from supervisor.http.response import Response, refusal
from supervisor.http.server import CLIENT_S, MOST_CLIENTS, HttpServer
from tests.fakes.waiting import LIMIT_S

S = 1_000_000_000


@pytest.fixture
def serve():
    """Starts servers, and ends them."""
    started = []

    def start(answer, *, clock=None, port=0, host="127.0.0.1", failed=lambda _error: None):
        started.append(HttpServer((host, port), answer, clock or MonotonicClock(), failed))
        started[-1].start()
        return started[-1]

    yield start
    for one in started:
        one.close(LIMIT_S)
        assert not one._thread.is_alive()


def hello(request):
    return Response(HTTPStatus.OK, f"hello {request.path}".encode())


def connect(web):
    return socket.create_connection(("127.0.0.1", int(web.url.rpartition(":")[2])), LIMIT_S)


def get(web, path="/x"):
    return requests.get(web.url + path, timeout=LIMIT_S)


@pytest.mark.parametrize(
    ("host", "reached"),
    [("127.0.0.2", "127.0.0.2"), ("0.0.0.0", "127.0.0.1"), ("::1", "[::1]"), ("::", "[::1]")],  # noqa: S104 - the test
)
def test_it_answers_on_the_address_that_it_is_given_and_tells_where_it_is_reached(serve, host, reached):
    if ":" in host and not socket.has_dualstack_ipv6():
        pytest.skip("no IPv6 here")
    web = serve(hello, host=host)
    assert web.url.rpartition(":")[0] == f"http://{reached}"
    assert get(web).text == "hello /x"


def parsed(data, hosts=frozenset()):
    """What is asked for, as a tuple; or the refusal, or None."""
    found = parse(data, hosts)
    return (found.method, found.path, found.query) if isinstance(found, HttpRequest) else found


NO_HTTP = refusal(HTTPStatus.BAD_REQUEST, "not a request of HTTP/1")
NO_METHOD = refusal(HTTPStatus.METHOD_NOT_ALLOWED, "only GET and HEAD", ("Allow", "GET, HEAD"))


@pytest.mark.parametrize(
    ("data", "outcome"),
    [
        (b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", ("GET", "/metrics", "")),
        (b"GET http://[::1]:9/a?b HTTP/1.1\r\nHost: x\r\n\r\n", ("GET", "/a", "b")),
        (b"GET http://localhost HTTP/1.1\r\nHost: x\r\n\r\n", ("GET", "/", "")),
        (b"HEAD /a?b=c?d HTTP/1.0\n\n", ("HEAD", "/a", "b=c?d")),
        (b"GET //evil.example/a HTTP/1.0\n\n", ("GET", "/evil.example/a", "")),
        (b"GET / HTTP/1.1\r\nHost: x\r\n", None),
        (b"", None),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\n", NO_METHOD),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n", NO_METHOD),
        *((data, NO_HTTP) for data in (
            b"GET /\r\n\r\n", b"\x16\x03\x01\r\n\r\n", b"\r\n\r\n", b"GET / HTTP/2.0\r\n\r\n",
            b"GET / HTTP/0.9\r\n\r\n", b"GET / x HTTP/1.1\r\nHost: localhost\r\n\r\n",
        )),
    ],
)  # fmt: skip
def test_a_request_is_understood_refused_or_waited_for(data, outcome):
    assert parsed(data) == outcome


def test_headers_have_names_in_any_case_and_a_line_that_is_none_is_refused():
    request = parse(b"GET / HTTP/1.1\r\nhost:localhost\r\nCookie: a=b\r\n\r\n")
    assert (request.headers["Host"], request.headers["COOKIE"]) == ("localhost", "a=b")
    for line in (b"no colon", b"Host : localhost", b": x", b" folded: first"):
        data = b"GET / HTTP/1.1\r\n" + line + b"\r\nHost: localhost\r\n\r\n"
        assert parse(data).status is HTTPStatus.BAD_REQUEST


def test_a_request_is_complete_when_its_body_is():
    head = b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n"
    assert parse(head + b"\n\r\n") is None
    assert parse(head + b"\n\r\nx").body == b"\n\r\nx"
    assert parse(head + b"abcdefgh").body == b"abcd"
    assert parse(b"GET / HTTP/1.0\r\n\r\nabc").body == b""


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (f"Content-Length: {BODY_LIMIT}", None),
        (f"Content-Length: {BODY_LIMIT + 1}", HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
        *((f"Content-Length: {text}", HTTPStatus.BAD_REQUEST) for text in ("-1", "4, 4", "", "x", "1" * 5_000, "\xb2")),
        ("Content-Length: 4\r\nContent-Length: 5", HTTPStatus.BAD_REQUEST),
        ("Transfer-Encoding: chunked", HTTPStatus.LENGTH_REQUIRED),
    ],
)
def test_a_body_has_one_length_within_the_limit(header, status):
    request = parse(f"GET / HTTP/1.0\r\n{header}\r\n\r\n".encode("latin-1"))
    assert (None if request is None else request.status) == status


def asked(host, path="/status.json", version="1.1"):
    lines = [f"GET {path} HTTP/{version}", *(f"Host: {one}" for one in host), "", ""]
    return parsed("\r\n".join(lines).encode(), frozenset({"metrics.example"}))


@pytest.mark.parametrize("port", ["", ":", ":9464", ":80"])
@pytest.mark.parametrize("name", ["localhost", "LocalHost", "127.0.0.1", "[::1]", "10.1.2.3", "Metrics.Example"])
def test_a_request_for_us_is_answered_with_the_port_or_without(name, port):
    assert asked([name + port]) == ("GET", "/status.json", "")


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "evil.example:9464", "localhost.evil.example", "127.0.0.1.evil.example", "notlocalhost",
        "localhost.", "foo.localhost", "metrics.example.evil.example", "127.1", "0x7f.0.0.1", "[localhost]", "::1",
        "[::1", "localhost:80:80", "localhost:x", "user@localhost", "localhost evil.example", "localhost,evil.example",
        "localhost/evil.example", "[::1%eth0]", "\xe9vil.example",
    ],
)  # fmt: skip
def test_a_request_for_a_stranger_is_misdirected_whatever_its_method_and_path(host):
    for path in ("/", "/metrics", "/status.json", "/nowhere"):
        assert asked([host], path).status is HTTPStatus.MISDIRECTED_REQUEST
    if not set(host) & {"/", " "}:  # in a URL these end the host
        assert asked(["localhost"], f"http://{host}/metrics").status is HTTPStatus.MISDIRECTED_REQUEST
    assert asked([host], "/healthz") == ("GET", "/healthz", "")
    assert asked([host], "/readyz?x") == ("GET", "/readyz", "x")


def test_a_request_of_http_1_1_has_one_host():
    for hosts in ([], [""], ["localhost", "localhost"], ["localhost", "evil.example"], ["", "localhost"]):
        assert asked(hosts).status is HTTPStatus.BAD_REQUEST
    assert asked([], version="1.0") == asked([""], version="1.0") == ("GET", "/status.json", "")
    assert asked(["localhost", "evil.example"], version="1.0").status is HTTPStatus.BAD_REQUEST


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1))
def test_no_name_passes_but_localhost_and_addresses(host):
    def address(text):
        with suppress(ValueError):
            return ipaddress.ip_address(text.strip("[]")) is not None
        return False

    if not isinstance(asked([host]), Response):
        name = re.sub(r":\d{0,5}$", "", host)
        assert name.lower() in {"localhost", "metrics.example"} or address(name)


def test_a_server_answers_no_strangers_page(serve):
    web = serve(hello)
    reply = requests.get(web.url + "/status.json", headers={"Host": "evil.example"}, timeout=LIMIT_S)
    assert (reply.status_code, reply.reason) == (421, "Misdirected Request")
    assert "hello" not in reply.text
    assert (
        requests.get(web.url + "/healthz", headers={"Host": "evil.example"}, timeout=LIMIT_S).text == "hello /healthz"
    )


def test_names_of_hosts_are_read_without_port_and_scheme():
    assert names(" A.example,b ,") == frozenset({"a.example", "b"})
    for wrong in ("http://a", "a:80", "a b", "*.a", "-a", "a..b"):
        with pytest.raises(ValueError, match=re.escape(wrong)):
            names(wrong)


def test_a_request_without_end_is_refused():
    assert parse(b"G" * LIMIT) is None
    for too_large in (b"G" * (LIMIT + 1), b"GET / HTTP/1.0\r\n" + b"a: b\r\n" * 101 + b"\r\n"):
        assert parse(too_large).status is HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE


def test_get_has_a_body_head_has_none_and_nothing_else_is_allowed(serve):
    web = serve(hello)
    assert get(web, "/there?what=ever").text == "hello /there"
    head = requests.head(web.url + "/there", timeout=LIMIT_S)
    assert (head.status_code, head.content, head.headers["Content-Length"]) == (200, b"", "12")
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "BREW"):
        reply = requests.request(method, web.url, data=b"x" * 100_000, timeout=LIMIT_S)
        assert (reply.status_code, reply.headers["Allow"]) == (405, "GET, HEAD")


def test_the_answer_reaches_a_client_that_still_sends(serve):
    web = serve(hello)
    with closing(connect(web)) as one, one.makefile("rb") as reader:
        one.sendall(b"POST / HTTP/1.1\r\nHost: [::1]\r\n\r\n" + b"x" * 5_000_000)
        assert reader.readline() == b"HTTP/1.1 405 Method Not Allowed\r\n"


def test_an_answer_larger_than_any_buffer_arrives_whole(serve):
    big = b"0123456789" * 1_000_000
    web = serve(lambda _request: Response(HTTPStatus.OK, big))
    assert get(web).content == big


def test_clients_that_are_stuck_keep_nobody_out(serve):
    web = serve(lambda _request: Response(HTTPStatus.OK, b"x" * 10_000_000), clock=ManualClock(S))  # none is too late
    silent = [connect(web) for _ in range(MOST_CLIENTS)]
    greedy = connect(web)  # asks, and never reads what it gets
    greedy.sendall(b"GET / HTTP/1.0\r\n\r\n")
    half = connect(web)
    half.sendall(b"GET / HT")
    for _ in range(3):
        assert len(get(web).content) == 10_000_000
    assert silent[0].recv(1) == b""  # the oldest gave way
    for one in (*silent, greedy, half):
        one.close()


def test_two_hundred_slow_clients_do_not_delay_a_check_and_take_no_thread(serve):
    web = serve(hello, clock=ManualClock(S))  # time stands still: nobody runs out of it
    threads = threading.active_count()
    slow = [connect(web) for _ in range(200)]
    for one in slow[-MOST_CLIENTS:]:  # the others have given way
        one.sendall(b"GET / HTTP/1.1\r\nHost: local")
    assert get(web, "/healthz").text == "hello /healthz"
    assert threading.active_count() == threads
    for one in slow:
        one.close()


def test_a_client_that_takes_too_long_is_cut_off_however_busy_it_looks(serve):
    clock = ManualClock(S)
    web = serve(hello, clock=clock)
    with closing(connect(web)) as slow:
        slow.sendall(b"GET / ")
        assert get(web).text == "hello /x"
        clock.advance_s(CLIENT_S + 0.1)
        with suppress(ConnectionResetError):  # what it had not read yet when it closed
            slow.sendall(b"HTT")  # any event makes it look
            assert slow.recv(1) == b""


def test_a_bug_in_an_answer_is_told_and_ends_nothing(serve):
    told = []

    def broken(request):
        if request.path == "/broken":
            raise KeyError(request.path)
        return hello(request)

    web = serve(broken, failed=told.append)
    assert get(web, "/broken").status_code == 500
    assert get(web).text == "hello /x"
    assert [repr(error) for error in told] == ["KeyError('/broken')"]


def test_only_this_machine_can_ask_and_a_port_is_had_once(serve):
    web = serve(hello)
    assert web.url.startswith("http://127.0.0.1:")
    with pytest.raises(OSError, match="in use"):
        serve(hello, port=int(web.url.rpartition(":")[2]))


def test_it_ends_though_clients_are_connected(serve):
    web = serve(hello)
    with closing(connect(web)) as one:
        assert get(web).text == "hello /x"
        web.close(LIMIT_S)
        assert one.recv(1) == b""
    assert not [thread for thread in threading.enumerate() if thread.name == "http"]
    web.close = lambda _timeout_s: None
