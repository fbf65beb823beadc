"""Reads a database URL as the client library does, and shows it without its secrets.

The library accepts more than a URL parser does: a password as a parameter, `#` and `?` in one, several hosts. So the
library itself is asked, and loaded late because that takes long.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote

from tasks.errors import ConfigError
from tasks.redaction import MASK
from tasks.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

_PASSWORD: Final = "password"  # noqa: S105 - the name of a parameter
# PostgreSQL's documentation, "Parameter Key Words": those that let somebody in.
_SECRETS: Final = (_PASSWORD, "sslpassword", "scram_client_key", "scram_server_key", "oauth_client_secret")
_OPTIONS: Final = "options"
_OF_PLACE: Final = ("hostaddr", "service", _OPTIONS)  # `options` may set the schema
# Settings of the server in `options`; what has another form, or a name of an extension's, may be a secret.
_SETTINGS: Final = re.compile(
    r"\s*(?:(?:-c\s*|--)(?![a-z_]*(?:pass|secret|key|token))[a-z_]+=[^\s=]*\s*)+", re.IGNORECASE
)
# What the library would refuse only when it connects, as if the server were not there. PostgreSQL's documentation,
# "Parameter Key Words", of version 18.
_CHOICES: Final = {
    "sslmode": ("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    "sslnegotiation": ("postgres", "direct"),
    "channel_binding": ("disable", "prefer", "require"),
    "gssencmode": ("disable", "prefer", "require"),
    "target_session_attrs": ("any", "read-write", "read-only", "primary", "standby", "prefer-standby"),
    "load_balance_hosts": ("disable", "random"),
}
_NUMBERS: Final = (
    "connect_timeout",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "tcp_user_timeout",
)
_DIGITS: Final = 10
_INT32: Final = 2**31
_PORTS: Final = range(1, 65536)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dsn:
    """A database and who logs in there.

    Attributes:
        host: one or more, separated by commas, as `port`; None when the library's default is meant, as with the rest.
        secrets: every secret of it, in clear and as the URL spells it.
        rest: the other parameters, none of them secret.
    """

    user: str | None
    host: str | None
    port: str | None
    dbname: str | None
    password: Secret | None
    secrets: tuple[str, ...] = field(repr=False)
    rest: dict[str, str]

    @property
    def identity(self) -> str:
        """Identifies the database, or the part of it that is used; the same for whoever logs in."""
        host = quote(self.host or "", safe=",").lower()
        named = [f"{name}={quote(self.rest[name])}" for name in _OF_PLACE if name in self.rest]
        return f"{host}:{self.port}/{quote(self.dbname or self.user or '', safe='')}?{'&'.join(named)}"

    @property
    def parameters(self) -> dict[str, str]:
        """All of it but the secrets, and but `options`."""
        parts = {"user": self.user, "host": self.host, "port": self.port, "dbname": self.dbname, **self.rest}
        return {name: value for name, value in parts.items() if value is not None and name != _OPTIONS}

    @property
    def environment(self) -> dict[str, str]:
        """What of the rest goes to PostgreSQL's programs by their environment: arguments are shown to every user."""
        password = {} if self.password is None else {"PGPASSWORD": self.password.reveal()}
        return password | ({"PGOPTIONS": self.rest[_OPTIONS]} if _OPTIONS in self.rest else {})


def read(url: Secret) -> Dsn:
    """The parts of `url`.

    Raises:
        ConfigError: the library does not accept it. Nothing of it is in the message.
    """
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    try:
        found = {name: str(value) for name, value in conninfo_to_dict(url.reveal()).items()}
    except (psycopg.ProgrammingError, ValueError):
        # The library quotes what it does not understand, which may be the password.
        raise ConfigError("DATABASE_URL is not a connection string that PostgreSQL's client library accepts") from None
    _check_marks(url.reveal())
    password = found.get(_PASSWORD)
    in_clear = [found.pop(name) for name in _SECRETS if name in found]
    if _OPTIONS in found and _is_secret(found[_OPTIONS]):
        in_clear.append(found[_OPTIONS])
    host, port = found.pop("host", None), found.pop("port", None)
    _check_values(found)
    _check_ports(host or found.get("hostaddr"), port)
    return Dsn(
        user=found.pop("user", None),
        host=host,
        port=port,
        dbname=found.pop("dbname", None),
        password=None if password is None else Secret(password),
        secrets=tuple(dict.fromkeys([*in_clear, *_spelled(url.reveal())])),
        rest=found,
    )


