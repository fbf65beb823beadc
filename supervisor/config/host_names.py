"""For whom a request is: the name in its Host, which tells a person's browser from one that a stranger's page leads.

Any page on the web may have its own name resolve to 127.0.0.1 once its reader is there (DNS rebinding); the browser
then counts our answers as that page's own. Such a request carries the stranger's name. An address it cannot carry, and
`localhost` no stranger can own. The port does not matter: a tunnel may end on any. Pure.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final

LOOPBACK: Final = "localhost"
_HOST: Final = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[^\[\]:]+)(?::\d{0,5})?")
_NAME: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*")
HOST: Final = "127.0.0.1"
_IPV4: Final = 4


def reached_at(listens_on: str) -> str:
    """The address by which this machine reaches who listens on that one: where that is all of them, its own."""
    address = ipaddress.ip_address(listens_on)
    if not address.is_unspecified:
        return str(address)
    return HOST if address.version == _IPV4 else "::1"


def url_of(listens_on: str, port: int) -> str:
    """The address of a server of ours, as this machine reaches it."""
    address = reached_at(listens_on)
    return f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"


def is_ours(host: str, named: frozenset[str]) -> bool:
    """Whether a Host, with its port or without, is `localhost`, an address or one of `named`."""
    found = _HOST.fullmatch(host)
    if found is None:
        return False
    name = found["name"].lower()
    return name == LOOPBACK or name in named or _is_address(name)


def names(text: str) -> frozenset[str]:
    """The names of a list with commas, in lower case.

    Raises:
        ValueError: one of them is not the name of a host; it has a port or a scheme, for instance.
    """
    found = frozenset(part.strip().lower() for part in text.split(",") if part.strip())
    for name in found:
        if not _NAME.fullmatch(name):
            raise ValueError(name)
    return found


def _is_address(name: str) -> bool:
    try:
        if name.startswith("["):
            ipaddress.IPv6Address(name[1:-1])
        else:
            ipaddress.IPv4Address(name)
    except ValueError:
        return False
    return True
