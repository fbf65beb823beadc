"""Writes rows as Parquet, with the columns' types as PostgreSQL has them; needs the extra `parquet`."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from ledger.installation import beside
from tasks.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pyarrow as pa

    from tasks.store.export.as_text import ExportColumn

_GROUP_BYTES: Final = 2_000_000  # of a row group, as columns: the larger, the better it is compressed
_LIST: Final = "[]"
_DIGITS: Final = (18, 2)  # of an amount of money: the columns of numbers with decimals are all prices


def check() -> None:
    """Say before any work what is missing.

    Raises:
        ConfigError: pyarrow is not installed.
    """
    if find_spec("pyarrow") is None:
        raise ConfigError(
            f"Parquet needs the package pyarrow, which is not installed: {beside('pyarrow')}, or take --format csv or "
            "jsonl"
        )


def write(
    file: BinaryIO,
    columns: Sequence[ExportColumn],
    batches: Iterable[Sequence[tuple[Any, ...]]],
    *,
    group_bytes: int = _GROUP_BYTES,
) -> None:
    """Write the rows, a row group for each `group_bytes` of them as columns.

    Batches may be small: a value takes ten times as much room in a row as in a column. What is freed goes back to the
    system at once; pyarrow's own pool keeps 20 to 40 MB of it. There are no dictionaries of values: they cost up to
    10 MB, and zstd finds what repeats by itself (deals and histories take a fifth less room without them).
    """
    import pyarrow as pa
    from pyarrow import parquet

    pa.set_memory_pool(pa.system_memory_pool())
    schema = pa.schema([pa.field(one.name, _type(one.type_name)) for one in columns])
    group: list[pa.RecordBatch] = []
    held_bytes = 0
    with parquet.ParquetWriter(file, schema, compression="zstd", use_dictionary=False) as writer:
        for rows in batches:
            values = zip(*rows, strict=True)
            arrays = [pa.array(column, field.type) for column, field in zip(values, schema, strict=True)]
            group.append(pa.record_batch(arrays, schema=schema))
            held_bytes += group[-1].nbytes
            if held_bytes >= group_bytes:
                writer.write_table(pa.Table.from_batches(group))
                group.clear()
                held_bytes = 0
        if group:
            writer.write_table(pa.Table.from_batches(group))


def _type(name: str) -> pa.DataType:
    import pyarrow as pa

    if name.endswith(_LIST):
        return pa.list_(_type(name.removesuffix(_LIST)))
    types: dict[str, pa.DataType] = {
        "bool": pa.bool_(),
        "int2": pa.int16(),
        "int4": pa.int32(),
        "int8": pa.int64(),
        "float8": pa.float64(),
        "numeric": pa.decimal128(*_DIGITS),
        "date": pa.date32(),
        "timestamptz": pa.timestamp("us", tz="UTC"),
    }
    return types.get(name, pa.string())
