"""What the world does to a reply, as spoilings: those after which all of it can still be read, and the others."""

from __future__ import annotations

HALF = "\\ud83d x"  # half of a surrogate pair

READABLE = [
    {"do": "replace", "find": '"title":"[^"]', "with": f'"title":"{HALF}', "most": 1},
    {"do": "replace", "find": '"(lastUpdate|creationDate)":[0-9]+', "with": '"lastUpdate":NaN', "most": 1},
    {"do": "set", "path": "products.0.title", "raw": "12.5"},
    {"do": "set", "path": "products.0.eanList", "raw": "[null]"},
    {"do": "set", "path": "products.0.lastUpdate", "raw": "7000000.0"},
    {"do": "set", "path": "products.0.csv.0", "raw": '"no list"'},
    {"do": "set", "path": "products.0", "raw": "null"},
    {"do": "set", "path": "deals.categoryIds", "raw": "[null,1]"},
    {"do": "set", "path": "deals.dr.0.current", "raw": "null"},
    {"do": "nest", "path": "products.0.features"},
    {"do": "mutate"},
    {"do": "mutate", "count": 3},
    {"do": "charset", "as": "utf-8-sig"},
    {"do": "charset", "as": "utf-16"},
    {"do": "coding", "packed": ["gzip"]},
    {"do": "coding", "packed": ["gzip", "gzip"], "header": "gzip"},
    {"do": "coding", "packed": ["identity"], "header": "gzip"},
    {"do": "set", "path": "tokensConsumed", "raw": "2147483653"},
    {"do": "set", "path": "tokensConsumed", "raw": "null"},
    {"do": "set", "path": "tokensLeft", "raw": "9" * 400},
    {"do": "set", "path": "tokensLeft", "raw": "-1000000000"},
    {"do": "set", "path": "timestamp", "raw": "4102444800000"},  # the year 2100
]
UNREADABLE = [
    {"do": "cut_body", "keep": 0.5},
    {"do": "cut", "framing": "length"},
    {"do": "cut", "framing": "chunked"},
    {"do": "cut", "framing": "gzip"},
    {"do": "reset"},
    {"do": "silence", "s": 8},
    {"do": "status", "status": 200},
    {"do": "status", "status": 403},
    {"do": "status", "status": 404},
    {"do": "status", "status": 502},
]
ENDLESS = [{"do": "drip", "part": "chunks", "every_s": 0.01}, {"do": "drip", "part": "header"}]
UNREADABLE_KINDS = {kind["do"] for kind in UNREADABLE + ENDLESS}


def at_random(kinds, rate, chance):
    """Spoilings that together take so large a share of all replies, each kind as often as another."""
    return [{**kind, "rate": rate / len(kinds), "seed": chance.randrange(1 << 30)} for kind in kinds]
