"""What `db size` measures, as JSON has it. Pure."""

from __future__ import annotations

from datetime import datetime

import msgspec

from supervisor.queries.printing.output import Output


class TableRoom(msgspec.Struct, frozen=True, kw_only=True):
    """The room of a table, in bytes.

    Attributes:
        is_estimate: whether `rows` is one.
        bytes: all of it: `heap` (the rows' own), `indexes` and `toast` (long values).
        free: room of deleted rows; null when that is not known.
    """

    rows: int
    is_estimate: bool
    bytes: int
    heap: int
    indexes: int
    toast: int
    free: int | None


class ProductRoom(msgspec.Struct, frozen=True, kw_only=True):
    """The bytes of one product on the mean of so many, and in each of its tables."""

    products: int
    bytes: int
    tables: dict[str, int]


class SelectionRoom(msgspec.Struct, frozen=True, kw_only=True):
    """What a selection takes: its `share` of the queue, and as large a part of all deals and products in bytes.

    Attributes:
        selection: its name; null when that is not known.
        selection_key: null for what an older build queued, or what was queued by hand.
        is_in_use: whether the settings ask for it; null without a key.
    """

    selection: str | None
    selection_key: str | None
    is_in_use: bool | None
    domain: int
    share: float
    bytes: int


class GrowthOutput(msgspec.Struct, frozen=True, kw_only=True):
    """What a year would add of one kind: rows, and the bytes of all tables that grow with them."""

    rows: int
    bytes: int


class YearOutput(msgspec.Struct, frozen=True, kw_only=True):
    """What a year would add at the pace of the last days, by kind."""

    reckoned_from_days: float
    bytes: int
    kinds: dict[str, GrowthOutput]


class FreedOutput(msgspec.Struct, frozen=True, kw_only=True):
    """What a setting of so many days would delete now: rows by table, and about how many bytes; 0 days keep all."""

    days: int
    rows: dict[str, int]
    bytes: int
    is_estimate: bool


class SizeOutput(Output, frozen=True, kw_only=True):
    """What takes the room in the database, in bytes.

    Attributes:
        bytes: of all tables; of these `free_bytes` is room of deleted rows.
        database_bytes: of the whole database.
        wal_bytes: of the server's log of changes; null when the role may not ask.
        year: what a year would add; null for a database younger than an hour.
        deletes_from: when rows begin to be deleted by age; null before the first walk.
        settings: what each setting would free now, by its name.
    """

    bytes: int
    free_bytes: int
    database_bytes: int
    wal_bytes: int | None
    tables: dict[str, TableRoom]
    product: ProductRoom
    selections: tuple[SelectionRoom, ...]
    year: YearOutput | None
    deletes_from: datetime | None
    settings: dict[str, FreedOutput]
