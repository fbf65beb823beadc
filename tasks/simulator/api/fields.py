"""Readers of request fields as the server reads them: lenient about numbers written as text, strict about the rest.

A field that is missing or of the wrong form gives 400, a well-formed one outside its range 405. Which fault gives which
of the two is known for a few only (`dateRange` 30 and `offers` 0 give 400); the rest follows that reading.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

MALFORMED: Final = 400
OUT_OF_RANGE: Final = 405
_MOST_IDS: Final = 500
_INTEGER: Final = re.compile(r"-?[0-9]{1,19}")


class Refusal(Exception):
    """The request cannot be answered."""

    def __init__(self, status: int, details: str) -> None:
        super().__init__(details)
        self.status = status
        self.details = details


def integer(raw: Mapping[str, Any], name: str, default: int | None = None) -> int:
    """An integer, also written as a string (the server takes both).

    Raises:
        Refusal: 400.
    """
    value = raw.get(name)
    if value is None and default is not None:
        return default
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise Refusal(MALFORMED, name)


def among(raw: Mapping[str, Any], name: str, allowed: frozenset[int], default: int | None = None) -> int:
    """An integer out of a fixed set.

    Raises:
        Refusal: 400.
    """
    value = integer(raw, name, default)
    if value not in allowed:
        raise Refusal(MALFORMED, name)
    return value


def flag(raw: Mapping[str, Any], name: str) -> bool:
    """A boolean; false when absent.

    Raises:
        Refusal: 400.
    """
    value = raw.get(name)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise Refusal(MALFORMED, name)


def ids(raw: Mapping[str, Any], name: str) -> frozenset[int]:
    """A list of at most 500 integers; empty when absent.

    Raises:
        Refusal: 400 or 405.
    """
    values = raw.get(name)
    if values is None:
        return frozenset()
    if not isinstance(values, list):
        raise Refusal(MALFORMED, name)
    if len(values) > _MOST_IDS:
        raise Refusal(OUT_OF_RANGE, name)
    return frozenset(integer({name: value}, name) for value in values)


def texts(raw: Mapping[str, Any], name: str) -> frozenset[str]:
    """A list of strings, for comparison without regard to case.

    Raises:
        Refusal: 400.
    """
    values = raw.get(name)
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise Refusal(MALFORMED, name)
    return frozenset(value.casefold() for value in values)
