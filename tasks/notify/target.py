"""A target, as `targets.toml` has it: where messages go, and by what way. It is a secret as a whole. Pure."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from tasks.rule_settings import TargetSettings
from tasks.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX: Final = "whsec_"
_LEAST_BYTES: Final = 16
_WEB: Final = ("http", "https")
_WORDS: Final = ("url", "secret", "command")


def parse(name: str, given: object) -> tuple[TargetSettings | None, list[str]]:
    """The target of that name, and what is wrong with it, a sentence each that shows no value; None with a fault."""
    if not isinstance(given, dict):
        return None, [f"it is no table: write [{name}] and below it `url` or `command`"]
    faults = [f"{word!r} is no word of a target; there are {', '.join(_WORDS)}" for word in given if word not in _WORDS]
    if ("url" in given) == ("command" in given):
        faults.append("it needs either `url` or `command`")
    found: TargetSettings | None = None
    if "url" in given:
        found, wrong = _url(name, given)
        faults += wrong
    if "command" in given:
        found, wrong = _command(name, given)
        faults += wrong
    return (None, faults) if faults else (found, [])


def _command(name: str, given: Mapping[str, Any]) -> tuple[TargetSettings | None, list[str]]:
    parts, faults = given["command"], []
    if not isinstance(parts, list) or not parts or not all(isinstance(part, str) and part for part in parts):
        faults.append(
            'command: expected a list of texts, the program first, such as ["/usr/bin/logger", "-t", "deals"]'
        )
    if "secret" in given and "url" not in given:
        faults.append("secret: a command is not signed; remove it")
    return (None, faults) if faults else (TargetSettings(name=name, way="command", command=tuple(parts)), [])


def _url(name: str, given: Mapping[str, Any]) -> tuple[TargetSettings | None, list[str]]:
    url, secret = given["url"], given.get("secret", "")
    scheme, faults = _scheme(url), []
    if not scheme:
        faults.append("url: expected one such as https://host/path, or one of Apprise's, such as tgram://TOKEN/CHAT")
    if scheme and scheme not in _WEB and secret:
        faults.append("secret: only a webhook (https://...) is signed; remove it")
    elif secret and not is_secret(secret):
        faults.append(f"secret: expected {PREFIX} and at least {_LEAST_BYTES} bytes in base64")
    if faults:
        return None, faults
    if scheme not in _WEB:
        return TargetSettings(name=name, way="apprise", url=Secret(url)), []
    return TargetSettings(name=name, way="webhook", url=Secret(url), secret=Secret(secret)), []


def _scheme(url: object) -> str:
    try:
        found = urlsplit(url) if isinstance(url, str) else None
    except ValueError:
        return ""
    return found.scheme.lower() if found is not None and "://" in str(url) else ""


def is_secret(secret: object) -> bool:
    """Whether this is a secret as Standard Webhooks writes one."""
    if not isinstance(secret, str) or not secret.startswith(PREFIX):
        return False
    try:
        return len(base64.b64decode(secret.removeprefix(PREFIX), validate=True)) >= _LEAST_BYTES
    except binascii.Error:
        return False
