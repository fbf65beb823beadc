"""Replies that the database refuses as a whole, as a trigger of the user's own makes it: kept, and paid for once."""

from __future__ import annotations

import pytest

from tests.fixtures.server import WIDE

REFUSE = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not in this house'; END $$;
CREATE TRIGGER refuse BEFORE INSERT ON calls FOR EACH ROW WHEN (NEW.endpoint = '{}') EXECUTE FUNCTION refuse()
"""
ALLOW = "DROP TRIGGER refuse ON calls; DROP FUNCTION refuse"


@pytest.fixture
def here(town):
    return town(WIDE, rate=100, deals=40)


def kept(here):
    """The bodies in quarantine, with why."""
    return here.rows("select reason, convert_from(raw, 'UTF8') from quarantine where kind = 'body'")


def asked(here, endpoint):
    return [call for call in here.simulator.control()["log"] if call["endpoint"] == endpoint]


def spooled(here):
    return list((here.folder / "spool").glob("*.reply"))


def test_products_that_are_refused_as_a_whole_are_kept_with_their_bytes_and_asked_for_once(here):
    market = set(here.market(WIDE))
    here.execute(REFUSE.format("/product"))
    here.run(here.job("backfill"), 900)
    bought = [asin for call in asked(here, "/product") for asin in call["asins"]]
    assert sorted(bought) == sorted(market), "each once"
    assert here.rows("select distinct state from fetch_queue") == [("done",)]
    bodies = kept(here)
    assert all("not in this house" in reason for reason, _ in bodies)
    assert {asin for asin in market if any(asin in body for _, body in bodies)} == market
    assert here.rows("select count(*) from products") == [(0,)]
    assert spooled(here) == []


@pytest.mark.parametrize("max_attempts", [1, 5, 100])
def test_a_page_that_is_refused_as_a_whole_is_kept_with_its_bytes_and_listed_again_after_a_pause(here, max_attempts):
    market = set(here.market(WIDE))
    here.execute(REFUSE.format("/deal"))
    work = here.job("upsert", upsert_detail="none", poll_interval_s=60, max_attempts=max_attempts)
    here.run(work, 50)
    assert [call["page"] for call in asked(here, "/deal")] == [0]
    ((reason, body),) = kept(here)
    assert "not in this house" in reason
    assert {asin for asin in market if asin in body} == market
    assert spooled(here) == []
    here.execute(ALLOW)
    here.run(work, 2 * 3600)
    assert {asin for (asin,) in here.rows("select asin from deals")} >= market & set(here.market(WIDE))
