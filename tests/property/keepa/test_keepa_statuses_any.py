"""Every status that HTTP can carry, with any body: one row says what it means, and only what a person can mend ends."""

import itertools
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tasks.errors import ApiError, Forbidden, NotFromApi, RequestRefused, Throttled, Transient
from tasks.keepa.http_status import TABLE, Meaning, is_own, row
from tasks.keepa.reply import RawReply, envelope_of_reply
from tests.fakes.api.spoilings import PAGE

ENVELOPE = {"timestamp": 1758036697230, "tokensLeft": 7, "tokensConsumed": 0, "refillIn": 45592, "refillRate": 5}
ZEROED = dict.fromkeys(ENVELOPE, 0) | {"error": {"type": "invalidParameter", "message": "no", "details": ""}}
OWN = [
    json.dumps(ENVELOPE).encode(),
    json.dumps(ZEROED).encode(),
    b'{"error":{"type":"unauthorized","message":"no"}}',
    b' \n{"products":[{"title":"\\ud83d',
    b'{"deals":{"dr":[{"asin":"B0',
    b'{"tokensLeft":NaN}',
]
OTHERS = [
    b"",
    PAGE,
    b"[]",
    b"null",
    b"{}",
    b'{"error":"Forbidden","status":403,"timestamp":"2026-01-01T00:00:00Z","path":"/product"}',
    b'{"error":{"code":403,"message":"quota"}}',
    b'{"error":"invalid_token"}',
    b'<html>{"tokensLeft":5}</html>',
    b"\xff\xfe\x00",
]
ENDPOINTS = ["/token", "/deal", "/product", ""]
KINDS = {
    Meaning.FREE: Throttled,
    Meaning.QUARANTINE: RequestRefused,
    Meaning.RETRY: Transient,
    Meaning.END_RUN: Forbidden,
}
others = st.sampled_from(OTHERS) | st.binary(max_size=200).filter(lambda body: not is_own(body))


def said(reply):
    try:
        envelope_of_reply(reply)
    except ApiError as error:
        return error
    return None


@given(st.integers(100, 999), st.sampled_from(OWN) | others, st.sampled_from(ENDPOINTS))
def test_every_status_with_every_body_has_one_row_and_one_type_of_error(status, body, endpoint):
    meaning = row(status, own=is_own(body), endpoint=endpoint).meaning
    error = said(RawReply(status, body, 0.1, endpoint))
    if error is None:
        assert meaning is Meaning.REPLY
        return
    assert error.status == status
    assert isinstance(error, KINDS[meaning])
    assert isinstance(error, NotFromApi) is not is_own(body)


@given(st.integers(100, 999), others, st.sampled_from(ENDPOINTS))
@example(404, PAGE, "/product")
@example(403, PAGE, "/token")
@example(200, b"", "/deal")
def test_what_is_not_the_apis_own_is_nobodys_refusal_and_ends_nothing(status, body, endpoint):
    with pytest.raises(NotFromApi) as caught:
        envelope_of_reply(RawReply(status, body, 0.1, endpoint))
    assert str(caught.value).startswith(f"{status} for {endpoint or 'the call'}: ")
    assert caught.value.reading is None


def test_the_question_for_the_balance_holds_nothing_that_could_be_refused():
    meanings = {row(status, own=True, endpoint="/token").meaning for status in range(100, 1000)}
    assert Meaning.QUARANTINE not in meanings


def test_only_the_apis_own_word_about_the_key_or_the_server_ends_the_run_and_says_what_to_do():
    asked = itertools.product(range(100, 1000), ENDPOINTS)
    ends = {one for one in asked if row(one[0], own=True, endpoint=one[1]).meaning is Meaning.END_RUN}
    about_the_key = set(itertools.product((401, 402, 403), ENDPOINTS))
    assert ends == about_the_key | set(itertools.product((400, 404, 405), ("/token",)))
    for status, endpoint in ends:
        with pytest.raises(Forbidden, match="check "):
            envelope_of_reply(RawReply(status, OWN[1], 0.1, endpoint))


def test_every_row_of_the_table_decides_something():
    asked = itertools.product(range(100, 1000), (True, False), ENDPOINTS)
    assert {row(status, own=own, endpoint=endpoint) for status, own, endpoint in asked} == set(TABLE)


@pytest.mark.parametrize("body", OWN)
def test_the_apis_bodies_are_told_from_others_whatever_is_broken_in_them(body):
    assert is_own(body)


@pytest.mark.parametrize("body", OTHERS)
def test_and_others_from_them(body):
    assert not is_own(body)
