"""How a command ends: by its error's exit code, its words on standard error, and no secret in them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from supervisor.cli import checked_output
from supervisor.cli.checked_output import OutputLost
from tasks.errors import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def run_command(arguments: Sequence[str], dispatch: Callable[[Sequence[str]], int] | None = None) -> int:
    """Do what the arguments say, by the commands there are unless another way is given; the exit code."""
    from supervisor.config import untold

    untold.drop()  # what an earlier command of this process has left is not about this one
    try:
        return _code(arguments, dispatch)
    finally:
        untold.tell(_say)


def _code(arguments: Sequence[str], dispatch: Callable[[Sequence[str]], int] | None) -> int:
    from ledger import LedgerError
    from supervisor.cli import commands
    from tasks import errors
    from tasks.errors import Error

    try:
        return _with_all_written(dispatch or commands.dispatch, arguments)
    except (Error, LedgerError) as error:
        _say(f"sluicegate: {plain(error)}\n")
        return error.exit_code
    except BrokenPipeError:
        return _reader_gone()
    except OutputLost as error:
        _say(f"sluicegate: the output is not complete: {plain(error)}\n")
        _drop_output()
        return errors.EXIT_FAILED
    except Exception:  # noqa: BLE001 - the one place where an error nobody expected ends
        return _bug()


def _with_all_written(do: Callable[[Sequence[str]], int], arguments: Sequence[str]) -> int:
    """Do it, and write the last of it while an error can still be reported: at its end the interpreter only complains.

    Raises:
        BrokenPipeError: nobody reads any more.
        OutputLost: it cannot be written.
    """
    checked_output.install()
    try:
        return do(arguments)
    finally:
        sys.stdout.flush()


def _bug() -> int:
    import traceback

    from tasks.errors import EXIT_BUG

    _say(traceback.format_exc())
    return EXIT_BUG


def _say(text: str) -> None:
    """Tell a person, without a secret: an error of a library may hold a whole URL."""
    try:
        shown = _without_secrets(text)
    except ImportError:  # what reads the settings is not installed, so nobody has read a secret either
        shown = text
    sys.stderr.write(shown)


def _without_secrets(text: str) -> str:
    from supervisor.config import settings
    from supervisor.database.backend import secrets_in
    from tasks.errors import ConfigError
    from tasks.redaction import Redactor
    from tasks.secret import Secret

    known = Redactor()
    for name, secret in settings.secrets().items():
        known.hide(secret)
        try:
            parts = secrets_in(Secret(secret)) if name == "DATABASE_URL" else []
        except ConfigError:
            continue  # it cannot be read, so nothing has parsed it either
        for part in parts:
            known.hide(part)
    return known.clean(text)


def _reader_gone() -> int:
    """`sluicegate status | head` is no error; the interpreter must not complain at its end either."""
    _drop_output()
    return 0


def _drop_output() -> None:
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
