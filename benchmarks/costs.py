"""How often a reservation is short, and by how much: learned costs beside fixed guesses, on recorded batches.

`python benchmarks/costs.py FILE`: each line of FILE holds, after the time, ASINs in the batch, tokens it cost and the
quotient of the two. The batches are taken in order; each is estimated before its cost is learned.
"""

from __future__ import annotations

import math
import re
import sys
from pathlib import Path

from ledger import types
from ledger.model import costs
from ledger.model.book import Book
from ledger.model.view import View

BATCH = re.compile(r"[,.]\d{3},?\s+(\d+) (\d+) (\d+\.\d+)")
PRIOR = 7.0
FIXED = (2, 5, 20)


def batches(text: str) -> list[tuple[int, int]]:
    """Items and tokens of each batch that cost something; a refused or empty one teaches nothing."""
    found = [(int(items), int(tokens)) for items, tokens, _ in BATCH.findall(text)]
    return [(items, tokens) for items, tokens in found if items and tokens]


def learned(recorded: list[tuple[int, int]]) -> list[int]:
    """What the ledger would have reserved for each."""
    view = View(Book())
    reserved = []
    for items, tokens in recorded:
        shape = types.Shape(name="offers", items=items, prior=PRIOR)
        index = costs.enter(view, shape)
        reserved.append(costs.estimate(view, shape))
        costs.learn(view.shapes[index], items, tokens)
    return reserved


def line(name: str, recorded: list[tuple[int, int]], reserved: list[int]) -> str:
    short = [tokens - held for (_, tokens), held in zip(recorded, reserved, strict=True) if tokens > held]
    idle = [held - tokens for (_, tokens), held in zip(recorded, reserved, strict=True) if held >= tokens]
    total = sum(tokens for _, tokens in recorded)
    mean = sum(short) / max(1, len(short))
    counts = f"{name:<16}{len(short):>6} of {len(recorded)}"
    return f"{counts}{mean:>12.1f}{max(short, default=0):>9}{sum(idle) / total:>14.0%}"


def main() -> None:
    recorded = batches(Path(sys.argv[1]).read_text(encoding="utf-8"))
    print(f"{'reserved':<16}{'short':>13}{'by, mean':>12}{'at most':>9}{'held idle':>14}")
    print(line("learned", recorded, learned(recorded)))
    for fixed in FIXED:
        print(line(f"{fixed} an item", recorded, [math.ceil(items * fixed) for items, _ in recorded]))


if __name__ == "__main__":
    main()
