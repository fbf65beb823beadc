"""A string that nobody is shown. Pure."""

from __future__ import annotations

from typing import final

from tasks.redaction import MASK


@final
class Secret:
    """A string that no log, dump, exception or debugger shows: `reveal` is the only way to it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The string itself, for the one place that sends it."""
        return self._value

    def __repr__(self) -> str:
        return MASK

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> str:
        # Pickle and copy would write the value where nobody expects it.
        raise TypeError("a Secret is not pickled or copied")
