"""What deals arrive by: each selection in each locale, under a name for people and for the label of a metric."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from supervisor.report import CountRecord, MarkRecord
from tasks.keepa.selection import selection
from tasks.planning import streams

if TYPE_CHECKING:
    from supervisor.config.settings import Settings
    from supervisor.database.backend import Counts
    from tasks.planning.streams import Chosen

_EPOCH_MINUTE: Final = 21_564_000  # minutes from 1970 to Keepa's minute 0, as keepa_time has it
_SHOWN: Final = 8  # characters of a selection's key, where two selections have one name


def counted(counts: Counts, settings: Settings, before: CountRecord | None) -> CountRecord:
    """What was counted just now; watermarks of selections that are no more are left out.

    A walk that has begun hides when the last one was complete: that is taken from what was counted `before`.
    """
    names = _names(settings)
    walked = {} if before is None else {mark.stream: mark.walked_at for mark in before.watermarks}
    marks = []
    for mark in counts.marks:
        stream = names.get((mark.selection_key, mark.domain))
        if stream is not None:
            at = datetime.fromtimestamp((mark.minute + _EPOCH_MINUTE) * 60, UTC)
            walked_at = walked.get(stream) if mark.walked_at is None else _text(mark.walked_at)
            marks.append(MarkRecord(stream=stream, at=_text(at), walked_at=walked_at))
    return CountRecord(at=_text(datetime.now(UTC)), rows=counts.rows, queue=counts.queue, watermarks=tuple(marks))


def chosen(settings: Settings) -> Chosen | None:
    """What of the queue these settings ask for."""
    return streams.chosen_of(streams.targets(settings.chosen, settings.keepa_domains))


def _names(settings: Settings) -> dict[tuple[str, int], str]:
    """Every stream's name, each once, by the key and the locale its walks are stored under."""
    names: dict[tuple[str, int], str] = {}
    for given in settings.chosen:
        for one in selection.for_domains(given.query, name=given.name, domains=settings.keepa_domains):
            name = f"{one.name}/{one.domain}"
            names[one.key, one.domain] = f"{name}/{one.key[:_SHOWN]}" if name in names.values() else name
    return names


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds")
