"""The hosts as reports show them, and which of them are missed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from supervisor.host_record import HostRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tasks.store.ledger_row.hosts import Host


def records(found: Sequence[Host], own: int, tokens: Mapping[str, int], later_s: float) -> tuple[HostRecord, ...]:
    """Those that take part and those that are missed, and this one in any case.

    Args:
        found: all that are known.
        own: the number of this host.
        tokens: what each host paid in the last day, by name.
        later_s: seconds since `found` was read.
    """
    return tuple(
        _record(one, own, tokens, later_s) for one in _present(found) if one.left_at is None or one.number == own
    )


def missed(found: Sequence[Host], own: int) -> list[Host]:
    """The hosts that have fallen silent without having left."""
    return [one for one in _present(found) if one.left_at is None and not one.is_alive and one.number != own]


def describe_missed(lost: Sequence[Host], found: Sequence[Host]) -> str:
    """What is wrong with the hosts that are missed among all that were found, and what to do."""
    names = [one.name for one in lost]
    who = f"the host {names[0]} is" if len(names) == 1 else f"the hosts {', '.join(names)} are"
    is_only_one = sum(one.name == names[0] and one.left_at is None for one in found) == 1
    gone = f"`sluicegate drain {names[0] if is_only_one else lost[0].number}`"  # by its name all that are called so
    return (
        f"{who} silent; what was claimed there goes to the others. Start the host again, or run {gone} if it is gone "
        "for good"
    )


def _present(found: Sequence[Host]) -> Iterable[Host]:
    """All but those in whose place another one runs: of one state directory only the last counts."""
    last = {one.state_dir: one.number for one in sorted(found, key=lambda one: one.joined_at)}
    return [one for one in found if last[one.state_dir] == one.number]


def _record(one: Host, own: int, tokens: Mapping[str, int], later_s: float) -> HostRecord:
    return HostRecord(
        number=one.number,
        name=one.name,
        version=one.version,
        ledger=one.ledger,
        state=one.state,
        joined_at=one.joined_at,
        heard_at=one.beat_at,
        silent_s=round(one.silent_s + later_s, 1),
        drain_at=one.drain_at,
        left_at=one.left_at,
        is_own=one.number == own,
        workers=len(one.workers),
        tokens_day=tokens.get(one.name, 0),
    )
