"""The spoiler is trusted by many tests: that it spoils what it is told, leaves alone the rest, and counts both."""

import gzip
import http.client
import json
import signal
import socket
import subprocess
import sys
from contextlib import closing
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest

from tests.fakes.api import spoilings
from tests.fakes.waiting import LIMIT_S

ASINS = "B000000000,B000000001"


def get(url, path="/token", **params):
    """Status, headers and the bytes of the body, as they came."""
    query = "&".join(f"{name}={value}" for name, value in {"key": "any", **params}.items())
    with closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=LIMIT_S)) as connection:
        connection.request("GET", f"{path}?{query}", headers={"Accept-Encoding": "gzip"})
        with connection.getresponse() as reply:
            return reply.status, reply.headers, reply.read()


def products(url):
    return gzip.decompress(get(url, "/product", domain=1, asin=ASINS, stats=90)[2])


def test_what_no_spoiling_takes_is_passed_on_as_the_api_says_it(make_spoiled):
    spoiler = make_spoiled({"do": "status", "status": 404, "endpoint": "/deal"})
    status, headers, body = get(spoiler.url)
    assert (status, headers["Content-Encoding"]) == (200, "gzip")
    assert json.loads(gzip.decompress(body))["refillRate"] == 1000
    assert json.loads(products(spoiler.url))["tokensConsumed"] == 2
    assert len(spoiler.calls("/product", asins=ASINS, consumed=2, spoiled=[])) == 1
    assert spoiler.charged() == spoiler.charged("/product") == 2


def test_a_page_in_front_of_the_api_costs_nothing_and_one_after_it_does(make_spoiled):
    spoiler = make_spoiled({"do": "status", "status": 404, "times": 1})
    status, headers, body = get(spoiler.url, "/product", domain=1, asin=ASINS)
    assert (status, headers["Content-Type"], body) == (404, "text/html", spoilings.PAGE)
    assert spoiler.charged() == 0
    spoiler.set({"do": "status", "status": 403, "charged": True, "body": "{}", "type": "application/json"})
    assert get(spoiler.url, "/product", domain=1, asin=ASINS)[::2] == (403, b"{}")
    assert spoiler.charged() == 2
    assert [call["spoiled"] for call in spoiler.calls()] == [["status"], ["status"]]


@pytest.mark.parametrize(
    ("told", "seen"),
    [
        ({"skip": 2}, "..xxxx"),
        ({"times": 2}, "xx...."),
        ({"every": 3}, "x..x.."),
        ({"skip": 1, "every": 2, "times": 2}, ".x.x.."),
        ({"endpoint": "/deal"}, "......"),
    ],
)
def test_a_spoiling_names_which_replies_it_takes(make_spoiled, told, seen):
    spoiler = make_spoiled({"do": "status", "status": 500, **told})
    assert "".join("x" if get(spoiler.url)[0] == 500 else "." for _ in seen) == seen


def test_a_share_at_random_is_the_same_for_the_same_seed(make_spoiled):
    told = {"do": "status", "status": 500, "rate": 0.5, "seed": 7}
    spoiler = make_spoiled(told)
    first = [get(spoiler.url)[0] for _ in range(20)]
    spoiler.set(told)
    assert [get(spoiler.url)[0] for _ in range(20)] == first
    assert set(first) == {200, 500}


def test_edits_change_the_text_and_nothing_else(make_spoiled):
    spoiler = make_spoiled()
    good = json.loads(products(spoiler.url))
    spoiler.set({"do": "set", "path": "products.1.title", "raw": '"\\ud83d x"'})
    assert b'"title":"\\ud83d x"' in products(spoiler.url)
    spoiler.set({"do": "set", "path": "products.*.rootCategory", "raw": "NaN"})
    assert products(spoiler.url).count(b"NaN") == 2
    spoiler.set({"do": "nest", "path": "products.0.odd", "depth": 3_000})
    assert b"[" * 3_000 + b"]" * 3_000 in products(spoiler.url)
    spoiler.set({"do": "replace", "find": '"tokensConsumed":[0-9]+', "with": '"tokensConsumed":7', "most": 1})
    odd = json.loads(products(spoiler.url))
    assert odd["tokensConsumed"] == 7
    assert [one["asin"] for one in odd["products"]] == [one["asin"] for one in good["products"]]
    spoiler.set({"do": "charset", "as": "utf-16"})
    assert json.loads(products(spoiler.url).decode("utf-16"))["tokensConsumed"] == 2
    spoiler.set({"do": "mutate", "seed": 3})
    spoilt = products(spoiler.url)
    assert spoilt.startswith(b'{"')
    spoiler.set({"do": "cut_body", "keep": 0.25})
    assert len(products(spoiler.url)) < len(spoilt) / 2


def test_a_coding_can_be_other_than_is_said(make_spoiled):
    spoiler = make_spoiled({"do": "coding", "packed": ["gzip", "gzip"], "header": "gzip"})
    _, headers, body = get(spoiler.url)
    assert headers["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(gzip.decompress(body)))["refillRate"] == 1000
    spoiler.set({"do": "coding", "packed": ["gzip"]})
    _, headers, body = get(spoiler.url)
    assert "Content-Encoding" not in headers
    assert gzip.decompress(body).startswith(b"{")
    spoiler.set({"do": "bomb", "mb": 3})
    assert len(gzip.decompress(get(spoiler.url)[2])) > 3 << 20


def test_a_transfer_can_be_cut(make_spoiled):
    spoiler = make_spoiled({"do": "cut"})
    with pytest.raises(http.client.IncompleteRead):
        get(spoiler.url)
    spoiler.set({"do": "cut", "framing": "chunked"})
    with pytest.raises(http.client.IncompleteRead):
        get(spoiler.url)
    spoiler.set({"do": "cut", "framing": "gzip"})
    with pytest.raises(EOFError):
        gzip.decompress(get(spoiler.url)[2])
    spoiler.set({"do": "reset"})
    with pytest.raises(ConnectionError):
        get(spoiler.url)


@pytest.mark.parametrize("part", sorted(spoilings.DRIPS))
def test_a_drip_comes_bit_by_bit(make_spoiled, part):
    spoiler = make_spoiled({"do": "drip", "part": part, "every_s": 0.001})
    with socket.create_connection(urlsplit(spoiler.url).netloc.split(":"), timeout=LIMIT_S) as line:
        line.sendall(b"GET /token?key=any HTTP/1.1\r\n\r\n")
        parts = 0
        while parts < 20:
            assert line.recv(1 << 16)
            parts += 1


def test_it_is_a_program_with_a_door_for_another_list(make_spoiled):
    simulator = make_spoiled().simulator
    told = json.dumps([{"do": "status", "status": 404}])
    command = [sys.executable, "-m", "tests.fakes.api.spoiling_proxy", "--upstream", simulator.url, "--spoilings", told]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as program:
        url = json.loads(program.stdout.readline())["url"]
        assert get(url)[0] == 404
        with urlopen(Request(f"{url}/spoiler", data=b"[]"), timeout=LIMIT_S) as answer:  # noqa: S310 - our own
            assert json.load(answer)["calls"] == {"/token": 1}
        assert get(url)[0] == 200
        program.send_signal(signal.SIGTERM)
        assert program.wait(LIMIT_S) == 0
