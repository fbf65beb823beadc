"""What the client library says of a connection that failed, in as few words as tell a person why. Pure.

It names each address it tried, with a guess at the cause behind it, and the driver puts words of its own in front: the
reason itself would stand behind the end of a line of 80 columns.
"""

from __future__ import annotations

import re
from typing import Final

from tasks.errors import one_line

# libpq, "connection to server at ..."; psycopg lists every attempt when there were several.
_ATTEMPT: Final = re.compile(
    r'connection to server (?:at "(?P<host>[^"]*)"(?: \([^)]*\))?, port (?P<port>\d+)|on socket "(?P<socket>[^"]*)") '
    r"failed: (?:FATAL:\s+)?(?P<reason>.+?)"
    r"(?=\s*(?:Is the server running|Multiple connection attempts|- host: |connection to server |\Z))",
    re.DOTALL,
)
_OPENING: Final = re.compile(
    r"\A(?:(?:connection|consuming input|sending (?:copy )?data|sending query) failed|connection is bad|FATAL):\s+"
)
_GUESS: Final = re.compile(
    r"\s*(?:This probably means the server terminated abnormally\s+before or while processing the request\."
    r"|Is the server running (?:on that host|locally) and accepting (?:TCP/IP )?connections(?: on that socket)?\?)"
)


def in_short(text: str) -> str:
    """The reasons in `text`, each with the addresses it is about; what has no such form, without its frills."""
    about: dict[str, list[str]] = {}
    for one in _ATTEMPT.finditer(text):
        where = f"socket {one['socket']}" if one["socket"] is not None else f"{one['host']}, port {one['port']}"
        places = about.setdefault(one_line(one["reason"]), [])
        if where not in places:
            places.append(where)
    if about:
        return "; ".join(f"{reason} ({'; '.join(places)})" for reason, places in about.items())
    rest = _GUESS.sub("", text)
    while (opening := _OPENING.match(rest)) is not None:
        rest = rest[opening.end() :]
    return one_line(rest)
