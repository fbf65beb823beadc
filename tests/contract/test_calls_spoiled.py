"""The real client against replies that never end, are too large, wrapped wrongly or cut: each ends within its time."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from tasks.errors import Transient
from tasks.keepa.client import KeepaClient
from tasks.keepa.decode.replies import decode_products
from tasks.keepa.reply import envelope_of_reply
from tasks.keepa.request import ProductRequest, TokenRequest
from tasks.secret import Secret
from tests.fakes.api import spoilings
from tests.fakes.waiting import LIMIT_S

ASK = ProductRequest(1, ("B000000000", "B000000001"), "stats")


def client_of(spoiler, **options):
    options = {"connect_timeout_s": LIMIT_S, "read_timeout_s": LIMIT_S, **options}
    return KeepaClient(Secret("any-key"), spoiler.url, **options)


def peak_kb(*, anew=False):
    """The most memory this process has had, or has from now on: what others took hides nothing."""
    if anew:
        Path("/proc/self/clear_refs").write_text("5")
    told = Path("/proc/self/status").read_text()
    return int(told.partition("VmHWM:")[2].split()[0])


@pytest.mark.parametrize("part", sorted(spoilings.DRIPS))
def test_a_reply_without_end_ends_with_the_deadline_of_the_call(make_spoiled, part):
    spoiler = make_spoiled({"do": "drip", "part": part, "every_s": 0.02, "times": 1})
    began = time.monotonic()
    with client_of(spoiler, connect_timeout_s=0.3, read_timeout_s=0.3) as client:
        with pytest.raises(Transient, match=r"did not arrive as a whole within 0\.9 s"):
            client.send(ASK)
        assert time.monotonic() - began >= 0.9
        client._deadline.seconds = 60
        client._timeout = (30, 30)
        assert len(decode_products(client.send(ASK).body).products) == 2


def test_the_deadline_holds_on_a_connection_that_was_kept(make_spoiled):
    spoiler = make_spoiled()
    with client_of(spoiler) as client:
        envelope_of_reply(client.send(TokenRequest()))
        spoiler.set({"do": "drip", "part": "continue", "every_s": 0.02})
        client._deadline.seconds = 0.5
        with pytest.raises(Transient, match="did not arrive as a whole"):
            client.send(TokenRequest())


def test_nothing_is_left_behind_by_calls_that_end_in_time(make_spoiled):
    spoiler = make_spoiled()
    before = threading.active_count()
    with client_of(spoiler) as client:
        for _ in range(50):
            client.send(TokenRequest())
        assert threading.active_count() < before + 20


@pytest.mark.parametrize("status", [200, 302, 503])
@pytest.mark.parametrize("times_packed", [1, 2])
def test_a_body_that_unpacks_without_measure_is_given_up_at_the_limit(make_spoiled, times_packed, status):
    bomb = {"do": "bomb", "mb": 400, "times_packed": times_packed, "times": 1, "status": status}
    spoiler = make_spoiled(bomb)
    with client_of(spoiler, max_body_mb=16) as client:
        before = peak_kb(anew=True)
        with pytest.raises(Transient, match=r"larger than 16 MB \(MAX_BODY_MB\)"):
            client.send(ASK)
        assert peak_kb() - before < 150_000  # the whole is 400 MB
        assert len(decode_products(client.send(ASK).body).products) == 2


@pytest.mark.parametrize("header", ["", "gzip", "br", "deflate", "identity"])
@pytest.mark.parametrize("packed", [[], ["gzip"], ["gzip", "gzip"], ["zlib"], ["deflate"], ["deflate", "gzip"]])
def test_a_wrapping_other_than_was_said_is_undone(make_spoiled, packed, header):
    spoiler = make_spoiled({"do": "coding", "packed": packed, "header": header})
    with client_of(spoiler) as client:
        assert len(decode_products(client.send(ASK).body).products) == 2


@pytest.mark.parametrize("charset", ["utf-8-sig", "utf-16", "utf-16-be", "utf-32", "utf-32-le"])
def test_another_encoding_is_undone(make_spoiled, charset):
    spoiler = make_spoiled({"do": "charset", "as": charset})
    with client_of(spoiler) as client:
        assert len(decode_products(client.send(ASK).body).products) == 2


@pytest.mark.parametrize("framing", ["length", "chunked", "gzip", "close"])
@pytest.mark.parametrize("at", [0.0, 0.3, 0.95])
def test_a_transfer_that_is_cut_is_a_failed_call_and_no_reply(make_spoiled, framing, at):
    spoiler = make_spoiled({"do": "cut", "framing": framing, "at": at})
    with client_of(spoiler) as client, pytest.raises(Transient):
        envelope_of_reply(client.send(ASK))
