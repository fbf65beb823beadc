"""Pure: the sales ranks of a product, by category, as five columns of its row.

The lists of all categories stand one behind the other, as byte planes. A list that is the product's own history of
SALES is not stored twice. What would not be read as it was received stays JSON. The SQL functions `sales_rank_points`
and `sales_ranks` undo it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from tasks.store.bulk import arrays, byte_planes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Ranks = Mapping[str, Sequence[int] | None]

COLUMNS: Final = {
    "sales_rank_categories": "int8[]",
    "sales_rank_points": "int4[]",
    "sales_rank_minutes": "bytea",
    "sales_rank_values": "bytea",
    "sales_ranks_json": "json",
}
_NOTHING: Final = (None,) * len(COLUMNS)
_PAIR: Final = 2


def row(ranks: Ranks | None, sales: Sequence[int] | None) -> tuple[bytes | None, ...]:
    """The values of `COLUMNS`, ready for the wire.

    Args:
        ranks: by category, minute and rank in turn.
        sales: the history of SALES that is stored beside them, in the same form.
    """
    if ranks is None:
        return _NOTHING
    try:
        planes = _in_planes(ranks, sales)
    except (ValueError, OverflowError):
        planes = None
    return (*_NOTHING[1:], msgspec.json.encode(ranks)) if planes is None else (*planes, None)


def _in_planes(ranks: Ranks, sales: Sequence[int] | None) -> tuple[bytes, ...] | None:
    """All columns but the last; None when they would not be read as they were received.

    Raises:
        ValueError: likewise, as `OverflowError`.
    """
    categories = list(map(int, ranks))
    if not categories or any(str(number) != name for number, name in zip(categories, ranks, strict=True)):
        return None
    minutes, values, counts = arrays.words(()), arrays.words(()), []
    for points in ranks.values():
        if not points or len(points) % _PAIR:
            return None
        times = arrays.words(points[::_PAIR])
        if not arrays.rises(times):
            return None
        is_sales = points == sales
        counts.append(0 if is_sales else len(times))
        if not is_sales:
            minutes += times
            values += arrays.words(points[1::_PAIR])
    numbers = arrays.longs(categories)
    return numbers, arrays.ints(counts), byte_planes.of_values(minutes), byte_planes.of_values(values)
