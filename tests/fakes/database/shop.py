"""Lists deals and fetches products of a database as the jobs do, lets days pass, and prunes."""

from __future__ import annotations

from datetime import UTC, datetime

from tasks.maintenance.prune import prune
from tasks.store import deals
from tasks.store.products import products
from tasks.store.queue import queue
from tasks.store.retention.keep import Keep

DETAIL = "history"
WALKED = """
INSERT INTO crawls (job, selection_key, domain, page, started_at, state, rows)
VALUES ('upsert', 'k', 1, 0, now(), 'running', 0)
ON CONFLICT (job, selection_key, domain) DO UPDATE SET started_at = now()
"""
AGED = {
    "deal_rows": ("first_seen_at",),
    "deal_sightings": ("last_seen_at",),
    "products": ("first_fetched_at", "fetched_at", "history_fetched_at", "stats_fetched_at", "offers_fetched_at"),
    "fetch_queue": ("enqueued_at", "ready_at", "finished_at"),
    "quarantine": ("first_at", "last_at"),
    "crawls": ("started_at", "finished_at"),
}


def now():
    return datetime.now(UTC)


class Shop:
    """Lists deals and fetches products as the jobs do, and lets days pass."""

    def __init__(self, conn, make_deal, make_product):
        self.conn, self._deal, self._product, self._updates = conn, make_deal, make_product, 7_800_000

    def list(self, *asins, domain=1, is_changed=True):
        self._updates += is_changed
        with self.conn.transaction():
            self.conn.execute(WALKED)
            found = [self._deal(asin, last_update=self._updates) for asin in asins]
            deals.write(self.conn, domain, found, seen_at=now())
            queue.enqueue(self.conn, domain, asins, detail=DETAIL, selection_key="k")

    def fetch(self):
        """Fetch all that waits; the ASINs."""
        fetched = []
        while True:
            self._updates += 1
            with self.conn.transaction():
                items = queue.claim(self.conn, owner="test@1", limit=100, lease_s=3_600)
                if not items:
                    return fetched
                found = [self._product(item.asin, last_update=self._updates) for item in items]
                products.write(self.conn, items[0].domain, found, fetched_at=now(), has_history=True)
                queue.complete(self.conn, items)
            fetched += [item.asin for item in items]

    def walk(self):
        self.conn.execute(WALKED)

    def pass_days(self, days):
        """Make all that is there older."""
        with self.conn.transaction():
            for table, columns in AGED.items():
                moved = ", ".join(f"{column} = {column} - make_interval(days => {days})" for column in columns)
                self.conn.execute(f"UPDATE {table} SET {moved}".encode())

    def asins(self, table):
        return [row[0] for row in self.conn.execute(f"SELECT DISTINCT asin FROM {table} ORDER BY asin".encode())]

    def state_of(self, asin):
        row = self.conn.execute("SELECT state FROM fetch_queue WHERE asin = %s", (asin,)).fetchone()
        return None if row is None else row[0]

    def prune(self, *, stretch=3, batch=2, **keep):
        """Prune in steps so small that each table takes several."""
        return prune(self.conn, Keep(**keep), lambda _gone: None, stretch=stretch, batch=batch)
