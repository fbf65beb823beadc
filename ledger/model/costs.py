"""What a request of a given shape costs, learned from what the server charged. Pure.

Per shape three numbers: mean and variance of the cost of one item, and how many samples made them. A batch's
total scatters with the square root of its size, so the reserve for `n` items is `n x mean + Z x sqrt(n x variance)`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from ledger.errors import Full
from ledger.model.book import MAX_SHAPES, MT
from ledger.model.entries import NAME_BYTES, ShapeState

if TYPE_CHECKING:
    from ledger.model.view import View
    from ledger.types import Shape

Z: Final = 2.33  # one reservation in a hundred falls short where costs scatter normally
MEMORY: Final = 50  # samples after which old ones fade
CLIP: Final = 6.0  # standard deviations beyond which a sample counts as that far only
PRIOR_SAMPLES: Final = 3  # the weight of the prior among samples
MAX_PER_ITEM: Final = 60.0  # ten pages of offers at 6 tokens: the most one product can cost as documented
MAX_CHARGED_PER_ITEM: Final = 100  # with all that may come on top of the offers (stock, rating, update), and to spare
MAX_PER_CALL: Final = 10_000  # a hundred such items, the most one request may ask for


def estimate(view: View, shape: Shape) -> int:
    """Tokens to reserve for `shape.items` items, at least 1."""
    index = find(view, shape.name)
    if index < 0 or not view.shapes[index].samples:
        return max(1, math.ceil(shape.items * shape.prior))
    state = view.shapes[index]
    bound = high(state, shape.items)
    if state.mean <= shape.most:  # what is documented does not hold where the server charges more on average
        bound = min(bound, shape.items * shape.most)
    return max(1, math.ceil(bound - 1e-9))


def high(state: ShapeState, items: int) -> float:
    """High quantile of the total for `items` items, in tokens; never above what so many can cost."""
    return float(min(items * state.mean + Z * math.sqrt(items * state.variance), items * MAX_PER_ITEM))


def max_cost_mt(cost_mt: int, items: int) -> int:
    """The highest possible cost of a call for which `cost_mt` were reserved; `items` is 0 when its shape is unknown."""
    return max(cost_mt, (items * MAX_CHARGED_PER_ITEM if items > 0 else MAX_PER_CALL) * MT)


def find(view: View, name: str) -> int:
    """Position of the shape called `name`, or -1."""
    encoded = name.encode()
    for index in range(view.book.shape_count):
        if view.shapes[index].name == encoded:
            return index
    return -1


def enter(view: View, shape: Shape) -> int:
    """Position of the shape, entered with its prior if it is new.

    Raises:
        Full: the layout holds no more shapes.
        ValueError: the name is empty, too long, or not ASCII.
    """
    index = find(view, shape.name)
    if index >= 0:
        return index
    if not shape.name or not shape.name.isascii() or len(shape.name) >= NAME_BYTES:
        raise ValueError(f"shape name {shape.name!r}: 1 to {NAME_BYTES - 1} ASCII characters are expected")
    if view.book.shape_count >= MAX_SHAPES:
        raise Full(f"{MAX_SHAPES} request shapes are known, the layout holds no more: use fewer names")
    index = view.book.shape_count
    view.book.shape_count += 1
    state = view.shapes[index]
    state.name = shape.name.encode()
    state.mean = shape.prior
    state.variance = 0.0
    state.samples = 0
    return index


def learn(state: ShapeState, items: int, tokens: int) -> None:
    """Learn that `items` items cost `tokens`; one sample moves the estimates by a bounded part.

    It counts up to the highest cost of an item, and where costs were seen to scatter, up to six deviations.
    """
    if items <= 0:
        return
    weight = min(state.samples + PRIOR_SAMPLES, MEMORY)
    error = min(tokens / items, MAX_PER_ITEM) - state.mean
    if state.samples >= PRIOR_SAMPLES and state.variance > 0:
        reach = CLIP * math.sqrt(state.variance / items)
        error = min(max(error, -reach), reach)
    state.mean = min(state.mean + error / weight, MAX_PER_ITEM)
    spread = error * error * items
    state.variance += (spread - state.variance) / weight
    state.samples += 1
