"""What a client is answered, and its bytes on the wire. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from http import HTTPStatus

PLAIN: Final = "text/plain; charset=utf-8"


class Response(NamedTuple):
    """An answer. `headers`: what it has besides those that every answer has."""

    status: HTTPStatus
    body: bytes
    content_type: str = PLAIN
    headers: tuple[tuple[str, str], ...] = ()


def refusal(status: HTTPStatus, reason: str, *headers: tuple[str, str]) -> Response:
    """An answer that says in one line why there is no other."""
    return Response(status, f"{reason}\n".encode(), headers=headers)


def to_bytes(response: Response, *, with_body: bool) -> bytes:
    """The answer as it is sent; without its body when HEAD asked for it."""
    headers = (
        ("Content-Type", response.content_type),
        ("Content-Length", str(len(response.body))),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
        ("Connection", "close"),
        *response.headers,
    )
    head = f"HTTP/1.1 {response.status.value} {response.status.phrase}\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in headers)
    return head.encode() + b"\r\n" + (response.body if with_body else b"")
