"""How far a duty in the background has come, as one JSON object a duty."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

if TYPE_CHECKING:
    from tasks.store.connection import Connection

_LOAD: Final = "SELECT state::text FROM background_duties WHERE name = %s"
_SAVE: Final = """
INSERT INTO background_duties AS t (name, state) VALUES (%s, %s::text::json)
ON CONFLICT (name) DO UPDATE SET state = excluded.state, changed_at = now()
"""
_FORGET: Final = "DELETE FROM background_duties WHERE name = %s"


def load(conn: Connection, name: str) -> dict[str, Any]:
    """What the duty saved last; empty before that, or when it is no JSON object."""
    row = conn.execute(_LOAD, (name,)).fetchone()
    try:
        return {} if row is None else msgspec.json.decode(row[0], type=dict[str, Any])
    except msgspec.DecodeError:
        return {}


def save(conn: Connection, name: str, state: dict[str, Any]) -> None:
    """Keep it, in the caller's transaction."""
    conn.execute(_SAVE, (name, msgspec.json.encode(state).decode()))


def forget(conn: Connection, name: str) -> None:
    """Let the duty begin anew."""
    conn.execute(_FORGET, (name,))


class Progress(Protocol):
    """How far a piece of work has come."""

    def load(self, conn: Connection) -> dict[str, Any]:
        """What was saved last; empty before that."""
        ...

    def save(self, conn: Connection, state: dict[str, Any]) -> None:
        """Keep it."""
        ...


@dataclass(frozen=True, slots=True)
class StoredProgress:
    """That of a duty: in the database, under its name, for whoever goes on with it."""

    name: str

    def load(self, conn: Connection) -> dict[str, Any]:
        """What was saved last; empty before that."""
        return load(conn, self.name)

    def save(self, conn: Connection, state: dict[str, Any]) -> None:
        """Keep it, in the caller's transaction."""
        save(conn, self.name, state)


@dataclass(slots=True)
class OwnProgress:
    """That of a command, for itself alone: two that run at once know nothing of each other, and lock nothing for it."""

    _state: dict[str, Any] = field(default_factory=dict)

    def load(self, _conn: Connection) -> dict[str, Any]:
        """What was saved last; empty before that."""
        return self._state

    def save(self, _conn: Connection, state: dict[str, Any]) -> None:
        """Keep it until the command ends; when a step fails, the command does."""
        self._state = state
