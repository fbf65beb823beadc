"""`sluicegate completion SHELL`: prints what makes a shell complete the commands, made of the parser itself."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Final

from supervisor.cli import man_page, schema
from supervisor.config.options import OPTIONS
from tasks.errors import EXIT_OK
from tasks.roles import ROLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from supervisor.queries.arguments.parts import Commands

SHELLS: Final = ("bash", "zsh", "fish")
_WORKERS: Final = 4  # of each role: as many as most people have
_WHERE: Final = (
    'bash: eval "$(sluicegate completion bash)" in ~/.bashrc; zsh: into a file _sluicegate in a folder of $fpath; '
    "fish: into ~/.config/fish/completions/sluicegate.fish"
)
_MAN: Final = (
    "Prints the man page, to go into ~/.local/share/man/man1/sluicegate.1. man looks there where ~/.local/bin is in "
    "PATH; otherwise `man -l FILE` shows it."
)


def add(commands: Commands, make_parser: Callable[[], argparse.ArgumentParser]) -> None:
    """Add the commands, for the parser that `make_parser` makes."""
    text = "print what makes your shell complete commands, options, workers and settings"
    completion = commands.add_parser("completion", help=text, description=f"Prints what a shell needs. {_WHERE}.")
    completion.add_argument("shell", choices=SHELLS, help="the shell to make it for")
    completion.set_defaults(do=lambda chosen: show(make_parser(), chosen.shell))
    man = commands.add_parser("man", help="print the man page", description=_MAN)
    man.set_defaults(do=lambda _: man_page.show(make_parser()))


def show(parser: argparse.ArgumentParser, shell: str) -> int:
    """Print the completion of `parser`, which is of no other use afterwards; the exit code."""
    import shtab

    for action in _actions(parser):
        if action.metavar == "WORKER":
            action.choices = [f"{role}-{number}" for role in ROLES for number in range(_WORKERS)]
        elif action.metavar == "NAME=VALUE":
            action.choices = [f"{option.name}=" for option in OPTIONS if option.replaces is not None]
        elif action.metavar == "COMMAND" and action.nargs == "*":  # those that have a schema, word by word
            action.choices = list(dict.fromkeys(word for name in schema.OUTPUTS for word in name.split()))
    sys.stdout.write(shtab.complete(parser, shell))
    return EXIT_OK


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Every argument of the parser and of its commands."""
    for action in parser._actions:  # noqa: SLF001 - argparse has no other way to ask
        yield action
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for command in action.choices.values():
                yield from _actions(command)
