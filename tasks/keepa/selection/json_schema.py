"""The rules of a selection as a JSON Schema, for editors that check and complete a file while it is written. Pure.

A schema knows each parameter by itself. `check` alone finds what several of them come to, such as a range whose ends
are the wrong way round, and it alone reads the address of the deals page or of a call.
"""

from __future__ import annotations

from typing import Any, Final

from tasks.keepa.locales import DEAL_DOMAINS, SHOPS
from tasks.keepa.prices import NAMES
from tasks.keepa.selection.rules import (
    FLAG_FILTERS,
    LAST_PAGE,
    MAX_CATEGORIES,
    PRICE_TYPES,
    RANGES,
    TEXT_FILTERS,
)

Schema = dict[str, Any]

_INT32: Final = 2**31 - 1
_INT64: Final = 2**63 - 1
_SORTS: Final = (1, 2, 3, 4, -2, -3, -4)
_RANGE_WORDS: Final = {
    "currentRange": "The present price (or rank), in the smallest unit of the currency: [min, max].",
    "deltaRange": "The difference to the mean of the period, in the same unit: [min, max].",
    "deltaLastRange": "The difference to the price before, in the same unit: [min, max].",
    "deltaPercentRange": "The difference to the mean of the period, in percent: [min, max]; 10 or more (80 of a rank).",
    "salesRankRange": "The sales rank: [min, max]; a max of -1 is no upper end. Products without a rank are left out.",
}


def json_schema() -> Schema:
    """Return the schema (draft 2020-12) of the object in a selection file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Sluicegate selection",
        "description": "Which deals are wanted: the object that Keepa's deals page exports. A parameter that is null, "
        "an empty text or an empty list counts as not set.",
        "type": "object",
        "required": ["priceTypes"],
        "additionalProperties": False,
        "properties": {name: _or_unset(schema) for name, schema in _properties().items()},
    }


def _properties() -> dict[str, Schema]:
    return {
        "$schema": {"type": "string", "description": "Where this schema lies, for an editor."},
        "$comment": {"type": ["string", "array"], "description": "What you want to say of it: a text, or lines of it."},
        "page": _whole(0, LAST_PAGE, "Ignored: every walk begins at page 0."),
        "domainId": {
            "enum": [*DEAL_DOMAINS, *map(str, DEAL_DOMAINS)],
            "description": "The shop: " + ", ".join(f"{one} {SHOPS[one]}" for one in DEAL_DOMAINS) + ". Without one "
            "the selection is for every shop in KEEPA_DOMAINS.",
        },
        "priceTypes": {
            "type": "array",
            "minItems": 1,
            "maxItems": 1,
            "items": {"enum": sorted(PRICE_TYPES)},
            "description": "The price whose changes make a deal: "
            + ", ".join(f"{one} {NAMES[one]}" for one in sorted(PRICE_TYPES)),
        },
        "dateRange": {
            "enum": [0, 1, 2, 3, "0", "1", "2", "3"],
            "description": "The period of the mean: 0 is 24 hours, 1 is 7 days, 2 is 31 days, 3 is 90 days.",
        },
        "sortType": {
            "enum": list(_SORTS),
            "description": "The order on the site. Here every walk reads the newest deal first.",
        },
        "isFilterEnabled": _flag("Whether the filters count: categories, rating, conditions, texts and flags."),
        "isRangeEnabled": _flag("Whether the ranges count."),
        "includeCategories": _categories("Only these categories; a root category covers those below it."),
        "excludeCategories": _categories("None of these categories."),
        "minRating": _whole(-1, 50, "The lowest rating, in tenths of a star; -1 is any."),
        "warehouseConditions": {
            "type": "array",
            "items": {"type": "integer", "minimum": 1, "maximum": 5},
            "description": "Conditions of a Warehouse deal: 1 new, 2 like new, 3 very good, 4 good, 5 acceptable.",
        },
        **{name: _texts(name) for name in TEXT_FILTERS},
        **{name: _flag("See the deals page.") for name in FLAG_FILTERS},
        **{name: _range(_RANGE_WORDS[name]) for name in RANGES},
        "titleSearch": {"type": "string", "description": "Words that the title must have, at most 50."},
    }


def _or_unset(schema: Schema) -> Schema:
    """Return the schema of a value that may also be null, which is not set."""
    if "enum" in schema:
        return {**schema, "enum": [*schema["enum"], None]}
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return {**schema, "type": [*kinds, "null"]}


def _whole(low: int, high: int, description: str) -> Schema:
    return {"type": "integer", "minimum": low, "maximum": high, "description": description}


def _flag(description: str) -> Schema:
    return {"type": "boolean", "description": description}


def _categories(description: str) -> Schema:
    ids = {"type": "integer", "minimum": 1, "maximum": _INT64}
    return {"type": "array", "maxItems": MAX_CATEGORIES, "items": ids, "description": description}


def _texts(name: str) -> Schema:
    return {
        "type": "array",
        "items": {"type": "string", "pattern": r"\S"},
        "description": f"Only products whose {name} is one of these.",
    }


def _range(description: str) -> Schema:
    ends = {"type": "integer", "minimum": -_INT32, "maximum": _INT32}
    return {"type": "array", "minItems": 2, "maxItems": 2, "items": ends, "description": description}
