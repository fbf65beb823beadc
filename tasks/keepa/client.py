"""Makes one HTTP call: sends a request and returns a whole reply or raises `Transient`, in a bounded time. No retries.

The key is part of the URL, and HTTP libraries put URLs into exceptions and logs. So their exceptions are reduced to a
sentence that says why the call failed (`failure_of`) and never chained, their logs below ERROR are off, and redirects,
which would carry the key to another server, are not followed.
"""

from __future__ import annotations

import http.client
import ipaddress
import logging
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import urlsplit

import requests
import urllib3

from ledger import NS_PER_S, Clock, SystemClock
from tasks.errors import ConfigError, NotSent, Transient, plain
from tasks.keepa import resolver
from tasks.keepa.deadline import Deadline
from tasks.keepa.decode.unpack import TooLarge, Unpackable, is_gzip, unpacked
from tasks.keepa.reply import OK, RawReply, envelope_of_reply
from tasks.keepa.request import TokenRequest
from tasks.redaction import Redactor
from tasks.settings import longest_call_s

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from ledger import Reading
    from tasks.keepa.request import Request
    from tasks.secret import Secret

_NO_CONNECTION: Final = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    requests.ConnectTimeout,
    ssl.SSLCertVerificationError,
)


_CHUNK: Final = 1 << 16
_MB: Final = 1 << 20
_UNMISTAKABLE: Final = 16  # characters of a key that is no word of any body; a real one has 64
_HEADERS: Final = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "sluicegate"}
_JSON: Final = {"Content-Type": "application/json; charset=UTF-8"}
_LOST: Final = (requests.RequestException, urllib3.exceptions.HTTPError, http.client.HTTPException, OSError, Unpackable)


