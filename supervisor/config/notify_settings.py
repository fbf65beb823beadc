"""What the process that sends messages is told at its start, as one line of JSON over a pipe. Pure.

Where messages go is a secret, and so is the URL of the database: they are in no argument, no environment and no table.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from tasks.errors import ConfigError
from tasks.rule_settings import RuleSettings, TargetSettings
from tasks.settings import DEFAULT_KEY, Secret, SelectionSettings


class NotifySettings(msgspec.Struct, frozen=True, kw_only=True):
    """What it needs to know of a run.

    Attributes:
        host: what this host is called in alarms.
        ledger_account: the ledger's row in the database, 0 when it is in the file.
        key_name: the key that the ledger is of: of several the first.
        domains, selections: what the selections are called that have listed a deal.
    """

    state_dir: str
    host: str
    database_url: Secret
    rules: tuple[RuleSettings, ...]
    targets: tuple[TargetSettings, ...]
    domains: tuple[int, ...]
    selections: tuple[SelectionSettings, ...]
    ledger_account: int = 0
    key_name: str = DEFAULT_KEY


def _reveal(value: object) -> str:
    if isinstance(value, Secret):
        return value.reveal()
    raise TypeError(f"{type(value).__name__} cannot be encoded as JSON here")


def _hide(kind: type[Any], value: object) -> Secret:
    if kind is Secret and isinstance(value, str):
        return Secret(value)
    raise TypeError(f"{kind.__name__} must be text")


_DECODER: Final = msgspec.json.Decoder(NotifySettings, dec_hook=_hide)


def encode(settings: NotifySettings) -> bytes:
    """One line of JSON, newline included, secrets in clear: for a pipe to the process only."""
    return msgspec.json.encode(settings, enc_hook=_reveal) + b"\n"


def decode(line: bytes) -> NotifySettings:
    """The settings that `encode` wrote.

    Raises:
        ConfigError: the line is not such a value. The message names the field, never its content.
    """
    try:
        return _DECODER.decode(line)
    except msgspec.DecodeError as error:
        raise ConfigError(f"the settings sent by the supervisor cannot be read: {error}") from None
