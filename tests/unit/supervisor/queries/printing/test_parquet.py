"""Rows as Parquet: small batches go into few row groups, so that a file is read fast and little memory is held."""

import io

import pytest
from pyarrow import parquet

from supervisor.queries.printing import parquet as parquet_output
from tasks.store.export.as_text import ExportColumn

COLUMNS = [ExportColumn("asin", "text"), ExportColumn("rank", "int4"), ExportColumn("selections", "int2[]")]


def written(batches, **limits):
    file = io.BytesIO()
    parquet_output.write(file, COLUMNS, batches, **limits)
    return parquet.ParquetFile(io.BytesIO(file.getvalue()))


def batches(count, rows=10):
    return [[(f"B{batch:04}{row:05}", row, [row % 7]) for row in range(rows)] for batch in range(count)]


@pytest.mark.parametrize("count", [0, 1, 50])
def test_small_batches_are_one_row_group(count):
    found = written(batches(count))
    assert found.num_row_groups == min(count, 1)
    assert [tuple(row.values()) for row in found.read().to_pylist()] == [row for rows in batches(count) for row in rows]


def test_a_group_is_written_as_soon_as_it_is_large():
    taken = []

    def counted():
        for rows in batches(40):
            yield rows
            taken.append(len(rows))

    found = written(counted(), group_bytes=1_000)
    assert 5 < found.num_row_groups < 40
    assert found.metadata.num_rows == sum(taken) == 400
