"""What can be asked of a running supervisor, and its answer: each one line of JSON on the control socket. Pure."""

from __future__ import annotations

from typing import Final, TypeAlias, assert_never

import msgspec

from tasks.roles import Role

LIMIT: Final = 16 * 1024  # bytes of an order; `set` with every setting there is takes a tenth


class Pause(msgspec.Struct, frozen=True, kw_only=True, tag_field="do", tag="pause", forbid_unknown_fields=True):
    """Let the workers of these roles end their work, and keep them so."""

    roles: tuple[Role, ...]


class Resume(msgspec.Struct, frozen=True, kw_only=True, tag_field="do", tag="resume", forbid_unknown_fields=True):
    """Start them again."""

    roles: tuple[Role, ...]


class Restart(msgspec.Struct, frozen=True, kw_only=True, tag_field="do", tag="restart", forbid_unknown_fields=True):
    """Have a fresh process in the place of this worker's."""

    worker: str


class Retry(msgspec.Struct, frozen=True, kw_only=True, tag_field="do", tag="retry", forbid_unknown_fields=True):
    """Start a worker that was given up, its deaths forgiven."""

    worker: str


class Set(msgspec.Struct, frozen=True, kw_only=True, tag_field="do", tag="set", forbid_unknown_fields=True):
    """Go by these settings until the supervisor ends; an empty text takes one back."""

    settings: dict[str, str]


class Reload(msgspec.Struct, frozen=True, kw_only=True, tag_field="do", tag="reload", forbid_unknown_fields=True):
    """Read the configuration again."""


Order: TypeAlias = Pause | Resume | Restart | Retry | Set | Reload


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of an order: an exit code, 0 when it was done, and a sentence for people."""

    code: int
    words: str


_ORDERS: Final[msgspec.json.Decoder[Order]] = msgspec.json.Decoder(Order)
_ANSWERS: Final = msgspec.json.Decoder(Answer)


class NotUnderstood(ValueError):
    """The line is no order, or no answer; the message says why."""


def read_order(line: bytes) -> Order:
    """The order a line asks for.

    Raises:
        NotUnderstood: it asks for none.
    """
    try:
        return _ORDERS.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotUnderstood(f"no order: {error}") from None


def read_answer(line: bytes) -> Answer:
    """The answer a line gives.

    Raises:
        NotUnderstood: it gives none.
    """
    try:
        return _ANSWERS.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotUnderstood(f"no answer: {error}") from None


def line_of(message: Order | Answer) -> bytes:
    """The message as it goes over the socket."""
    return msgspec.json.encode(message) + b"\n"


def describe_order(order: Order) -> str:
    """The order as a person would give it."""
    match order:
        case Pause(roles=roles):
            return f"pause {' '.join(roles)}"
        case Resume(roles=roles):
            return f"resume {' '.join(roles)}"
        case Restart(worker=worker):
            return f"restart {worker}"
        case Retry(worker=worker):
            return f"retry {worker}"
        case Set(settings=settings):
            return f"set {' '.join(settings)}"  # the names alone: somebody may try it with a secret
        case Reload():
            return "reload"
        case _:
            assert_never(order)
