"""The smallest size, written whole by the product's own writers, as its workers would have over a year."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from benchmarks.growth import sizes, source
from benchmarks.growth.source import BATCH, DOMAIN
from supervisor.config.settings import load_settings
from tasks.keepa.prices import KEEPA_EPOCH_MIN
from tasks.planning import streams
from tasks.store import crawls, deals, quarantine
from tasks.store.calls import calls
from tasks.store.crawls import Crawl
from tasks.store.duties import title_index
from tasks.store.products import products
from tasks.store.queue import queue

YEAR = timedelta(days=365)
DETAIL = "history"
CALLS = 2_000  # the rest are copies
SEEN_TOGETHER = 25  # deals of one page that were last listed by it
OWNERS = ("backfill-0", "backfill-1")
# What is known of each product by its ASIN alone; the copies begin from it, and it goes with the schema afterwards.
NOTES = """
CREATE SCHEMA growth;
CREATE TABLE growth.seen (asin text PRIMARY KEY, at timestamptz NOT NULL);
"""
QUEUE_AGES = """
UPDATE fetch_queue AS q SET
    enqueued_at = s.at, place = extract(epoch FROM s.at) * 1000000000,
    ready_at = CASE WHEN q.state = 'pending' THEN s.at ELSE q.ready_at END,
    finished_at = CASE WHEN q.state = 'done' THEN s.at + interval '1 minute' END
FROM growth.seen AS s WHERE s.asin = q.asin
"""


def stream():
    """The selection and the locale that are walked through when none is set."""
    return streams.streams(load_settings({}, dotenv=None).loaded_selections, (DOMAIN,))[0]


def write(conn, size):
    """Fill the empty tables of `conn` with the rows of the smallest size; calls only so far that copies can be made.

    `growth.seen` says then when each product was seen.
    """
    now = datetime.now(UTC)
    with conn.transaction():
        conn.execute(NOTES)
    with source.Market(size.deals) as market:
        found, names = market.deals(size.deals)
        seen = dict(zip(found, _ages(len(found), now), strict=True))
        _deals(conn, found, names, seen)
        fetched = sorted(list(found)[:: max(1, size.deals // size.products)][: size.products])
        for batch in market.products(fetched):
            at = max(seen[product.asin] for product in batch)
            with conn.transaction():
                products.write(conn, DOMAIN, batch, fetched_at=at, has_history=True)
    waiting = [asin for asin in found if asin not in set(fetched)][: size.pending]
    more = [f"B{number:09d}" for number in range(size.pending - len(waiting))]
    seen |= dict(zip(more, _ages(len(more), now), strict=True)) if more else {}
    with conn.transaction(), conn.cursor() as cursor, cursor.copy("COPY growth.seen FROM STDIN") as copy:
        for row in seen.items():
            copy.write_row(row)
    _queue(conn, fetched, waiting + more)
    _walks(conn, now)
    with conn.transaction():
        for call in source.calls(min(CALLS, size.calls), now, YEAR):
            calls.record(conn, call)
    with conn.transaction():
        for fault in source.faults(size.quarantine):
            quarantine.add(conn, domain=DOMAIN, **fault)
        conn.execute(
            "UPDATE quarantine SET first_at = at, last_at = at FROM"
            " (SELECT id, now() - %s * (1 - row_number() OVER (ORDER BY id) / (count(*) OVER () + 1.0)) AS at"
            " FROM quarantine) AS aged WHERE quarantine.id = aged.id",
            (YEAR,),
        )


def _ages(count, now):
    """When each of so many was last seen, in no order."""
    moments = [now - YEAR * sizes.share((number + 0.5) / count) for number in range(count)]
    random.Random(3).shuffle(moments)
    return moments


def _deals(conn, found, names, seen):
    """The oldest first, as in life; a few that were listed together have one moment, the latest of them."""
    order = sorted(found, key=seen.__getitem__)
    for at in range(0, len(order), SEEN_TOGETHER):
        page = order[at : at + SEEN_TOGETHER]
        moment = seen[page[-1]]
        seen |= dict.fromkeys(page, moment)
        age = datetime.now(UTC) - moment
        with conn.transaction():
            deals.write(conn, DOMAIN, [source.aged(found[asin], age) for asin in page], seen_at=moment)
    with conn.transaction():
        deals.write_categories(conn, DOMAIN, list(names), list(names.values()))
    has_more = True
    while has_more:  # the words of the titles: copies of what is indexed need not be looked at again
        with conn.transaction():
            has_more = title_index.step(conn, datetime.now(UTC)).has_more


def _queue(conn, fetched, waiting):
    """What was fetched is done; of what waits, a tenth is of a selection that was taken away, and a few are leased."""
    key = stream().key
    with conn.transaction():
        queue.enqueue(conn, DOMAIN, fetched, detail=DETAIL, selection_key=key)
    while True:
        with conn.transaction():
            taken = queue.claim(conn, owner=OWNERS[0], limit=BATCH, lease_s=600)
            queue.complete(conn, taken)
        if not taken:
            break
    left = len(waiting) // 10
    with conn.transaction():
        queue.enqueue(conn, DOMAIN, waiting[left:], detail=DETAIL, selection_key=key)
        queue.enqueue(conn, DOMAIN, waiting[:left], detail=DETAIL, selection_key="0" * len(key))
        conn.execute(QUEUE_AGES)
        for owner in OWNERS:
            queue.claim(conn, owner=owner, limit=min(BATCH, len(waiting) // 10), lease_s=YEAR.total_seconds())


def _walks(conn, now):
    """Both jobs have been through the selection, and the upsert knows its deals up to now."""
    one = stream()
    began, ended = now - timedelta(hours=1), now - timedelta(minutes=59)
    with conn.transaction():
        for job in ("upsert", "backfill"):
            walk = Crawl(
                job=job,
                selection_key=one.key,
                domain=DOMAIN,
                root_cat=None,
                page=3,
                started_at=began,
                state="done",
                high_minute=None,
                rows=450,
                finished_at=ended,
            )
            crawls.save_crawl(conn, walk)
        minute = int(now.timestamp()) // 60 - KEEPA_EPOCH_MIN
        crawls.move_watermark(conn, one.key, DOMAIN, minute, latest=minute)
