"""What the process that sends messages is told at its start, as one line of JSON over a pipe. Pure.

Where messages go is a secret, and so is the URL of the database: they are in no argument, no environment and no table.
"""

from __future__ import annotations

from typing import Final

import msgspec

from tasks.pipe_codec import PipeCodec
from tasks.rule_settings import RuleSettings, TargetSettings
from tasks.secret import Secret
from tasks.settings import DEFAULT_KEY, SelectionSettings


class NotifySettings(msgspec.Struct, frozen=True, kw_only=True):
    """What it needs to know of a run.

    Attributes:
        host: what this host is called in alarms.
        database_url: empty while there is no database yet, and alarms alone can be told.
        accounts: the keys by name, each with the row of its ledger in the database, 0 when it is in a file.
        domains, selections: what the selections are called that have listed a deal.
    """

    state_dir: str
    host: str
    database_url: Secret
    rules: tuple[RuleSettings, ...]
    targets: tuple[TargetSettings, ...]
    domains: tuple[int, ...]
    selections: tuple[SelectionSettings, ...]
    accounts: dict[str, int] = msgspec.field(default_factory=lambda: {DEFAULT_KEY: 0})


CODEC: Final = PipeCodec(NotifySettings)
"""How they reach the process."""
