"""What can be asked of a running supervisor, and its answer: each one line of JSON on the control socket. Pure."""

from __future__ import annotations

from typing import Final, TypeAlias, assert_never

import msgspec

from tasks.errors import clean
from tasks.keepa.locales import shop
from tasks.roles import ROLES, Role

_LONGEST_BY: Final = 60  # characters
_LONGEST_WHAT: Final = 200
LIMIT: Final = 16 * 1024  # bytes of an order; `set` with every setting there is takes a tenth


class _Order(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What every order may have; what it has not is not sent, so that a supervisor of another version takes it.

    Attributes:
        by: where it was given, in words, if not in a terminal; nobody checks it.
        mark: tells it apart from others that read the same, for whoever gave it.
    """

    by: str = ""
    mark: str = ""


class Pause(_Order, frozen=True, kw_only=True, tag_field="do", tag="pause", forbid_unknown_fields=True):
    """Stop the workers of these roles once their work in hand is done, and start none until `Resume`."""

    roles: tuple[Role, ...]


class Resume(_Order, frozen=True, kw_only=True, tag_field="do", tag="resume", forbid_unknown_fields=True):
    """Start the workers of these roles again."""

    roles: tuple[Role, ...]


class Restart(_Order, frozen=True, kw_only=True, tag_field="do", tag="restart", forbid_unknown_fields=True):
    """Replace the process of this worker by a new one."""

    worker: str


class Retry(_Order, frozen=True, kw_only=True, tag_field="do", tag="retry", forbid_unknown_fields=True):
    """Start a worker that has failed, with its restart count reset."""

    worker: str


class Set(_Order, frozen=True, kw_only=True, tag_field="do", tag="set", forbid_unknown_fields=True):
    """Override these settings until the supervisor ends; an empty text removes an override. `scale` sends this too."""

    settings: dict[str, str]


class Drain(_Order, frozen=True, kw_only=True, tag_field="do", tag="drain", forbid_unknown_fields=True):
    """Finish the calls under way on this host, begin no more, and leave the other hosts, until `Resume` of all."""


class Reload(_Order, frozen=True, kw_only=True, tag_field="do", tag="reload", forbid_unknown_fields=True):
    """Read the configuration again, and start failed workers again."""


class Fetch(_Order, frozen=True, kw_only=True, tag_field="do", tag="fetch", forbid_unknown_fields=True):
    """Ask the API for this product before all other work, in the tier of requests by hand."""

    asin: str
    domain: int
    detail: str


class Cancel(_Order, frozen=True, kw_only=True, tag_field="do", tag="cancel", forbid_unknown_fields=True):
    """Ask the API no more for a product that `Fetch` named; what has left for it already is paid for and kept."""

    asin: str
    domain: int


class Note(_Order, frozen=True, kw_only=True, tag_field="do", tag="note", forbid_unknown_fields=True):
    """Write down among the orders what was done elsewhere, in the database: the supervisor does nothing."""

    what: str
    outcome: str


Order: TypeAlias = Pause | Resume | Restart | Retry | Set | Drain | Reload | Fetch | Cancel | Note


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of an order: an exit code, 0 when it was carried out, and a sentence for people."""

    code: int
    words: str


class NotGiven(Answer, frozen=True, kw_only=True):
    """No supervisor has taken the order, and none will carry it out; it is never sent."""


_ORDERS: Final[msgspec.json.Decoder[Order]] = msgspec.json.Decoder(Order)
_ANSWERS: Final = msgspec.json.Decoder(Answer)


class NotUnderstood(ValueError):
    """The line is not an order, or not an answer; the message says why."""


def read_order(line: bytes) -> Order:
    """Read an order from a line.

    Raises:
        NotUnderstood: the line is not an order.
    """
    try:
        return _ORDERS.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotUnderstood(f"not an order: {error}") from None


def read_answer(line: bytes) -> Answer:
    """Read an answer from a line.

    Raises:
        NotUnderstood: the line is not an answer.
    """
    try:
        return _ANSWERS.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotUnderstood(f"not an answer: {error}") from None


def given_by(order: Order, client: str) -> str:
    """Who gave the order, for people: where it says it was given, and the `client` that sent it."""
    where = clean(order.by)[:_LONGEST_BY]
    return f"{where}, {client}" if where else client


def line_of(message: Order | Answer) -> bytes:
    """The message as it goes over the socket."""
    return msgspec.json.encode(message) + b"\n"


def describe_order(order: Order) -> str:
    """The order as it is typed."""
    match order:
        case Pause(roles=roles):
            words = f"pause {_typed(roles)}"
        case Resume(roles=roles):
            words = f"resume {_typed(roles)}"
        case Restart(worker=worker) | Retry(worker=worker):
            words = f"{'restart' if isinstance(order, Restart) else 'retry'} {worker}"
        case Set(settings=settings):
            words = f"set {' '.join(settings)}"  # the names alone: a value may be a secret
        case Drain() | Reload():
            words = "drain" if isinstance(order, Drain) else "reload"
        case Fetch(asin=asin, domain=domain) | Cancel(asin=asin, domain=domain):
            verb = "fetch" if isinstance(order, Fetch) else "cancel the fetch of"
            words = f"{verb} {clean(asin)[:_LONGEST_BY]} --domain {shop(domain)}"
        case Note(what=what):
            words = clean(what)[:_LONGEST_WHAT] or "note"
        case _:
            assert_never(order)
    return words


def _typed(roles: tuple[Role, ...]) -> str:
    return "all" if len(roles) == len(ROLES) else " ".join(roles)
