"""The reference of the database is what its comments say."""

import pytest

from tests.fixtures.database.postgres import PARTS
from tests.reference_documents.pages import FOLDER, TABLES
from tests.reference_documents.table_page import table_page


@pytest.mark.skipif(PARTS > 0, reason="the reference has the tables as a new database has them")
def test_the_reference_of_tables_is_made_of_the_comments_in_the_database(conn):
    assert (FOLDER / TABLES).read_text(encoding="utf-8") == table_page(conn), "run `make reference`"


def test_a_table_that_is_added_is_missed_in_the_reference(conn):
    conn.execute("CREATE TABLE added (number integer)")
    conn.execute("COMMENT ON COLUMN added.number IS 'Which one | of all.'")
    page = table_page(conn)
    assert "## added" in page
    assert r"| `number` | `integer` | yes | Which one \| of all. |" in page
