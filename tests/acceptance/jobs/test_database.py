"""A job whose database changes under it: nothing is bought twice, and only what is yours to mend ends the run."""

from __future__ import annotations

import pytest

from tasks.errors import WrongSchema
from tests.fixtures.server import WIDE

REFUSED_ONCE = """
CREATE SEQUENCE times;
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF nextval('times') = 2 THEN {deed}; END IF; RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER refuser AFTER INSERT ON calls DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION refuse();
"""
IN_COMMIT = {
    "the back end is terminated": "PERFORM pg_terminate_backend(pg_backend_pid())",
    "the server goes down": "RAISE EXCEPTION 'going down' USING ERRCODE = '57P01'",
    "the disk quota is reached": "RAISE EXCEPTION 'no space' USING ERRCODE = '53100'",
    "the server is read only": "RAISE EXCEPTION 'read only' USING ERRCODE = '25006'",
    "another transaction was in the way": "RAISE EXCEPTION 'again' USING ERRCODE = '40001'",
    "the statement takes too long": "RAISE EXCEPTION 'too long' USING ERRCODE = '57014'",
    "the transaction is idle for too long": "RAISE EXCEPTION 'idle' USING ERRCODE = '25P03'",
}


@pytest.mark.parametrize("deed", IN_COMMIT.values(), ids=IN_COMMIT)
def test_a_commit_that_fails_is_made_again_and_nothing_is_bought_twice(town, spoil, deed):
    here = town(WIDE, rate=100, deals=40)
    here.execute(REFUSED_ONCE.format(deed=deed))
    spoiler = spoil(here.simulator.url)
    asins = set(here.market(WIDE))
    here.run(here.job("backfill", base_url=spoiler.url), 900)
    assert here.rows("select last_value > 2 from times") == [(True,)]
    bought = [asin for call in spoiler.calls("/product") for asin in call["asins"].split(",")]
    assert sorted(bought) == sorted(asins)
    assert {asin for (asin,) in here.rows("select asin from products")} == asins
    assert here.rows("select state, count(*) from fetch_queue group by 1") == [("done", len(asins))]
    assert here.ledger.snapshot().bucket.balance == here.simulator.control()["bucket"]["balance"]


YOURS = {
    "a table that is dropped": "DROP TABLE price_series_rows CASCADE",
    "a column that is renamed": "ALTER TABLE products RENAME title TO name",
}


@pytest.mark.parametrize("deed", YOURS.values(), ids=YOURS)
def test_what_a_person_did_to_the_tables_ends_the_run_with_a_sentence_and_the_reply_is_kept(town, spoil, deed):
    here = town(WIDE, rate=100, deals=40)
    spoiler = spoil(here.simulator.url)
    work = here.job("backfill", base_url=spoiler.url)

    def meddle(_outcome):
        if len(spoiler.calls("/deal")) == 1 and not spoiler.calls("/product"):
            here.execute(deed)

    with pytest.raises(WrongSchema, match="the tables are not those of this build"):
        here.run(work, 900, after=meddle)
    assert len(spoiler.calls("/product")) == 1
    assert len(list((here.folder / "spool").glob("*.reply"))) == 1, "paid for, and read once the tables are mended"
