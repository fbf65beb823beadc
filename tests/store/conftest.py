"""What the store's tests share."""

import shutil

import pytest

from tasks.embedded_postgres.server import EmbeddedPostgres
from tasks.keepa.decode.replies import Deal, Product
from tasks.store.connection import connect
from tests.fixtures.database.postgres import TEMPLATE


@pytest.fixture(scope="session")
def made_cluster(tmp_path_factory):
    """The home of a server that was made, used and stopped: to be copied, never started."""
    home = tmp_path_factory.mktemp("made") / "pg"
    with EmbeddedPostgres(home):
        pass
    return home


@pytest.fixture
def home(made_cluster, tmp_path):
    """The home of a server that does not run, with a cluster in it."""
    copy = tmp_path / "pg"
    shutil.copytree(made_cluster, copy, symlinks=True)
    return copy


@pytest.fixture
def listed(conn):
    """A connection to a database with random deals, of this test's own."""
    from tests.fixtures.database import best_deals

    best_deals.list_some(conn)
    return conn


@pytest.fixture(scope="session")
def shown(pg_server):
    """A connection to one for all who only look."""
    from tests.fixtures.database import best_deals

    with pg_server.copy(TEMPLATE) as url, connect(url, application_name="test", autocommit=True) as conn:
        best_deals.list_some(conn)
        conn.read_only = True
        yield conn


@pytest.fixture
def make_deal():
    """Makes a deal with every field, changed as told."""
    return a_deal


@pytest.fixture
def make_product():
    """Makes a product with a history, changed as told."""
    return a_product


def a_deal(asin="B000000001", **changes):
    slots = changes.pop("slots", 36)
    row = list(range(slots))
    fields = {
        "asin": asin,
        "title": "A title",
        "image_codes": list(b"51950K3CZ5L.jpg"),
        "root_cat": 283155,
        "categories": [4367, 10368518011],
        "current": row,
        "current_since": [7_000_000 + at for at in row],
        "creation_date": 7_733_684,
        "last_update": 7_733_828,
        "delta": [[at - 5 for at in row] for _ in range(4)],
        "delta_percent": [[at - 9 for at in row] for _ in range(4)],
        "delta_last": row,
        "avg": [[at * 10 + part for at in row] for part in range(4)],
        "back_in_stock": [at % 3 == 0 for at in row],
        "sales_rank_drops30": 1,
        "sales_rank_drops90": 2,
        "sales_rank_drops180": 3,
        "sales_rank_drops365": 4,
        "lightning_start": 0,
        "lightning_end": 0,
        "warehouse_condition": 0,
        "date_interval_index": 0,
    }
    return Deal(**fields | changes)


def a_product(asin="B000000001", **changes):
    fields = {
        "asin": asin,
        "title": "A title",
        "last_update": 7_800_000,
        "csv": [[7_000_000, 100, 7_000_060, 200], None, None, None, None, None, None, [7_000_000, 90, 10]],
    }
    return Product(**fields | changes)
