"""Every status with any body is one type of error or a reply, and none of them shows the key."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import ApiError, ConfigError, Forbidden, NotFromApi, RequestRefused, Throttled, Transient
from tasks.keepa.client import KeepaClient
from tasks.keepa.reply import RawReply, envelope_of_reply
from tasks.keepa.request import DealRequest, TokenRequest
from tasks.keepa.selection.selection import parse
from tasks.secret import Secret
from tests.fixtures.scripted_server import (
    ENCODED_KEY,
    ENVELOPE,
    KEY,
    Server,
    as_json,
    assert_no_key,
    everything_about,
    replying,
    talking_to,
)

ZEROED = dict.fromkeys(ENVELOPE, 0) | {
    "error": {"type": "invalidParameter", "message": "You used an invalid parameter.", "details": ""}
}


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


@pytest.mark.parametrize(
    ("page", "shown"),
    [
        (
            b"<html><head>\n<title>Sign\n in &amp; go</title></head><body>\nx</body></html>",
            "a web page (title 'Sign in & go')",
        ),
        (
            b"\xef\xbb\xbf <!-- by a proxy -->\r\n<!DOCTYPE html>\n<TITLE lang='en'>Service</TITLE>",
            "a web page (title 'Service')",
        ),
        (b"<html><body>gone</body></html>", "a web page without a title"),
        (b"<html><title>  </title>", "a web page without a title"),
        (b"<error>\x1b[31m\nno</error>", "'<error>[31m no</error>'"),
    ],
    ids=["portal", "comment in front", "no title", "empty title", "no page"],
)
def test_a_web_page_is_told_as_that_with_its_title_in_one_line(page, shown):
    with pytest.raises(NotFromApi) as caught:
        envelope_of_reply(RawReply(503, page, 0.1, "/deal"))
    assert str(caught.value) == f"503 for /deal: not a reply of the API: {shown}"


@given(st.text(max_size=60), st.sampled_from(["{}", "<html>{}", "<title>{}</title>", "<html><title>{}</title>"]))
def test_whatever_a_foreign_body_holds_it_is_told_in_one_printable_line(text, around):
    with pytest.raises(NotFromApi) as caught:
        envelope_of_reply(RawReply(503, around.format(text).encode(), 0.1, "/deal"))
    assert str(caught.value).isprintable()


def test_the_title_of_a_page_does_not_tell_the_key():
    page = f"<html><title>no such page: /deal?key={KEY}&page=0</title></html>".encode()
    with pytest.raises(NotFromApi) as caught:
        envelope_of_reply(RawReply(404, page, 0.1, "/deal"))
    assert KEY not in str(caught.value)


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
