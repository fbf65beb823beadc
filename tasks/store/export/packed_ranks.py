"""Sales ranks on their way out: the server gives them as they are stored, and JSON is made of them here. Pure.

The function `sales_ranks` of the server makes a row of each rank first, which takes some milliseconds a product: thirty
times as long. The order of the categories is the one in which they were received.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Final, LiteralString

import msgspec

from tasks.store.bulk import byte_planes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NAME: Final = "sales_ranks"
SALES: Final[LiteralString] = """
LEFT JOIN LATERAL (
    SELECT s.minutes, concat_ws(
        ' ', s.points, s.first_minute, coalesce(array_to_string(s.minute_pages, ';'), '-'),
        encode(s.minute_bytes, 'hex'), encode(s.price_bytes, 'hex')
    ) AS packed
    FROM price_series_rows AS s
    WHERE 0 = ANY (p.sales_rank_points)
      AND s.domain = p.domain AND s.asin = p.asin AND s.price_type = 3 AND s.points > 0
) AS sales ON true
"""
"""The history of SALES of a product `p`, where that is the ranks of a category; looked up for each product."""
PACKED: Final[LiteralString] = """
CASE
    WHEN p.sales_ranks_json IS NOT NULL OR sales.minutes IS NOT NULL
        THEN 'json ' || encode(convert_to(p.sales_ranks::text, 'UTF8'), 'hex')
    WHEN p.sales_rank_categories IS NOT NULL THEN concat_ws(
        ' ', array_to_string(p.sales_rank_categories, ';'), array_to_string(p.sales_rank_points, ';'),
        encode(p.sales_rank_minutes, 'hex'), encode(p.sales_rank_values, 'hex'), sales.packed
    )
END
"""
"""The ranks as digits and signs, without commas and quotes. Those in another form than planes are JSON already."""
_JSON: Final = b"json "
_NO_PAGES: Final = b"-"


def unpacked(packed: bytes) -> bytes:
    """The ranks as JSON in one line, by category, minute and rank in turn; empty where there are none."""
    if not packed:
        return b""
    if packed.startswith(_JSON):
        whole = bytes.fromhex(packed.removeprefix(_JSON).decode())
        return whole.translate(bytes.maketrans(b"\n\r", b"  "))
    categories, counts, minutes, ranks, *sales = packed.split(b" ")
    points = _numbers(counts)
    found = dict(zip(categories.decode().split(";"), _lists(points, minutes, ranks, sales), strict=True))
    kept = {category: ranks for category, ranks in found.items() if ranks}
    return msgspec.json.encode(kept) if kept else b""


def _lists(points: Sequence[int], minutes: bytes, ranks: bytes, sales: Sequence[bytes]) -> Iterator[list[int]]:
    """The list of each category; empty where it is that of SALES, and that is gone."""
    of_sales = _sales(sales) if sales else []
    count = sum(points)
    times, values = (_planes(planes, count) for planes in (minutes, ranks))
    at = 0
    for number in points:
        yield _in_turn(times[at : at + number], values[at : at + number]) if number else of_sales
        at += number


def _sales(sales: Sequence[bytes]) -> list[int]:
    points, first_minute, pages, minute_bytes, price_bytes = sales
    count = int(points)
    places = None if pages == _NO_PAGES else _numbers(pages)
    minutes = byte_planes.read_minutes(places, bytes.fromhex(minute_bytes.decode()), count, int(first_minute))
    return _in_turn(minutes, _planes(price_bytes, count))


def _planes(digits: bytes, count: int) -> array[int]:
    return byte_planes.read_values(bytes.fromhex(digits.decode()), count) if count else array("i")


def _in_turn(minutes: array[int], values: array[int]) -> list[int]:
    both = [0] * (2 * len(minutes))
    both[::2], both[1::2] = minutes, values
    return both


def _numbers(listed: bytes) -> list[int]:
    return [int(number) for number in listed.split(b";") if number]
