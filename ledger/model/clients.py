"""Who changed the book last, by number: tells a client whose line broke in a commit whether that change was kept. Pure.

A home of one machine has no use for it, since nothing there breaks between a change and its confirmation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger.model.book import MAX_CLIENTS
from ledger.types import Owner

if TYPE_CHECKING:
    from collections.abc import Callable

    from ledger.model.entries import ClientState
    from ledger.model.view import View


def last_request(view: View, owner: Owner, line: int) -> int:
    """The number of the last change that `owner` made over that line of its, 0 when none is known."""
    index = _index(view, owner, line)
    return view.clients[index].request if index >= 0 else 0


def note(view: View, owner: Owner, line: int, request: int, now_ns: int) -> None:
    """Note that the change under way is number `request` of that line. In a full table it takes the oldest place."""
    book, index = view.book, _index(view, owner, line)
    if index < 0:
        if book.client_count < MAX_CLIENTS:
            index = book.client_count
            book.client_count += 1
        else:
            index = min(range(MAX_CLIENTS), key=lambda i: view.clients[i].at_ns)
        client = view.clients[index]
        client.host, client.pid, client.started = owner
        client.line = line
    view.clients[index].request, view.clients[index].at_ns = request, now_ns


def drop_dead(view: View, is_alive: Callable[[Owner], bool]) -> None:
    """Forget the clients that are dead: they ask no more what became of a change."""
    book = view.book
    for index in reversed(range(book.client_count)):
        if not is_alive(_owner(view.clients[index])):
            view.drop_client(index)


def _index(view: View, owner: Owner, line: int) -> int:
    for index in range(view.book.client_count):
        client = view.clients[index]
        if client.pid == owner.pid and client.line == line and _owner(client) == owner:
            return index
    return -1


def _owner(client: ClientState) -> Owner:
    return Owner(client.host, client.pid, client.started)
