"""Turns what came back into the envelope of a reply, or raises the error that `http_status.TABLE` has for it."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tasks.errors import ApiError, Forbidden, NotFromApi, RequestRefused, Throttled, Transient, one_line
from tasks.keepa.decode.envelope import Head, envelope_of
from tasks.keepa.decode.replies import Envelope, decode_envelope
from tasks.keepa.http_status import Meaning, is_own, row
from tasks.redaction import mask_url_keys

if TYPE_CHECKING:
    from ledger import Reading

OK: Final = 200

_EXCERPT_CHARS: Final = 200
_LOOK_CHARS: Final = 10_000  # an excerpt is taken from so much; split into its words, a page takes 20 times its size
_PAGE_LOOK_CHARS: Final = 1_000  # comments and the like may stand before a page says what it is
_PAGE: Final = re.compile(r"(?i)<(?:!doctype\s+)?html\b")
_TITLE: Final = re.compile(r"(?i)<title[^>]{0,200}>([^<]{0,1000})</title")
_KINDS: Final[dict[Meaning, type[ApiError]]] = {
    Meaning.FREE: Throttled,
    Meaning.QUARANTINE: RequestRefused,
    Meaning.RETRY: Transient,
    Meaning.END_RUN: Forbidden,
}


NOTHING: Final = envelope_of(Head())


@dataclass(frozen=True, slots=True)
class RawReply:
    """A whole reply, unpacked but not parsed.

    Attributes:
        duration_s: seconds from sending to the last byte.
        endpoint: what was asked, such as `/deal`; empty when it is not known.
        packed: the body as it was sent, if `unpacked` makes the body of it again; None when it was not packed.
    """

    status: int
    body: bytes
    duration_s: float
    endpoint: str = ""
    packed: bytes | None = None

    @property
    def is_paid(self) -> bool:
        """Whether this is the API's reply to the request, to be kept whatever form it has."""
        return row(self.status, own=is_own(self.body), endpoint=self.endpoint).meaning is Meaning.REPLY


def envelope_of_reply(reply: RawReply) -> Envelope:
    """Return the envelope of a reply that is paid for; an empty one when nothing in it can be read.

    The error raised for any other reply carries the status, the reading when the body has one, and the server's reason.

    Raises:
        NotFromApi: what answered is not the API.
        ApiError: the type that the table of statuses says.
    """
    own = is_own(reply.body)
    found = row(reply.status, own=own, endpoint=reply.endpoint)
    if found.meaning is Meaning.REPLY:
        try:
            return decode_envelope(reply.body)
        except Transient:
            return NOTHING
    start = f"{reply.status} for {reply.endpoint or 'the call'}: "
    if not own:
        raise NotFromApi(start + _foreign(reply.body), status=reply.status)
    reading, reason = _look(reply.body)
    if found.meaning is Meaning.FREE and reading is not None:
        reason = f"the balance is {reading.tokens_left}, not above 0"
    remedy = f"; {found.remedy}" if found.remedy else ""
    raise _KINDS[found.meaning](start + reason + remedy, status=reply.status, reading=reading)


def _look(body: bytes) -> tuple[Reading | None, str]:
    """Return the reading and the reason in a body of the API."""
    try:
        envelope = decode_envelope(body)
    except Transient:
        return None, f"a body that cannot be read: {_shown(body)}"
    if envelope.error is None:
        return envelope.reading, "the server gives no reason"
    return envelope.reading, excerpt(str(envelope.error))


def _foreign(body: bytes) -> str:
    if not body:
        return "an empty body, which is not from the API"
    return f"not a reply of the API: {_shown(body)}"


def _shown(body: bytes) -> str:
    """What a body is, in one line: its beginning in quotes, or of a web page its title."""
    text = _beginning(body).lstrip("\ufeff")
    if not text.lstrip().startswith("<") or _PAGE.search(text[:_PAGE_LOOK_CHARS]) is None:
        return repr(excerpt(text))
    title = _TITLE.search(text)
    name = "" if title is None else excerpt(html.unescape(title[1]))
    return f"a web page (title {name!r})" if name else "a web page without a title"


def _beginning(body: bytes) -> str:
    return body[:_LOOK_CHARS].decode(errors="replace")


def excerpt(text: str) -> str:
    """Make one readable line of `text`, without the key: a proxy may print the URL it was asked for."""
    line = one_line(mask_url_keys(text[:_LOOK_CHARS]))
    line = "".join(char for char in line if char.isprintable())
    return line if len(line) <= _EXCERPT_CHARS else f"{line[:_EXCERPT_CHARS]}..."
