"""Products of a brand: of any length, and found by an index."""

from __future__ import annotations

import random
import string

from tasks.store import migrate
from tasks.store.best_deals import brands
from tasks.store.connection import connect
from tests.fixtures.database.product_rows import write

LENGTHS = (6, 300, 599, 600, 601, 900, 2_000, 4_000)


# Letters of one byte, of two, and of three.
ALPHABETS = (string.ascii_letters + string.digits, "äöüÄÖÜßéÈ", "掃除機充電式")


def of_any_length():
    """A brand of each length in bytes, or one less, that no compression shortens; of each alphabet."""
    chance = random.Random(7)
    return ["".join(chance.choices(of, k=max(3, size // len(of[-1].encode())))) for of in ALPHABETS for size in LENGTHS]


def test_a_brand_of_any_length_is_kept_through_the_upgrade_and_afterwards_and_found(empty_database_url, make_product):
    every, named = migrate.bundled_migrations(), of_any_length()
    with connect(empty_database_url, application_name="test", autocommit=True) as conn:
        migrate.apply_migrations(conn, [one for one in every if one.number < 76])
        conn.cursor().executemany(
            "INSERT INTO products (domain, asin, is_found, first_fetched_at, fetched_at, brand)"
            " VALUES (1, %s, true, now(), now(), %s)",
            [(f"B00000{n:04}", brand) for n, brand in enumerate(named)],
        )
        assert "0076_products_by_brand.sql" in migrate.apply_migrations(conn)
        written = [brand.swapcase() if brand.isascii() else brand for brand in named]
        write(conn, *[make_product(f"B00001{n:04}", brand=brand) for n, brand in enumerate(written)], has_history=False)
        for n, brand in enumerate(named):
            found = brands.products_of(conn, brand, None, most=10)
            assert sorted(found.asins) == [f"B00000{n:04}", f"B00001{n:04}"], len(brand)


def test_a_brand_is_found_by_the_indexes_alone(conn):
    conn.execute(
        "INSERT INTO products (domain, asin, is_found, first_fetched_at, fetched_at, brand) SELECT 1,"
        " 'B' || lpad(n::text, 9, '0'), true, now(), now(), CASE WHEN n % 5000 = 0 THEN repeat('long', 200)"
        " ELSE 'Brand ' || n / 10 END FROM generate_series(1, 10000) AS n"
    )
    conn.execute("VACUUM ANALYZE products")
    for domain in (None, 1):
        asked = {"brand": "brand 7", "domain": domain, "most": 5_000}
        plan = "\n".join(row[0] for row in conn.execute(b"EXPLAIN " + brands._OF_BRAND.encode(), asked, prepare=False))
        assert "Seq Scan" not in plan, plan
        assert "Index Only Scan" in plan, plan
    assert len(brands.products_of(conn, "LONG" * 200, None, most=2).asins) == 2
    assert brands.products_of(conn, "LONG" * 200, None, most=1) is None
