"""The secret that lets a browser in to the page: a file in the state directory, for its owner alone.

Every user of the machine reaches a port on it, but only the owner of the state directory may give orders. So the page
lets in whoever has read this file. It stays the same over restarts, so that links and browsers stay good.
"""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING, Final

from tasks.secret import Secret

if TYPE_CHECKING:
    from pathlib import Path

_BYTES: Final = 32
_SHORTEST: Final = 32  # characters; what is shorter was cut, and would be easier to guess


def read_or_make(path: Path) -> Secret:
    """The token in the file, which is made anew when there is none that can be used.

    Raises:
        OSError: it can neither be read nor written.
    """
    try:
        token = path.read_text(encoding="ascii", errors="replace").strip()
    except FileNotFoundError:
        token = ""
    return Secret(token) if len(token) >= _SHORTEST else renew(path)


def renew(path: Path) -> Secret:
    """Make another token: links and browsers that were let in by the old one are let in no more.

    Raises:
        OSError: the file cannot be written.
    """
    token = secrets.token_urlsafe(_BYTES)
    write_private(path, token + "\n")
    return Secret(token)


def write_private(path: Path, text: str) -> None:
    """Put `text` into the file, which its owner alone may ever read.

    Raises:
        OSError: it cannot be written.
    """
    beside = path.with_name(f"{path.name}.new")
    beside.unlink(missing_ok=True)
    fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "w", encoding="utf-8") as file:
        file.write(text)
    beside.replace(path)


def link(url: str, token: Secret) -> str:
    """The address that lets a browser in; it has the token in it, so it is for a person's eyes alone."""
    return f"{url}/login?token={token.reveal()}"
