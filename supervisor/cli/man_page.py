"""`sluicegate man`: prints the man page, made of the parser and of the table of settings."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Final

from supervisor.config.options import GROUPS
from tasks.errors import EXIT_OK

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME: Final = "sluicegate"
_HEAD: Final = f'.TH {_NAME.upper()} 1 "" "" "Sluicegate"'


def show(parser: argparse.ArgumentParser) -> int:
    """Print the man page of `parser`; the exit code."""
    sys.stdout.write("\n".join(_lines(parser)) + "\n")
    return EXIT_OK


def _lines(parser: argparse.ArgumentParser) -> Iterator[str]:
    about = parser.description or ""
    yield from (_HEAD, ".SH NAME", f"{_NAME} \\- {_text(about.rstrip('.'))}")
    yield from (".SH SYNOPSIS", f".B {_NAME}", "COMMAND [ARGUMENT ...]", ".SH DESCRIPTION", _text(about))
    yield ".SH COMMANDS"
    yield from _commands(parser, _NAME)
    yield from (".SH SETTINGS", "From the environment, or from a file named .env; the environment wins.")
    for group, options in GROUPS.items():
        yield f'.SS "{_text(group)}"'
        for option in options:
            yield from _entry(option.name, option.help + (f" [{option.default}]" if option.default else ""))
    yield from (".SH EXIT STATUS", _text(" ".join((parser.epilog or "").rpartition("exit codes:")[2].split())))


def _commands(parser: argparse.ArgumentParser, name: str) -> Iterator[str]:
    """Each command with its arguments, and the commands within it."""
    for action in parser._actions:  # noqa: SLF001 - argparse has no other way to ask
        if not isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            continue
        helps = {one.dest: one.help or "" for one in action._choices_actions}  # noqa: SLF001
        for word, command in action.choices.items():
            yield f'.SS "{name} {word}"'
            yield _text(command.description or helps.get(word, ""))
            yield from _arguments(command)
            yield from _commands(command, f"{name} {word}")


def _arguments(command: argparse.ArgumentParser) -> Iterator[str]:
    for action in command._actions:  # noqa: SLF001
        if action.help and not isinstance(action, argparse._HelpAction | argparse._SubParsersAction):  # noqa: SLF001
            value = action.metavar or ("" if action.nargs == 0 else "|".join(map(str, action.choices or [action.dest])))
            shown = value if isinstance(value, str) else " ".join(value)
            yield from _entry(f"{', '.join(action.option_strings)} {shown}".strip(), action.help)


def _entry(what: str, text: str) -> tuple[str, ...]:
    return ".TP", f".B {_text(what)}", _text(text)


def _text(text: str) -> str:
    """The text in one line, with what troff would take for its own made plain."""
    plain = " ".join(text.split()).replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq")
    return f"\\&{plain}" if plain.startswith((".", "'")) else plain
