"""Names of products, there and back: index <-> ASIN <-> EAN without a table.

A book's ASIN is its ISBN-10, every other one begins with B0, as on the real site.
"""

from __future__ import annotations

import re
from typing import Final

_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_B0_SIZE: Final = 36**8
_B0_STEP: Final = 1_664_525_003_111  # prime to 6, so that the walk visits every number
_ISBN_SIZE: Final = 10**9
_ISBN_STEP: Final = 387_420_489  # prime to 10
_EAN_SIZE: Final = 10**10
_EAN_STEP: Final = 3_486_784_401  # prime to 10
_B0_BACK: Final = pow(_B0_STEP, -1, _B0_SIZE)
_ISBN_BACK: Final = pow(_ISBN_STEP, -1, _ISBN_SIZE)
_SEED_STEP: Final = 1_000_003  # markets of different seeds share no products
_EAN_BACK: Final = pow(_EAN_STEP, -1, _EAN_SIZE)
# A request of none but others has no `products` in its reply: ten times one letter is one of them (the Python
# client's own test).
_ASIN: Final = re.compile(r"B[0-9A-Z]{9}|[0-9]{9}[0-9X]")
_EAN: Final = re.compile(r"[0-9]{13}")
_CHECK: Final = "0123456789X"


def is_asin(text: str) -> bool:
    """Whether `text` has the form of an ASIN at all."""
    return _ASIN.fullmatch(text) is not None


def asin(seed: int, index: int, *, is_book: bool) -> str:
    """The ASIN of product `index`."""
    if is_book:
        body = f"{((index + seed * _SEED_STEP) * _ISBN_STEP + 91_234_567) % _ISBN_SIZE:09d}"
        return body + _isbn_check(body)
    number = ((index + seed * _SEED_STEP) * _B0_STEP + 1_012_345_678_901) % _B0_SIZE
    letters = []
    for _ in range(8):
        number, digit = divmod(number, 36)
        letters.append(_DIGITS[digit])
    return "B0" + "".join(reversed(letters))


def index_of(seed: int, text: str) -> tuple[int, bool] | None:
    """The index behind an ASIN, and whether it names a book; None when no product could bear it."""
    if text[:9].isdecimal() and text[9:] == _isbn_check(text[:9]):
        return ((int(text[:9]) - 91_234_567) * _ISBN_BACK - seed * _SEED_STEP) % _ISBN_SIZE, True
    if text.startswith("B0") and is_asin(text):
        return ((int(text[2:], 36) - 1_012_345_678_901) * _B0_BACK - seed * _SEED_STEP) % _B0_SIZE, False
    return None


def ean(seed: int, index: int, *, is_book: bool) -> str:
    """The 13 digits on the product's back."""
    if is_book:
        body = "978" + asin(seed, index, is_book=True)[:9]
    else:
        body = f"40{((index + seed * _SEED_STEP) * _EAN_STEP) % _EAN_SIZE:010d}"
    return body + _ean_check(body)


def index_of_code(seed: int, code: str) -> tuple[int, bool] | None:
    """The index behind an EAN, and whether it names a book; None for a code of another kind."""
    if _EAN.fullmatch(code) is None or code[12] != _ean_check(code[:12]):
        return None
    if code.startswith("978"):
        return index_of(seed, code[3:12] + _isbn_check(code[3:12]))
    if code.startswith("40"):
        return (int(code[2:12]) * _EAN_BACK - seed * _SEED_STEP) % _EAN_SIZE, False
    return None


def seller(number: int) -> str:
    """A seller's id."""
    letters = ["A"]
    state = (number * 0x9E3779B97F4A7C15 + 0x7F4A7C15) & 0xFFFFFFFFFFFFFFFF
    for _ in range(13):
        state, digit = divmod(state, 36)
        letters.append(_DIGITS[digit])
        state += (digit + 1) << 40
    return "".join(letters)


def image(draw: int) -> str:
    """An image's file name: always fifteen characters, as the real ones are."""
    letters = []
    for _ in range(8):
        draw, digit = divmod(draw, 36)
        letters.append(_DIGITS[digit])
    return "51" + "".join(letters) + "L.jpg"


def _isbn_check(body: str) -> str:
    rest = -sum(weight * int(digit) for weight, digit in zip(range(10, 1, -1), body, strict=False)) % 11
    return _CHECK[rest]


def _ean_check(body: str) -> str:
    return str(-sum((1, 3)[i % 2] * int(digit) for i, digit in enumerate(body)) % 10)
