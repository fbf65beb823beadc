"""A statement says the same whether the session has prepared it or not."""

import pytest

from tasks.store.ledger_row.prepared import Statement

GIVEN = Statement("find", ("bigint", "text"), "SELECT $2, $1, $12 WHERE a = $1")
TWELVE = Statement("find", ("bigint",) * 12, GIVEN.text)


def test_it_is_prepared_with_its_types():
    assert GIVEN.prepare() == b"PREPARE find(bigint, text) AS SELECT $2, $1, $12 WHERE a = $1;"


@pytest.mark.parametrize(
    ("is_prepared", "said"),
    [
        (True, b"EXECUTE find((1), (-2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12));"),
        (False, b"SELECT (-2), (1), (12) WHERE a = (1);"),
    ],
)
def test_each_value_stands_where_its_parameter_is(is_prepared, said):
    assert TWELVE.execute(1, -2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, is_prepared=is_prepared) == said


@pytest.mark.parametrize("text", ["it's", "'", "$1", "\\"])
def test_a_text_is_one_literal_whatever_is_in_it(text):
    literal = "'" + text.replace("'", "''") + "'"
    said = Statement("say", ("text",), "SELECT $1").execute(text, is_prepared=False)
    assert said == f"SELECT {literal};".encode()
