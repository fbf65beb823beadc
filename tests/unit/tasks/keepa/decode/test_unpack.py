"""A body as text, whatever it came in."""

import gzip
import random
import zlib
from contextlib import suppress

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tasks.keepa.decode.unpack import Unpackable, unpacked
from tests.fakes.api.spoilings import PACKED

LIMIT = 1 << 20
TEXT = '{"tokensLeft":7,"products":[{"title":"Müller ☃ 𝄞"}]}'
BODY = TEXT.encode()
CHARSETS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be")


@given(
    st.lists(st.sampled_from(sorted(PACKED)), max_size=4),
    st.sampled_from(CHARSETS),
    st.sampled_from(["", "gzip", "x-gzip", "deflate", "identity", "br", "zstd", "gzip, gzip", "nonsense"]),
    st.sampled_from([BODY, b"[]", b' \r\n{"a":1}', b"<html>sign in</html>", b'"sorry"']),
)
def test_it_is_found_under_every_packing_and_encoding_whatever_the_header_says(layers, charset, claimed, text):
    body = text.decode().encode(charset)
    for layer in layers:
        body = PACKED[layer](body)
    assert unpacked(body, coding=claimed, limit=LIMIT) == text


@given(st.binary(max_size=300), st.sampled_from(["", "gzip", "deflate", "br"]))
def test_any_bytes_are_a_text_within_the_limit_or_none_at_all(body, claimed):
    with suppress(Unpackable):
        assert len(unpacked(body, coding=claimed, limit=100)) <= 100


@given(st.integers(0, len(BODY)), st.sampled_from(["gzip", "zlib"]))
def test_a_packed_body_that_is_cut_is_none(keep, packing):
    packed = PACKED[packing](BODY)
    assert unpacked(packed, limit=LIMIT) == BODY
    if 4 <= keep < len(packed):
        with pytest.raises(Unpackable, match="is cut short"):
            unpacked(packed[:keep], coding="gzip", limit=LIMIT)


def test_half_a_pair_in_utf_16_does_not_lose_the_rest():
    body = TEXT.replace("☃", "\ud83d").encode("utf-16-le", "surrogatepass")
    assert unpacked(body, limit=LIMIT).decode() == TEXT.replace("☃", "\ufffd")


def test_members_of_a_stream_are_put_together_and_what_follows_is_left_out():
    body = gzip.compress(BODY[:20]) + gzip.compress(BODY[20:]) + b"\0" * 30
    assert unpacked(body, limit=LIMIT) == BODY


def test_parts_without_end_are_given_up_before_they_take_for_ever():
    empty = gzip.compress(b"")
    assert unpacked(gzip.compress(BODY) + empty * 9_000, limit=LIMIT) == BODY
    with pytest.raises(Unpackable, match="more than 10000 parts"):
        unpacked(empty * 2_000_000, limit=LIMIT)


@given(st.sampled_from([BODY, b'{\n "timestamp" : 1732819813000, "tokensLeft": 12}']), st.data())
def test_a_text_with_odd_bytes_near_its_beginning_is_never_taken_for_a_packed_one(text, data):
    body = bytearray(text)
    for _ in range(data.draw(st.integers(1, 3))):
        body[data.draw(st.integers(1, len(body) - 1))] = data.draw(st.integers(0, 31) | st.integers(32, 255))
    assume(0 not in body[:4])  # that tells of UTF-16
    assert unpacked(bytes(body), limit=LIMIT) == body


@example(1 << 12)
@example((1 << 12) + 1)
@given(st.integers(0, 3 << 12))
def test_where_the_pieces_that_are_read_end_tells_nothing(size):
    text = b"[" + random.Random(size).randbytes(size).hex().encode() + b"]"
    assert unpacked(gzip.compress(text) + gzip.compress(b" ") + b"x" * 9, limit=LIMIT) == text + b" "
    assert unpacked(PACKED["deflate"](text), limit=LIMIT) == text


def test_damage_inside_is_no_text():
    packed = bytearray(gzip.compress(BODY))
    packed[-6] ^= 0xFF
    with pytest.raises(Unpackable, match="damaged"):
        unpacked(bytes(packed), limit=LIMIT)


@pytest.mark.parametrize("packing", ["gzip", "zlib", "deflate"])
@pytest.mark.parametrize("layers", [1, 2])
def test_what_unpacks_to_more_than_the_limit_is_given_up_there(packing, layers):
    body = BODY + b" " * (8 * LIMIT)
    for _ in range(layers):
        body = PACKED[packing](body)
    with pytest.raises(Unpackable, match="larger than 1 MB"):
        unpacked(body, coding="gzip", limit=LIMIT)
    with pytest.raises(Unpackable, match="larger"):
        unpacked(zlib.compress(b"[" + b"0" * 101 + b"]"), limit=100)


def test_a_text_that_grows_by_being_encoded_keeps_to_the_limit_too():
    with pytest.raises(Unpackable, match="larger"):
        unpacked(("[" + '"\u4e2d"' * 200 + "]").encode("utf-16"), limit=850)


def test_packings_without_end_are_given_up():
    body = BODY
    for _ in range(9):
        body = gzip.compress(body)
    with pytest.raises(Unpackable, match="more than 5 times"):
        unpacked(body, limit=LIMIT)


def test_a_packing_that_nobody_asked_for_is_named():
    with pytest.raises(Unpackable, match="packed as 'br', which was not asked for"):
        unpacked(b"\x8b\x04\x80\x7b\x7d\x03 and so on", coding="br", limit=LIMIT)
