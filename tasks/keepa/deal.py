"""One deal as `/deal` sends it.

Lists "by price type" have one entry per price type, as many as the server knows: 34 in old bodies, 36 in newer ones.
Prices are integers of the locale's smallest unit, times are Keepa minutes, and -1 or -2 mean no offer or no data.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec

# Amazon's identifier: an ISBN-10, which may end in X, or B0…. A malformed one costs a look-up that finds nothing.
Asin = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Z]{10}\Z")]
# As wide as the columns are: an optional number beyond its own is one that does not fit, and costs the item nothing.
Int4 = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
Int8 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]

_PRINTABLE: Final = range(0x20, 0x7F)


class Deal(
    msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True, forbid_unknown_fields=True, rename="camel"
):
    """A product whose price or rank changed lately.

    Only what a deal is nothing without is demanded; the rest may stay away (None) without costing the row.

    Attributes:
        image_codes: ASCII codes of the picture's file name; `image` is the name itself.
        current: value now, by price type.
        current_since: Keepa minute since when `current` holds, by price type.
        creation_date: Keepa minute; equals `current_since` of the selection's price type.
        last_update: Keepa minute of the product's last update; may lie a little in the future.
        delta: average minus current, by date range (0 day, 1 week, 2 month, 3 quarter), then price type; a drop is
            positive.
        delta_percent: the same in percent of the average.
        delta_last: previous value minus current, by price type.
        avg: weighted mean, by date range (index 0 covers 48 hours), then price type.
        lightning_start: Keepa minute; 0 when there is no lightning deal.
        warehouse_condition: 0 none, 2 to 5 used like new … acceptable.
        min_rating: as the official structure lists it, which is the filter's: from 0 to 50; -1 none.
        extra: fields this build does not know, as received; None when there are none.
    """

    asin: Asin
    title: str | None = None
    parent_asin: str | None = None
    image_codes: list[int] | None = msgspec.field(name="image", default=None)
    root_cat: Int8 | None = None
    categories: list[Int8] | None = None
    current: list[int]
    current_since: list[int]
    creation_date: int
    last_update: int
    delta: list[list[int]]
    delta_percent: list[list[int]]
    delta_last: list[int]
    avg: list[list[int]]
    back_in_stock: list[bool] | None = None
    sales_rank_drops30: Int4 | None = None
    sales_rank_drops90: Int4 | None = None
    sales_rank_drops180: Int4 | None = None
    sales_rank_drops365: Int4 | None = None
    lightning_start: Int4 | None = None
    lightning_end: Int4 | None = None
    warehouse_condition: Int4 | None = None
    warehouse_condition_comment: str | None = None
    date_interval_index: Int4 | None = None
    min_rating: Int4 | None = None
    extra: dict[str, Any] | None = msgspec.field(name="$extra", default=None)

    def is_of(self, domain: int) -> bool:
        """Whether it is one of that locale; as a rule it does not say, for only that one was asked for."""
        return bool((self.extra or {}).get("domainId", domain) == domain)

    @property
    def image(self) -> str:
        """File name of the picture, such as `51950K3CZ5L.jpg`; empty when there is none."""
        codes = self.image_codes or ()
        try:
            name = bytes(codes).decode("ascii")
        except ValueError:
            name = ""
        if name.isprintable() and len(name) == len(codes):
            return name
        return "".join(chr(code) for code in codes if code in _PRINTABLE)

    @property
    def slots(self) -> int:
        """How many price types this deal carries."""
        return len(self.current)

    def ragged(self) -> str | None:
        """The name of a list that has not one entry per price type, or None: every index then means the same."""
        slots = len(self.current)
        lengths = {slots, len(self.current_since), len(self.delta_last)}
        lengths.update(map(len, self.delta), map(len, self.delta_percent), map(len, self.avg))
        if self.back_in_stock is not None:
            lengths.add(len(self.back_in_stock))
        return None if len(lengths) == 1 else self._ragged(slots)

    def _ragged(self, slots: int) -> str | None:
        for name, row in (("currentSince", self.current_since), ("deltaLast", self.delta_last)):
            if len(row) != slots:
                return name
        for name, rows in (("delta", self.delta), ("deltaPercent", self.delta_percent), ("avg", self.avg)):
            if any(len(row) != slots for row in rows):
                return name
        if self.back_in_stock is not None and len(self.back_in_stock) != slots:
            return "backInStock"
        return None
