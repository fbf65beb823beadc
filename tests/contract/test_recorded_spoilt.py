"""Recorded bodies with anything hit inside their items: nothing is lost, and the envelope is read as it was sent."""

import random
import re

import pytest

from tasks.keepa.decode.replies import decode_deals, decode_envelope, decode_products

TOKENS = (
    *(b"NaN", b"-Infinity", b"1e999", b"null", b"-1", b"9" * 400, b'"\\ud83d"', b"\\", b"[[", b"}", b"{}", b'"', b","),
    *(b"]", b"", b"\xff", b"\0", b"{", b":"),
)
ROUNDS = 15


def hit(body, start, stop, chance):
    """The body with up to five places between `start` and `stop` hit."""
    for at in sorted((chance.randrange(start, stop) for _ in range(chance.randint(1, 5))), reverse=True):
        junk = chance.choice([*TOKENS, bytes([chance.randrange(256)])])
        body = body[:at] + junk + body[at + 1 :]
    return body


@pytest.mark.parametrize("seed", range(3))
def test_every_deal_of_a_recorded_page_is_read_or_kept(deal_bodies, seed):
    chance = random.Random(seed)
    full = [body for body in deal_bodies.values() if b'"dr":[{' in body]
    for body in chance.choices(full, k=ROUNDS):
        spoilt = hit(body, body.index(b'"dr":[') + 7, body.rindex(b'],"drDateIndex"'), chance)
        page = decode_deals(spoilt)
        assert page.envelope == decode_envelope(body)
        assert page.is_whole
        found = {one.asin.encode() for one in page.deals}
        kept = b"".join(fault.raw for fault in page.faults)
        asins = re.findall(rb'"asin":"([0-9A-Z]{10})"', body)
        assert [asin for asin in asins if asin in spoilt and asin not in found and asin not in kept] == []
        assert len(page.deals) >= len(asins) - 10  # each place costs two neighbours at the most


@pytest.mark.parametrize("seed", range(3))
def test_the_envelope_around_recorded_products_is_read_and_the_product_kept(product_bodies, seed):
    chance = random.Random(seed)
    bodies = [body for body in product_bodies.values() if b'"refillIn"' in body]
    for body in chance.choices(bodies, k=ROUNDS):
        start = re.search(rb'"products"\s*:\s*\[', body).end()
        stop = list(re.finditer(rb"\]\s*,\s*\"refillIn\"", body))[-1].start()
        batch = decode_products(hit(body, start, stop, chance))
        assert batch.envelope == decode_envelope(body)
        assert batch.is_whole
        assert len(batch.products) + len(batch.faults) >= 1
