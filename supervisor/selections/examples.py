"""The selections that come as examples; `make selections` writes them to `examples/selections/`. Pure."""

from __future__ import annotations

from typing import Any, Final

_SCHEMA: Final = "../../docs/selection.schema.json"

EXAMPLES: Final[dict[str, dict[str, Any]]] = {
    "warehouse-bargains": {
        "$schema": _SCHEMA,
        "$comment": [
            "Used goods of Amazon Warehouse in very good condition or better that became a fifth cheaper within a day.",
            "priceTypes has one price: 9 is WAREHOUSE. dateRange 0 compares with the mean of 24 hours.",
            "isFilterEnabled and isRangeEnabled switch filters and ranges on: without them the server ignores these.",
            "Prices are in the smallest unit of the currency: 1000 is 10.00.",
            "There is no domainId, so it is for every shop in KEEPA_DOMAINS.",
        ],
        "priceTypes": [9],
        "dateRange": 0,
        "isFilterEnabled": True,
        "warehouseConditions": [2, 3],
        "filterErotic": True,
        "isRangeEnabled": True,
        "currentRange": [1000, 20000],
        "deltaPercentRange": [20, 100],
        "sortType": 1,
    },
    "well-rated-at-its-lowest": {
        "$schema": _SCHEMA,
        "$comment": [
            "Products of amazon.de with four stars or more that Amazon itself sells for less than ever before.",
            "priceTypes 0 is AMAZON, domainId 3 is amazon.de, dateRange 2 compares with the mean of 31 days.",
            "minRating counts tenths of a star. salesRankRange leaves out what hardly sells, and all without a rank.",
            "singleVariation takes one product for all its colours and sizes, which saves tokens.",
        ],
        "domainId": 3,
        "priceTypes": [0],
        "dateRange": 2,
        "isFilterEnabled": True,
        "minRating": 40,
        "isLowest": True,
        "filterErotic": True,
        "singleVariation": True,
        "isRangeEnabled": True,
        "salesRankRange": [1, 50000],
        "deltaPercentRange": [10, 100],
        "sortType": 1,
    },
}
