"""Answers a mistyped command line in one sentence: what was found, what is expected, and what may be meant."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING, Final

from tasks.errors import EXIT_USAGE

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import NoReturn

UNKNOWN: Final = "unrecognized arguments: "  # as argparse says it
_CHOICE: Final = re.compile(
    r"argument (?P<what>.+?): invalid choice: (?P<found>'.*?'|\".*?\"|\S+)[^(]* \(choose from (?P<all>.*)\)", re.DOTALL
)
_REQUIRED: Final = re.compile(r"the following arguments are required: (?P<what>.*)")
_WITHOUT_VALUE: Final = re.compile(r"argument (?P<what>.+?): expected one argument")
_OPTION: Final = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")
_ALIKE: Final = 0.6  # one letter of three, three of eight
_VERY_ALIKE: Final = 0.75
_FEW: Final = 8  # choices that a line has room for
_SHOWN: Final = 60  # characters of what was typed


class Parser(argparse.ArgumentParser):
    """A parser whose messages name the choice that is most like what was typed; argparse lists them all."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong on standard error, and end with 2."""
        sentence = self._sentence(message)
        if sentence is None:
            super().error(message)
        self.exit(EXIT_USAGE, f"{self.prog}: {sentence}\n")

    def _sentence(self, message: str) -> str | None:
        """The message in our words; None when argparse's own are as good."""
        if message.startswith(UNKNOWN):
            return self._unknown(message.removeprefix(UNKNOWN).split())
        missing = _REQUIRED.fullmatch(message)
        if missing is not None:
            return f"{missing['what']} is missing: {self._help()} shows what there is"
        bare = _WITHOUT_VALUE.fullmatch(message)
        if bare is not None:
            return f"{bare['what']} is without a value, which begins with no -: {self._help()} shows what is expected"
        odd = _CHOICE.fullmatch(message)
        if odd is None:
            return None
        found, choices = odd["found"][:_SHOWN], [one.strip("'\"") for one in odd["all"].split(", ")]
        hint = _meant(found.strip("'\""), choices)
        if len(choices) > _FEW:
            return f"there is no {odd['what'].lower()} {found}{hint or ':'} {self._help()} lists all"
        return f"{odd['what']}: {found} is not one of {', '.join(choices)}{hint}"

    def _unknown(self, words: list[str]) -> str:
        option = next((word.partition("=")[0] for word in words if word.startswith("-")), None)
        if option is None:
            return f"{words[0][:_SHOWN]!r} is one word too many: {self._help()} shows what there is"
        hint = _meant(option, _OPTION.findall(self.format_help()))
        return f"there is no option {option[:_SHOWN]!r}{hint or ':'} {self._help()} lists all"

    def _help(self) -> str:
        return f"`{self.prog} --help`"


def _meant(found: str, choices: Iterable[str]) -> str:
    """A hint at the choice that may be meant; empty when none is like it."""
    import difflib

    typed, known = found.lower(), sorted(set(choices))
    like = difflib.get_close_matches(typed, known, n=1, cutoff=_ALIKE)
    if not like:  # a name may be long, and only its beginning was typed
        begins = {one[: len(typed)]: one for one in reversed(known)}
        like = [begins[one] for one in difflib.get_close_matches(typed, begins, n=1, cutoff=_VERY_ALIKE)]
    return f"; did you mean `{like[0]}`?" if like else ""
