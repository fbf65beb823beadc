"""`sluicegate web`: prints the link to the page that lets a browser in, or opens it."""

from __future__ import annotations

import sys
import webbrowser
from typing import TYPE_CHECKING, Final

from supervisor import report
from supervisor.config import settings
from supervisor.config.environment import environment
from supervisor.config.state_dir import web_token
from supervisor.config.state_dir.state_dir import StateDir
from tasks.errors import EXIT_FAILED, EXIT_NOT_RUNNING, EXIT_OK, ConfigError

if TYPE_CHECKING:
    from pathlib import Path

# The address has the token in it, and what a browser is started with is seen by every user of the machine.
_FORWARD: Final = '<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0;url={link}">\n'


def web(*, opens: bool, renews: bool) -> int:
    """Print the link, or open it in a browser; with `renews` all links and sessions up to now end. The exit code.

    Raises:
        ConfigError: the token cannot be read or written.
    """
    state = StateDir(settings.state_dir(environment()))
    holder = state.lock.holder()
    if holder is None:
        sys.stderr.write(f"sluicegate: no supervisor runs with the state directory {state.root}: `sluicegate run`\n")
        return EXIT_NOT_RUNNING
    last = report.read(state.status)
    url = None if last is None else last.supervisor.web
    if url is None:
        sys.stderr.write("sluicegate: there is no page: WEB_PORT is empty, or could not be opened (see the log)\n")
        return EXIT_FAILED
    try:
        token = web_token.renew(state.web_token) if renews else web_token.read_or_make(state.web_token)
        link = web_token.link(url, token)
        if opens:
            return _open(state.root / "web.open.html", link)
    except OSError as error:
        raise ConfigError(f"{state.web_token}: {error.strerror}; correct its permissions") from error
    sys.stdout.write(link + "\n")
    return EXIT_OK


def _open(path: Path, link: str) -> int:
    """Open the link by way of a file that only its owner can read."""
    web_token.write_private(path, _FORWARD.format(link=link))
    if webbrowser.open(path.as_uri()):
        return EXIT_OK
    sys.stderr.write("sluicegate: no browser was found; `sluicegate web` prints the link\n")
    return EXIT_FAILED