class KeepaClient:
    """Sends requests to one server with one key, over connections that are kept. For one thread."""

    def __init__(  # noqa: PLR0913 - each is a setting of its own, or what a test puts in its place
        self,
        api_key: Secret,
        base_url: str,
        *,
        connect_timeout_s: float = 30,
        read_timeout_s: float = 120,
        max_body_mb: float = 256,
        is_stopped: Callable[[], bool] = lambda: False,
        clock: Clock | None = None,
    ) -> None:
        """Prepare; nothing is sent yet.

        Args:
            api_key: goes into every URL, and nowhere else.
            base_url: `https://api.keepa.com`, or another server that speaks the API.
            connect_timeout_s: seconds to look the server up and to connect to it.
            read_timeout_s: seconds the server may stay silent. A whole call ends after `longest_call_s` of both.
            max_body_mb: megabytes of a body at the most, packed and unpacked.
            is_stopped: whether to give up a look-up.
            clock: what measures the calls.

        Raises:
            ConfigError: there is no key, or `base_url` is not the address of an HTTP server.
        """
        if not api_key:
            raise ConfigError("the API key is empty: set KEEPA_API_KEY")
        self._base_url = _checked(base_url)
        self._key = api_key
        self._redactor = Redactor([api_key.reveal()])
        self._timeout = (connect_timeout_s, read_timeout_s)
        self._limit = round(max_body_mb * _MB)
        self._deadline = Deadline(longest_call_s(connect_timeout_s, read_timeout_s))
        self._clock: Clock = SystemClock() if clock is None else clock
        self._session = resolver.session(resolver.ConnectPolicy(is_stopped, connect_timeout_s, self._deadline))
        if _is_loopback(self._base_url):
            self._session.trust_env = False  # a proxy meant for the world must not be asked for a local server
        logging.getLogger("urllib3").setLevel(logging.ERROR)  # its warnings and debug lines hold whole URLs

    def send(self, request: Request) -> RawReply:
        """Return the whole reply, whatever its status; the body is unpacked, and not parsed.

        Raises:
            NotSent: there was no connection.
            Transient: no whole reply arrived in time. Whether the call was charged is unknown.
        """
        outcome = self._exchange(request)
        # Raised outside of any `except`, so that the library's exception, which has the URL, is not chained to it.
        if isinstance(outcome, Failure):
            kind = Transient if outcome.was_sent else NotSent
            raise kind(f"{request.endpoint}: no reply: {outcome.reason}")
        return outcome

    def read_bucket(self) -> Reading:
        """Read the bucket by the free `/token` call. It has no parameter, so it also shows whether the key is good.

        Raises:
            Forbidden: the server does not know the key, or does not know `/token`.
            ApiError: there was no reply this time, or one without a balance.
        """
        reply = self.send(TokenRequest())
        reading = envelope_of_reply(reply).reading
        if reading is None:
            raise Transient(f"the reply of {reply.endpoint} has no balance", status=reply.status)
        return reading

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _exchange(self, request: Request) -> RawReply | Failure:
        began_ns = self._clock.now_ns()
        sent = request.body()
        deadline = self._deadline
        try:
            with (
                deadline.running(),
                self._session.request(
                    request.method,
                    self._base_url + request.endpoint,
                    params={"key": self._key.reveal(), **request.params()},
                    data=sent,
                    headers=_HEADERS if sent is None else _HEADERS | _JSON,
                    timeout=self._timeout,
                    allow_redirects=False,
                    stream=True,
                ) as response,
            ):
                packed = self._read(response)
                status, coding = response.status_code, response.headers.get("Content-Encoding", "")
            received = unpacked(packed, coding=coding, limit=self._limit)
        except _LOST as error:
            failure = failure_of(error)
            if deadline.is_over:
                return self._late(was_sent=failure.was_sent)
            return Failure(reason=self._redactor.clean(failure.reason), was_sent=failure.was_sent)
        if deadline.is_over:
            return self._late(was_sent=True)  # what looks like the end of the reply is where the deadline shut it
        # A proxy may print the URL it was asked for, under whatever status. Under a good one a short key stays: a
        # made-up one could be a word of the body.
        body = received
        if status != OK or len(self._key.reveal()) >= _UNMISTAKABLE:
            body = self._redactor.clean_bytes(received)
        duration_s = (self._clock.now_ns() - began_ns) / NS_PER_S
        is_as_sent = is_gzip(packed) and body == received
        return RawReply(status, body, duration_s, request.endpoint, packed if is_as_sent else None)

    def _late(self, *, was_sent: bool) -> Failure:
        return Failure(
            reason=f"it did not arrive as a whole within {self._deadline.seconds:g} s",
            was_sent=was_sent or self._deadline.has_connected,
        )

    def _read(self, response: requests.Response) -> bytes:
        """Read the body as it was sent, still packed.

        Raises:
            TooLarge: it is.
        """
        chunks: list[bytes] = []
        size = 0
        # `read1` returns what is there; urllib3 unpacks without a limit, and stops at what a header says wrongly.
        while chunk := response.raw.read1(_CHUNK, decode_content=False):
            chunks.append(chunk)
            size += len(chunk)
            if size > self._limit:
                raise TooLarge(self._limit)
        return b"".join(chunks)


def _checked(base_url: str) -> str:
    """Return the address without a slash at its end.

    Raises:
        ConfigError: it is not the address of an HTTP server.
    """
    try:
        parts = urlsplit(base_url)
        is_good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_good = False
        parts = urlsplit("")
    if not is_good or parts.query or parts.fragment:
        # The value is not shown: somebody may have pasted a whole URL with the key in it.
        raise ConfigError("KEEPA_BASE_URL must be http://host or https://host, without a query")
    return base_url.rstrip("/")


def _is_loopback(base_url: str) -> bool:
    host = urlsplit(base_url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """`was_sent` is False only when it is certain that no byte of the request left."""

    reason: str
    was_sent: bool


def failure_of(error: Exception) -> Failure:
    """Reduce `error` to the words of its innermost cause, which names no URL."""
    chain = list(_chain(error))
    root = chain[-1]
    was_sent = not any(isinstance(link, _NO_CONNECTION) for link in chain)
    return Failure(reason=plain(root), was_sent=was_sent)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield the error, then what it wraps, to the innermost. `__context__` is left out: it may be a caller's."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        inside = (link.__cause__, getattr(link, "reason", None), *link.args)
        link = next((part for part in inside if isinstance(part, BaseException)), None)
