"""Of three price types the discount is against another price, and everything that shows it says so."""

import csv
import io
import json
from datetime import UTC, datetime

import pytest

from supervisor.queries.compared_with import note
from tasks.keepa.prices import COMPARED_WITH_OTHERS, NAMES, NOT_MONEY, OTHERS
from tasks.store import deals
from tests.store.conftest import a_deal


@pytest.fixture
def discounted(conn):
    """One deal whose every price type is 30 % below what it is compared with."""
    with conn.transaction():
        one = a_deal(current=[70] * 36, avg=[[100] * 36] * 4, delta_percent=[[30] * 36] * 4)
        deals.write(conn, 1, [one], seen_at=datetime.now(UTC))
    return conn


def test_json_csv_and_the_page_tell_what_a_discount_is_against(discounted, ask, visit, database_url):
    del discounted
    site = visit(database_url)
    for number, name in enumerate(NAMES):
        if number in NOT_MONEY:
            continue
        (deal,) = json.loads(ask(database_url, "deals", "--type", name, "--json")[1])["deals"]
        (row,) = csv.DictReader(io.StringIO(ask(database_url, "deals", "--type", name, "--csv")[1]))
        (shown,) = site.json(f"/deals.json?type={name}")["deals"]
        expected = OTHERS if name in COMPARED_WITH_OTHERS else name
        assert {deal["compared_with"], row["compared_with"], shown["compared_with"]} == {expected}
    for name in ("WAREHOUSE", "NEW"):
        words = " ".join(ask(database_url, "deals", "--type", name)[1].split())
        page = site.page(f"/deals?type={name}").text
        is_told = name == "WAREHOUSE"
        assert ("WAREHOUSE is against the mean of Amazon's price" in words) is is_told
        assert ("WAREHOUSE is against the mean of Amazon's price" in page) is is_told
        assert ("own week mean" in page) is is_told
        assert ("own week mean" in words) is is_told


def test_the_note_names_those_that_are_shown_alone():
    assert note(["NEW", "USED"]) is None
    assert note([]) is None
    assert note(["NEW", "PRIME_EXCL", "WAREHOUSE"]).startswith("The discount of WAREHOUSE and PRIME_EXCL is against")
