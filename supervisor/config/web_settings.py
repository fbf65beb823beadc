"""What the process of the page is told at its start, as one line of JSON over a pipe. Pure.

It shows the settings of the run, and must not give a secret away: it has none but the URL of the database, which it
needs, and the values that it shows are masked before they are sent.
"""

from __future__ import annotations

from typing import Final

import msgspec

from supervisor.config.options import GROUPS
from tasks.pipe_codec import PipeCodec
from tasks.redaction import MASK
from tasks.secret import Secret
from tasks.settings import DEFAULT_KEY, SelectionSettings, SourceSettings


class SettingRow(msgspec.Struct, frozen=True, kw_only=True):
    """A setting as people see it.

    Attributes:
        value: as a person would write it; masked when it is a secret, empty when it is unset.
        source: `environment`, `.env`, `default` or `the order`.
        accepted: what a value may be.
        can_change: whether an order may change it while the supervisor runs.
    """

    group: str
    name: str
    value: str
    default: str
    source: str
    accepted: str
    meaning: str
    can_change: bool
    is_secret: bool


class WebSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the page needs to know of a run.

    Attributes:
        database_url: the database that the user named; empty for the embedded one, whose URL is in the report.
        accounts: the keys by name, each with the row of its ledger in the database, 0 when it is in a file.
        hosts: names that requests may be for, besides `localhost` and addresses.
        has_control: whether it takes orders.
        is_synthetic: whether the data is made up.
        sources: what else than selections lists products for backfill.
        watch_keys: of the lists of products that are kept fresh.
    """

    state_dir: str
    database_url: Secret
    hosts: tuple[str, ...]
    has_control: bool
    is_synthetic: bool
    domains: tuple[int, ...]
    selections: tuple[SelectionSettings, ...]
    rows: tuple[SettingRow, ...]
    accounts: dict[str, int] = msgspec.field(default_factory=lambda: {DEFAULT_KEY: 0})
    sources: tuple[SourceSettings, ...] = ()
    watch_keys: tuple[str, ...] = ()


def setting_rows(values: object, sources: dict[str, str]) -> tuple[SettingRow, ...]:
    """Every setting with its value in `values`, an object with a field for each."""
    return tuple(
        SettingRow(
            group=group,
            name=option.name,
            value=_shown(getattr(values, option.field), is_secret=option.is_secret),
            default=option.default,
            source=sources.get(option.name, ""),
            accepted=option.kind.expected,
            meaning=option.help,
            can_change=option.replaces is not None,
            is_secret=option.is_secret,
        )
        for group, options in GROUPS.items()
        for option in options
    )


def _shown(value: object, *, is_secret: bool) -> str:
    if is_secret:
        return MASK if value else ""
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    if isinstance(value, float):
        return f"{value:.10g}"
    return "" if value is None else str(value)


CODEC: Final = PipeCodec(WebSettings)
"""How they reach the process."""
