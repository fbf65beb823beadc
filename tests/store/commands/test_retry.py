"""A second look at what is in quarantine: what can be read by now becomes rows, and the rest says what to do."""

from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import pytest

from tasks.calls.spool import DAMAGED, Spool
from tasks.calls.spool_header import Header, Origin
from tasks.ingest.retry import retry_quarantined
from tasks.ingest.retry.retry_advice import advice
from tasks.ingest.retry.retry_quarantined import Outcome, RetryOptions
from tasks.ingest.walk_progress import begin
from tasks.keepa.source.source import parse
from tasks.planning.streams import by_stream
from tasks.roles import BACKFILL
from tasks.store import crawls, deals, refused_sources
from tasks.store.products import products
from tasks.store.queue import queue
from tasks.store.queue.counts import queue_counts
from tests.fixtures.database.faults import count, give_up, keep

ASIN = "B000000001"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HEADER = Header(
    origin=Origin(job="backfill", domain=1, asins=(ASIN,), leases=(1,), detail="history"),
    endpoint="/product", tier="backfill", worker="w", shape="product:history", items=1, estimate=1,
    received_at=NOON, status=200, duration_s=0.1, waited_s=0.0,
)  # fmt: skip


@pytest.fixture
def look(conn, tmp_path):
    def run(fault_id, *, may_pay=False, sources=()):
        options = RetryOptions(
            spool_dir=tmp_path / "spool", detail="history", may_pay=may_pay, sources=by_stream(sources)
        )
        return retry_quarantined.retry_fault(conn, fault_id, options)

    return run


def test_a_deal_that_can_be_read_by_now_becomes_a_row_and_is_queued(conn, look, make_deal):
    kept = keep(conn, "deal", ASIN, msgspec.json.encode(make_deal(ASIN)))
    assert look(kept).outcome is Outcome.READ
    assert conn.execute("SELECT asin, last_seen_at > now() - interval '1 minute' FROM deals").fetchall() == [
        (ASIN, True)
    ]
    assert (queue_counts(conn).pending, count(conn, "quarantine")) == (1, 0)


def test_a_deal_the_database_still_refuses_is_left_as_it_was(conn, look, make_deal):
    conn.execute("ALTER TABLE deal_rows ADD CONSTRAINT own CHECK (title <> 'refused')")
    deals.write(conn, 1, [make_deal(ASIN, title="refused")], seen_at=NOON)
    before = conn.execute("SELECT * FROM quarantine").fetchall()
    verdict = look(before[0][0])
    assert (verdict.outcome, verdict.words) == (Outcome.LEFT, "it can be read, and the database still refuses it")
    assert conn.execute("SELECT * FROM quarantine").fetchall() == before
    assert (count(conn, "deals"), queue_counts(conn).pending) == (0, 0)


@pytest.mark.parametrize("kind", ["deal", "product"])
def test_what_still_cannot_be_read_is_left(conn, look, kind):
    raws = [b"", b"{", b"Deal(asin='B')", b'{"asin": 7}', b"1],[2", b"{},{}"]
    for raw in raws:
        assert look(keep(conn, kind, f"no asin {raw}", raw)).outcome is Outcome.LEFT
    assert count(conn, "quarantine") == len(raws)


def test_a_product_that_can_be_read_by_now_answers_its_item_in_the_queue(conn, look, make_product):
    for detail in ("history", "offers"):
        queue.enqueue(conn, 1, [ASIN], detail=detail)
    kept = keep(conn, "product", ASIN, msgspec.json.encode(make_product(ASIN)))
    assert look(kept).outcome is Outcome.READ
    assert (count(conn, "products"), count(conn, "price_series"), count(conn, "quarantine")) == (1, 2, 0)
    states = conn.execute("SELECT detail, state FROM fetch_queue ORDER BY detail").fetchall()
    assert states == [("history", "done"), ("offers", "pending")]


def test_an_older_answer_does_not_settle_what_was_asked_for_later(conn, look, make_product):
    kept = keep(conn, "product", ASIN, msgspec.json.encode(make_product(ASIN)))
    conn.execute("UPDATE quarantine SET last_at = now() - interval '1 hour'")
    queue.enqueue(conn, 1, [ASIN], detail="history")
    assert look(kept).outcome is Outcome.READ
    assert queue_counts(conn).pending == 1


