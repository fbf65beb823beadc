"""A secret is hidden however it is spelled, in text and in bytes, and ordinary words are left alone."""

import json
from urllib.parse import quote, quote_plus

import pytest

from tasks.redaction import MASK, Redactor, mask_url_keys

SECRET = 'p "wörd\\/+1'
SPELLINGS = [
    SECRET,
    quote(SECRET, safe=""),
    quote_plus(SECRET),
    json.dumps(SECRET)[1:-1],
    json.dumps(SECRET, ensure_ascii=False)[1:-1],
    json.dumps(json.dumps(SECRET)[1:-1])[1:-1],
]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_secret_is_masked_in_every_spelling(spelling):
    redactor = Redactor([SECRET])
    assert redactor.clean(f"<{spelling}>") == f"<{MASK}>"
    assert redactor.clean_bytes(f"<{spelling}>".encode()) == f"<{MASK}>".encode()


def test_the_longest_of_two_secrets_is_masked_first():
    assert Redactor(["topsecret", "topsecret-and-more"]).clean("topsecret-and-more") == MASK


def test_a_secret_that_could_be_a_word_is_left_alone():
    assert Redactor(["key", ""]).clean("the key") == "the key"


def test_bytes_that_are_no_text_are_kept():
    assert Redactor(["s3cret"]).clean_bytes(b"\xff\x00s3cret\xfe") == b"\xff\x00" + MASK.encode() + b"\xfe"


def test_a_secret_of_odd_bytes_is_no_error():
    secret = b"pass\xffword".decode(errors="surrogateescape")
    assert Redactor([secret]).clean_bytes(b"body") == b"body"


def test_the_key_of_a_url_is_masked_whoever_it_belongs_to():
    assert mask_url_keys("GET /deal?key=abc%20d&page=1 'key=x'") == f"GET /deal?key={MASK}&page=1 'key={MASK}'"
