"""One value as one line of JSON over a pipe to a process that begins, secrets in clear. Pure.

A pipe is visible to no other user, unlike an argument or the environment.
"""

from __future__ import annotations

from typing import Any, Final, Generic, TypeVar, final

import msgspec

from tasks.errors import ConfigError
from tasks.secret import Secret

LONGEST: Final = 1024 * 1024 - 4096  # bytes: what a pipe takes of a user without privileges. Source: pipe(7).
Value = TypeVar("Value", bound=msgspec.Struct)


@final
class PipeCodec(Generic[Value]):
    """Writes and reads values of one kind."""

    def __init__(self, kind: type[Value]) -> None:
        self._decoder = msgspec.json.Decoder(kind, dec_hook=_hide)

    def encode(self, value: Value) -> bytes:
        """One line of JSON, newline included, secrets in clear: for a pipe to a process of ours only.

        Raises:
            ConfigError: something in it cannot be written as JSON, or a pipe cannot take so much.
        """
        line = _written(value) + b"\n"
        if len(line) > LONGEST:
            raise ConfigError(
                f"the settings of a process have {len(line):,} bytes, and a pipe takes {LONGEST:,}: make the "
                "selections, sources and rules shorter or fewer"
            )
        return line

    def decode(self, line: bytes) -> Value:
        """The value that `encode` wrote.

        Raises:
            ConfigError: the line is not such a value. The message names the field, never its content.
        """
        try:
            return self._decoder.decode(line)
        except msgspec.DecodeError as error:
            raise ConfigError(f"the settings sent by the supervisor cannot be read: {error}") from None


def why_not(value: msgspec.Struct) -> str | None:
    """Why no process can be told this part of its settings; None when it can be."""
    try:
        _written(value)
    except ConfigError as error:
        return str(error)
    return None


def _written(value: msgspec.Struct) -> bytes:
    try:
        return msgspec.json.encode(value, enc_hook=_reveal)
    except UnicodeEncodeError:
        raise ConfigError("it has half a character, which cannot be written: remove that or write it in full") from None
    except OverflowError:
        raise ConfigError("it has a number of more than 64 bits: write a smaller one") from None
    except RecursionError:
        raise ConfigError("its lists are nested too deeply: make them flat") from None


def _reveal(value: object) -> str:
    if isinstance(value, Secret):
        return value.reveal()
    raise TypeError(f"{type(value).__name__} cannot be encoded as JSON here")


def _hide(kind: type[Any], value: object) -> Secret:
    if kind is Secret and isinstance(value, str):
        return Secret(value)
    raise TypeError(f"{kind.__name__} must be text")