def test_what_was_quarantined_for_a_nul_is_read_by_now(conn, look, make_deal):
    deals.write(conn, 1, [make_deal(ASIN, title="a\0b")], seen_at=NOON)
    (kept,) = conn.execute("SELECT id FROM quarantine").fetchone()
    assert look(kept).outcome is Outcome.READ
    assert conn.execute("SELECT title FROM deals").fetchall() == [("a\ufffdb",)]


BODIES = {"deal": ("/deal x page 0", '{"deals":{"dr":[%s]},'), "product": ("/product stats x", '{"products":[%s],')}


@pytest.mark.parametrize("kind", BODIES)
def test_items_of_another_locale_in_a_kept_body_are_written_nowhere(conn, look, make_deal, make_product, kind):
    key, list_of = BODIES[kind]
    item = make_deal(ASIN) if kind == "deal" else make_product(ASIN)
    raw = msgspec.json.encode(msgspec.to_builtins(item) | {"domainId": 3})
    look(keep(conn, "body", key, (list_of % raw.decode() + '"tokensLeft":1}').encode()))
    assert (count(conn, "deals"), count(conn, "products")) == (0, 0)


def test_a_product_the_database_still_refuses_is_asked_for_again_only_when_told_to_pay(conn, look, make_product):
    conn.execute("ALTER TABLE products ADD CONSTRAINT own CHECK (title <> 'refused')")
    products.write(conn, 1, [make_product(ASIN, title="refused")], fetched_at=NOON, has_history=True)
    (kept,) = conn.execute("SELECT id FROM quarantine").fetchone()
    assert look(kept).outcome is Outcome.LEFT
    assert queue_counts(conn).pending == 0
    verdict = look(kept, may_pay=True)
    assert (verdict.outcome, verdict.words) == (Outcome.QUEUED, "queued again for history")
    assert (queue_counts(conn).pending, count(conn, "products"), count(conn, "quarantine")) == (1, 0, 0)


def test_what_was_given_up_goes_back_with_all_its_attempts_and_its_own_detail(conn, look):
    give_up(conn, ASIN, detail="offers")
    conn.execute("UPDATE fetch_queue SET deaths = 3")
    (kept,) = conn.execute("SELECT id FROM quarantine").fetchone()
    assert look(kept).outcome is Outcome.QUEUED
    (item,) = queue.claim(conn, owner="w", limit=9, lease_s=9)
    assert (item.asin, item.detail, item.attempts, item.deaths) == (ASIN, "offers", 0, 0)
    assert count(conn, "quarantine") == 0


@pytest.mark.parametrize(
    ("state", "outcome", "pending"), [("pending", "settled", 1), ("done", "settled", 0), ("deleted", "queued", 1)]
)
def test_what_was_given_up_and_is_waiting_or_fetched_since_is_not_asked_for_twice(conn, look, state, outcome, pending):
    give_up(conn, ASIN)
    if state == "deleted":
        conn.execute("DELETE FROM fetch_queue")
    else:
        conn.execute("UPDATE fetch_queue SET state = %s, finished_at = now()", (state,))
    (kept,) = conn.execute("SELECT id FROM quarantine").fetchone()
    assert look(kept).outcome is Outcome(outcome)
    assert (queue_counts(conn).pending, count(conn, "quarantine")) == (pending, 0)


def test_what_can_never_be_asked_for_is_left(conn, look):
    give_up(conn, "no ASIN")
    (kept,) = conn.execute("SELECT id FROM quarantine").fetchone()
    assert look(kept, may_pay=True).words.startswith("not an ASIN")
    assert queue_counts(conn).pending == 0


def test_a_whole_body_that_can_be_read_by_now_becomes_rows_but_for_its_bad_items(conn, look, make_deal):
    good = msgspec.json.encode(make_deal(ASIN)).decode()
    body = f'{{"timestamp": 1757873538842, "deals": {{"dr": [{good}, {{"asin": "B000000002"}}],'
    body += '"categoryIds": [283155, 9223372036854775808], "categoryNames": ["Books\\u0000", "?"]}}'
    kept = keep(conn, "body", "/deal 0123456789ab page 3", body.encode())
    verdict = look(kept)
    assert (verdict.outcome, verdict.words) == (
        Outcome.READ,
        "a page of 1 deals: 1 rows written, 1 quarantined one by one",
    )
    assert conn.execute("SELECT kind, key FROM quarantine").fetchall() == [("deal", "B000000002")]
    assert conn.execute("SELECT id, name FROM categories").fetchall() == [(283155, "Books\ufffd")]