def shown(url: Secret) -> str:
    """The URL for people, without its secrets; nothing but a mark when it cannot be read."""
    try:
        parts = read(url)
    except ConfigError:
        return MASK
    if not parts.secrets:
        return url.reveal()
    host, port = (parts.host or "").split(","), (parts.port or "").split(",")
    if len(port) == 1:
        port *= len(host)
    places = [_place(*pair) for pair in zip(host, port, strict=True)]
    query = "&".join(f"{name}={_value(name, value)}" for name, value in parts.rest.items())
    path = quote(parts.dbname or "", safe="")
    return f"postgresql://{quote(parts.user or '')}:{MASK}@{','.join(places)}/{path}{'?' if query else ''}{query}"


def _value(name: str, value: str) -> str:
    return MASK if name == _OPTIONS and _is_secret(value) else quote(value)


def _is_secret(options: str) -> bool:
    return not _SETTINGS.fullmatch(options)


def _place(host: str, port: str) -> str:
    named = f"[{host}]" if ":" in host else quote(host, safe="")
    return f"{named}:{port}" if port else named


def _check_values(found: Mapping[str, str]) -> None:
    """Reject a value that the library would reject no earlier than when it connects.

    Raises:
        ConfigError: there is such a value.
    """
    for name, words in _CHOICES.items():
        if name in found and found[name] not in words:
            raise ConfigError(f"DATABASE_URL: {name} must be one of {', '.join(words)}")
    for name in _NUMBERS:
        text = found.get(name, "0").strip().removeprefix("-")
        if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS and int(text) < _INT32):
            raise ConfigError(f"DATABASE_URL: {name} must be a whole number")


def _check_marks(url: str) -> None:
    """Reject an @ after the one that ends the login, or after a /: a part of a password would be taken for a name.

    Raises:
        ConfigError: there is one.
    """
    if "@" in _behind_login(url.partition("://")[2]).partition("?")[0]:
        raise ConfigError(
            "DATABASE_URL: there is an @ after the login; in a password or a name, write @ as %40 and / as %2F"
        )


def _behind_login(text: str) -> str:
    """What follows the first @, unless a / stands before it."""
    login, is_there, _ = text.partition("/")[0].partition("@")
    return text.removeprefix(f"{login}@") if is_there else text


def _check_ports(hosts: str | None, ports: str | None) -> None:
    """Reject ports here: the library would do so when it connects, with a part of the password in its message.

    Raises:
        ConfigError: a port is not valid, or there are not as many as hosts.
    """
    if ports is None:
        return
    listed = ports.split(",")
    if any(
        port and not (port.isascii() and port.isdigit() and len(port) <= _DIGITS and int(port) in _PORTS)
        for port in listed
    ):
        raise ConfigError(
            "DATABASE_URL: a port must be from 1 to 65535; in a password, write / as %2F, : as %3A and @ as %40"
        )
    if len(listed) not in {1, len((hosts or "").split(","))}:
        raise ConfigError("DATABASE_URL names more or fewer ports than hosts; give one port for each, or one for all")


def _spelled(url: str) -> list[str]:
    """The secrets as they stand in `url`."""
    after = url.partition("://")[2]
    authority = after.partition("/")[0]
    login, is_there, _ = authority.partition("@")
    found = [login.partition(":")[2]] if is_there else []
    query = after.removeprefix(login).partition("?")[2] if is_there else after.partition("?")[2]
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if unquote(name) in _SECRETS or (unquote(name) == _OPTIONS and _is_secret(unquote(value))):
            found.append(value)
    return [one for one in found if one]
