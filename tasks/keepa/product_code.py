"""Reads the number under a bar code (EAN, UPC, ISBN-13) as people copy it. Pure.

All of them are GTINs, whose last digit is computed from the others: counted from the right, digits in odd places count
three times, and the sum with the check digit is a multiple of ten. Source: GS1 General Specifications, section 7.9.
"""

from __future__ import annotations

from typing import Final

# Digits of each: EAN-8, UPC-A, EAN-13 (an ISBN-13 is one), and GTIN-14, which begins with the kind of the package.
LENGTHS: Final = {8: "EAN-8", 12: "UPC", 13: "EAN", 14: "GTIN-14"}
_SINGLE: Final = "0"  # the kind of package that is the product itself; Keepa knows products by 8, 12 or 13 digits
_PACKAGED: Final = 14
_BETWEEN: Final = str.maketrans("", "", " -\u2010\u2011")  # an ISBN is printed with hyphens, an EAN with spaces


def is_code(text: str) -> bool:
    """Whether the text has the form of a code: nothing but digits, and as many as no ASIN has."""
    digits = text.strip().translate(_BETWEEN)
    return digits.isascii() and digits.isdigit() and len(digits) in LENGTHS


def product_code(text: str) -> str:
    """The digits of a code, as the API takes them.

    Raises:
        ValueError: it is no code, its check digit is wrong, or it is that of a package of several.
    """
    digits = text.strip().translate(_BETWEEN)
    if not is_code(digits):
        known = ", ".join(f"{name} {count}" for count, name in LENGTHS.items())
        raise ValueError(f"{text.strip()!r} is no EAN or UPC; the digits of each: {known}")
    expected = check_digit(digits[:-1])
    if digits[-1] != expected:
        raise ValueError(
            f"{digits} is no {LENGTHS[len(digits)]}: a digit is wrong or missing, for after {digits[:-1]} the last one "
            f"would be {expected}"
        )
    if len(digits) < _PACKAGED:
        return digits
    if not digits.startswith(_SINGLE):
        raise ValueError(f"{digits} is the number of a package of several: give the EAN of the product in it")
    return digits.removeprefix(_SINGLE)


def check_digit(digits: str) -> str:
    """The last digit of the code that begins with these."""
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits)))
    return str(-total % 10)