def test_a_whole_batch_that_can_be_read_by_now_answers_the_queue(conn, look, make_product):
    give_up(conn, ASIN)
    body = b'{"products": [%b]}' % msgspec.json.encode(make_product(ASIN))
    assert look(keep(conn, "body", "/product history page 0", body)).outcome is Outcome.READ
    assert conn.execute("SELECT state FROM fetch_queue").fetchall() == [("done",)]
    assert (count(conn, "products"), count(conn, "price_series")) == (1, 2)


WHOLE = (
    b'{"timestamp": 1757873538842, "tokensLeft": 5, "refillIn": 5, "refillRate": 5, "tokensConsumed": 1,'
    b' "tokenFlowReduction": 0, "processingTimeInMs": 1}'
)


@pytest.mark.parametrize(
    ("body", "outcome"), [(b'{"timestamp": 1, "tokensLeft": "x"}', "left"), (WHOLE, "settled"), (b"{", "left")]
)
def test_an_odd_envelope_is_dealt_with_once_it_can_be_read(conn, look, body, outcome):
    assert look(keep(conn, "body", "/deal envelope", body)).outcome is Outcome(outcome)


def test_a_reply_no_worker_could_process_goes_back_to_where_they_look(conn, look, tmp_path):
    spool = Spool(tmp_path / "spool", limit_bytes=1 << 20)
    aside = spool.quarantine(spool.claim(spool.put(HEADER, b"body").path))
    kept = keep(conn, "body", aside.name, b"body", domain=None)
    assert look(kept).outcome is Outcome.READ
    (path,) = spool.orphans()
    entry = spool.claim(path)
    assert (entry.read(), entry.attempts) == ((HEADER, b"body"), 1)
    assert not aside.exists()


@pytest.mark.parametrize("content", [None, b"cut"])
def test_a_reply_whose_file_is_gone_or_damaged_is_left(conn, look, tmp_path, content):
    name = "1.2.3.000001.11.reply"
    if content is not None:
        (tmp_path / "spool" / DAMAGED).mkdir(parents=True)
        (tmp_path / "spool" / DAMAGED / name).write_bytes(content)
    assert look(keep(conn, "body", name, None, domain=None)).outcome is Outcome.LEFT
    assert content is None or (tmp_path / "spool" / DAMAGED / name).exists()


SOURCES = {
    "/bestsellers": ({"source": "bestsellers", "categoryId": 5}, b'{"bestSellersList":{"asinList":[%b]}}'),
    "/seller": ({"source": "seller", "sellerId": "A2L77EE7U53NWQ"}, b'{"sellers":{"A2":{"asinList":[%b]}}}'),
    "/query": ({"source": "category", "categoryId": 5, "most": 2000}, b'{"asinList":[%b]}'),
    "/lightningdeal": ({"source": "lightning-deals"}, b'{"lightningDeals":[{"asin":%b}]}'),
}


@pytest.mark.parametrize("endpoint", SOURCES)
def test_a_page_of_a_source_that_can_be_read_by_now_is_queued_and_not_asked_for_again(conn, look, endpoint):
    given, body = SOURCES[endpoint]
    source = parse(given, name="mine", domain=1)
    begin(conn, BACKFILL, source)
    kept = keep(conn, "body", f"{endpoint} {source.key} page 0", body % f'"{ASIN}"'.encode())
    gone = look(kept)
    assert (gone.outcome, "no longer in the settings" in gone.words) == (Outcome.LEFT, True)
    assert queue_counts(conn).pending == 0
    assert look(kept, sources=[source]).outcome is Outcome.READ
    assert (queue_counts(conn).pending, count(conn, "quarantine"), count(conn, "calls")) == (1, 0, 0)
    crawl = crawls.load_crawl(conn, BACKFILL, source.key, 1)
    assert (crawl.state, crawl.page, crawl.rows) == ("done", 1, 1)
    assert crawls.page_owners(conn) == []


