"""The name of a state directory among those of all hosts: a UUID in a file, made once."""

from __future__ import annotations

import os
import uuid
from typing import TYPE_CHECKING, Final

from ledger.atomic_file import replace_file
from supervisor.config.files import user_file
from tasks.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

_REMEDY: Final = (
    "This file names the state directory among those of all hosts: put it back from a back-up; or remove it, and a new "
    "name is made at the next start, under which replies that lie in the spool with the old name are not stored"
)


def read(path: Path) -> str:
    """The name; empty while there is none.

    Raises:
        ConfigError: what is there is no name, or cannot be read.
    """
    if not os.path.lexists(path):
        return ""
    try:
        text = user_file.read(path).decode("ascii", "replace").strip()
    except ConfigError as error:
        raise ConfigError(f"{error}. {_REMEDY}") from error
    try:
        is_name = str(uuid.UUID(text)) == text
    except ValueError:
        is_name = False
    if not is_name:
        what = "does not hold a UUID" if text else "is empty"
        raise ConfigError(f"{path} is damaged: it {what}. {_REMEDY}")
    return text


def make(path: Path) -> str:
    """The name, which is made and written if there is none.

    Raises:
        ConfigError: what is there is no name, or it cannot be read.
        OSError: it cannot be written.
    """
    found = read(path)
    if not found:
        found = str(uuid.uuid4())
        replace_file(path, found.encode(), durable=True)
    return found
