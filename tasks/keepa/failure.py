"""Why an HTTP call came to nothing, in words without the URL: the libraries print it, and the key is in it."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import requests
import urllib3

from tasks.wording import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

_NO_CONNECTION: Final = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    requests.ConnectTimeout,
    ssl.SSLCertVerificationError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """`was_sent` is False only when it is certain that no byte of the request left."""

    reason: str
    was_sent: bool


def failure_of(error: Exception) -> Failure:
    """What `error` amounts to, told by its innermost cause, which names no URL."""
    chain = list(_chain(error))
    root = chain[-1]
    was_sent = not any(isinstance(link, _NO_CONNECTION) for link in chain)
    return Failure(reason=plain(root), was_sent=was_sent)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, then what it wraps, to the innermost. `__context__` is left out: it may be a caller's affair."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        inside = (link.__cause__, getattr(link, "reason", None), *link.args)
        link = next((part for part in inside if isinstance(part, BaseException)), None)
