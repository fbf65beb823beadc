"""Chance that can be asked again: bytes that are a pure function of the seed and a name."""

from __future__ import annotations

import hashlib
import struct
from typing import Final

_KEY: Final = struct.Struct("<qBqq")
_TRAITS: Final = 0
_HISTORY: Final = 1
_ONCE: Final = 2
_SCALE: Final = 1 << 64


def traits(seed: int, index: int, size: int) -> bytes:
    """`size` bytes that describe product `index` for ever."""
    return hashlib.shake_128(_KEY.pack(seed, _TRAITS, index, 0)).digest(size)


def history(seed: int, domain: int, index: int, number: int, size: int) -> bytes:
    """`size` bytes for stretch `number` of the history of product `index` in `domain`."""
    return hashlib.shake_128(_KEY.pack(seed, _HISTORY, (index << 8) | domain, number)).digest(size)


def share(seed: int, name: str, *numbers: int) -> float:
    """A number from 0 up to 1, always the same for the same name and numbers."""
    text = f"{name}:{':'.join(map(str, numbers))}".encode()
    draw = hashlib.shake_128(_KEY.pack(seed, _ONCE, 0, 0) + text).digest(8)
    return int.from_bytes(draw, "little") / _SCALE


def mix(a: int, b: int) -> int:
    """Sixteen well-spread bits of two small numbers, at the price of two multiplications."""
    x = (a * 0x9E3779B1 + b * 0x85EBCA77) & 0xFFFFFFFF
    x = ((x ^ (x >> 15)) * 0x2C1B3C6D) & 0xFFFFFFFF
    return (x >> 13) & 0xFFFF
