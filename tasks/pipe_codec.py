"""One value as one line of JSON over a pipe to a process that begins, secrets in clear. Pure.

A pipe is visible to no other user, unlike an argument or the environment.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar, final

import msgspec

from tasks.errors import ConfigError
from tasks.secret import Secret

Value = TypeVar("Value", bound=msgspec.Struct)


@final
class PipeCodec(Generic[Value]):
    """Writes and reads values of one kind."""

    def __init__(self, kind: type[Value]) -> None:
        self._decoder = msgspec.json.Decoder(kind, dec_hook=_hide)

    def encode(self, value: Value) -> bytes:
        """One line of JSON, newline included, secrets in clear: for a pipe to a process of ours only."""
        return msgspec.json.encode(value, enc_hook=_reveal) + b"\n"

    def decode(self, line: bytes) -> Value:
        """The value that `encode` wrote.

        Raises:
            ConfigError: the line is not such a value. The message names the field, never its content.
        """
        try:
            return self._decoder.decode(line)
        except msgspec.DecodeError as error:
            raise ConfigError(f"the settings sent by the supervisor cannot be read: {error}") from None


def _reveal(value: object) -> str:
    if isinstance(value, Secret):
        return value.reveal()
    raise TypeError(f"{type(value).__name__} cannot be encoded as JSON here")


def _hide(kind: type[Any], value: object) -> Secret:
    if kind is Secret and isinstance(value, str):
        return Secret(value)
    raise TypeError(f"{kind.__name__} must be text")