@pytest.mark.parametrize("meanwhile", ["gone on", "begun anew", "paid for now"])
def test_a_kept_page_moves_no_source_that_does_not_wait_for_it(conn, look, meanwhile):
    source = parse({"source": "bestsellers", "categoryId": 5}, name="best", domain=1)
    crawl = begin(conn, BACKFILL, source)
    kept = keep(conn, "body", f"/bestsellers {source.key} page 0", SOURCES["/bestsellers"][1] % f'"{ASIN}"'.encode())
    if meanwhile == "gone on":
        crawls.save_crawl(conn, replace(crawl, page=1))
    if meanwhile == "begun anew":
        conn.execute("UPDATE quarantine SET last_at = now() - interval '1 hour'")
    if meanwhile == "paid for now":
        assert crawls.claim_page(conn, crawl, owner="w", lease_s=600)
    before = conn.execute("SELECT * FROM crawls").fetchall()
    assert "has gone on meanwhile" in look(kept, sources=[source]).words
    assert (queue_counts(conn).pending, conn.execute("SELECT * FROM crawls").fetchall()) == (1, before)


def test_a_page_of_a_source_that_still_cannot_be_read_moves_nothing(conn, look):
    source = parse({"source": "bestsellers", "categoryId": 5}, name="best", domain=1)
    crawl = begin(conn, BACKFILL, source)
    kept = keep(conn, "body", f"/bestsellers {source.key} page 0", b'{"bestSellersList":{"asinList":["B0')
    assert look(kept, sources=[source]).outcome is Outcome.LEFT
    assert (crawls.load_crawl(conn, BACKFILL, source.key, 1), queue_counts(conn).pending) == (crawl, 0)


def test_a_refused_source_is_settled_once_it_is_accepted(conn, look):
    refused_sources.refuse(conn, "0123456789ab", 1, name="best, shop", reason="HTTP 400")
    source = parse({"source": "bestsellers", "categoryId": 5}, name="best", domain=1)
    kept = keep(conn, "request", "source best, shop", repr(dict(source.query)).encode())
    verdict = look(kept)
    assert (verdict.outcome, verdict.words) == (Outcome.LEFT, advice("request", "source best, shop", has_bytes=True))
    refused_sources.accept(conn, "0123456789ab", 1)
    assert look(kept).outcome is Outcome.SETTLED


@pytest.mark.parametrize("kind", ["deal", "product", "request", "body"])
@pytest.mark.parametrize("key", [ASIN, "/deal x page 0", "/new x page 0", "/seller x page 0", "1.2.reply", "/deal odd"])
@pytest.mark.parametrize("has_bytes", [True, False])
def test_every_fault_has_an_answer_of_what_a_retry_does_or_else_what_to_do(kind, key, has_bytes):
    words = advice(kind, key, has_bytes=has_bytes)
    assert any(word in words for word in ("a retry ", "drop"))


def test_a_refused_selection_is_left_to_its_owner(conn, look):
    assert look(keep(conn, "request", "mine, domain 1", b"{}")).outcome is Outcome.LEFT
    assert look(10**9) is None


def test_an_example_of_odd_items_is_settled_for_they_were_written(conn, look):
    verdict = look(keep(conn, "body", "/product odd", b'{"asin":"B000000001","title":5}'))
    assert verdict.outcome is Outcome.SETTLED
    assert count(conn, "quarantine") == 0


def test_a_body_that_ends_in_its_middle_stays_for_a_person(conn, look, make_deal):
    good = msgspec.json.encode(make_deal(ASIN))
    for key, body in (
        ("/deal 0123456789ab page 3", b'{"deals":{"dr":[%b,{"asin":"B0' % good),
        ("/product history page 0 0a1b", b'{"products":[{"asin":"B000000001"},{"asin":"B0'),
    ):
        verdict = look(keep(conn, "body", key, body))
        assert (verdict.outcome, "ends in its middle" in verdict.words) == (Outcome.LEFT, True)
    assert (count(conn, "deals"), count(conn, "products")) == (0, 0)


def test_a_body_that_was_kept_whole_and_has_a_spoilt_item_becomes_rows_but_for_that(conn, look, make_deal):
    good = msgspec.json.encode(make_deal(ASIN))
    body = b'{"deals":{"dr":[{"asin":"B000000002","title":"x},%b]}}' % good
    verdict = look(keep(conn, "body", "/deal 0123456789ab page 3", body))
    assert verdict.outcome is Outcome.READ
    assert conn.execute("SELECT asin FROM deals").fetchall() == [(ASIN,)]
    assert conn.execute("SELECT kind, key FROM quarantine").fetchall() == [("deal", "B000000002")]
