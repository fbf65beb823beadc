"""Derives from the settings what this run is: its server, its database and its budget. Pure.

Without an API key everything is synthetic, and synthetic rows never go where real ones are: they have a database of
their own, and one that the user named is refused unless the user asked for that.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ledger import CAPACITY_TICKS, DEFAULT_TIERS, Hours
from supervisor.config import conflicts, readable
from supervisor.config.state_dir.state_dir import StateDir
from tasks.errors import ConfigError
from tasks.roles import BACKFILL, UPSERT
from tasks.secret import Secret
from tasks.settings import DEFAULT_KEY, JobSettings, KeySettings, WorkerSettings

if TYPE_CHECKING:
    from pathlib import Path

    from ledger import Tier
    from supervisor.config.files.key_files import KeyFile
    from supervisor.config.settings import Settings

KEEPA: Final = "https://api.keepa.com"
LIVE_DATABASE: Final = "sluicegate"
SYNTHETIC_DATABASE: Final = "simulated"
SYNTHETIC_KEY: Final = "made-up-key"  # masked in every line of the log, so it must not be a word of any message
_HASH: Final = 16


class Server(Enum):
    """Who answers the calls."""

    KEEPA = "keepa"
    """The real API, or the server that the user named in its place, with a key."""
    SIMULATOR = "simulator"
    """The built-in simulator, a child of the supervisor."""
    OTHER = "other"
    """A server the user named, without a key: synthetic as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """One run.

    Attributes:
        base_url: where to call; None while the built-in simulator has not said where it listens.
        database: the name of the embedded database; None when `DATABASE_URL` is used.
        key: the name of the key that this plan is for: of several the first, unless another was asked for.
    """

    settings: Settings
    state: StateDir
    server: Server
    base_url: str | None
    database: str | None
    key: str = DEFAULT_KEY

    @property
    def is_synthetic(self) -> bool:
        """Whether the data is made up."""
        return self.server is not Server.KEEPA

    @property
    def api_key(self) -> Secret:
        """The key to call with."""
        if self.is_synthetic:
            return Secret(SYNTHETIC_KEY)
        file = self._file
        return self.settings.keepa_api_key if file is None else file.api_key

    @property
    def keys(self) -> tuple[str, ...]:
        """The names of all keys, sorted."""
        return tuple(key.name for key in self.settings.loaded_keys) or (self.key,)

    def of_key(self, name: str | None) -> RunPlan:
        """The same run as the key of this name has it; the run as it is where none is named.

        Raises:
            ConfigError: there is no such key, or its file has faults.
        """
        if name is None:
            return self
        if name not in self.keys:
            readable.require_key_file(self.settings, name)
            raise ConfigError(f"no key is called {name!r}; there are: {', '.join(self.keys)}")
        return replace(self, key=name)

    @property
    def ledger_path(self) -> Path:
        """The file of the ledger of this key."""
        return self.state.ledger_of(self.key)

    @property
    def _file(self) -> KeyFile | None:
        return next((key for key in self.settings.loaded_keys if key.name == self.key), None)

    @property
    def tick_period_s(self) -> float:
        """Seconds between two refills, used until replies show the true value."""
        built_in = self.server is Server.SIMULATOR
        return self.settings.simulator_tick_s if built_in else self.settings.tick_period_s

    def account(self, run: str) -> str:
        """The name of the account that the ledger is for. Each `run` of the built-in simulator has a new account."""
        if self.server is Server.SIMULATOR:
            return _hash(f"simulator {self.settings.simulator_seed} {run}")
        return _hash(f"{self.base_url} {self.api_key.reveal()}")

    def tiers(self) -> tuple[Tier, ...]:
        """The tiers of the ledger. A floor that was set does not grow with the plan; a default one does."""
        settings, file = self.settings, self._file
        if file is not None:
            settings = msgspec.structs.replace(
                settings,
                upsert_floor=file.upsert_floor,
                backfill_floor=file.backfill_floor,
                upsert_share=file.upsert_share,
                backfill_share=file.backfill_share,
            )
        return tuple(_with_settings(tier, settings) for tier in DEFAULT_TIERS)

    def worker_settings(self, base_url: str, database_url: Secret, spool: str, host_id: str = "") -> WorkerSettings:
        """The settings of the workers, now that server and database are there.

        `spool` is the name of the spool, `host_id` that of the state directory among those of all hosts.
        """
        as_set: dict[str, Any] = {name: getattr(self.settings, name) for name in JobSettings.__struct_fields__}
        return WorkerSettings(
            **as_set,
            api_key=self.api_key,
            base_url=base_url,
            database_url=database_url,
            ledger_path=str(self.ledger_path),
            spool_dir=str(self.state.spool(spool)),
            selections=self.settings.loaded_selections,
            sources=self.settings.loaded_sources,
            watch_lists=self.settings.loaded_lists,
            host_name=self.settings.host_name,
            host_id=host_id,
            is_alone=self.database is not None,
            key_name=self.key,
            keys=tuple(self._key_settings(number, key) for number, key in enumerate(self.settings.loaded_keys)),
        )

    def _key_settings(self, number: int, key: KeyFile) -> KeySettings:
        """The settings of one key; lists of products are kept fresh with the first."""
        return KeySettings(
            name=key.name,
            api_key=key.api_key,
            ledger_path=str(self.state.ledger_of(key.name)),
            pool=key.pool,
            selections=key.selections,
            sources=key.sources,
            watch_lists=() if number else self.settings.loaded_lists,
        )

    def describe(self) -> str:
        """A sentence on the server and the database, for a person to read before anything happens."""
        into = "DATABASE_URL" if self.database is None else f"the database `{self.database}`"
        match self.server:
            case Server.KEEPA:
                return f"running against {self.base_url}; rows go to {into}"
            case Server.OTHER:
                return (
                    f"no KEEPA_API_KEY: running against {self.base_url} with a made-up key; "
                    f"the data counts as synthetic and goes to {into}"
                )
            case Server.SIMULATOR:
                rate, tick_s = self.settings.simulator_rate, self.settings.simulator_tick_s
                return (
                    f"no KEEPA_API_KEY: running against the built-in simulator on a quick plan, {rate} tokens every "
                    f"{tick_s:g} s and at most {CAPACITY_TICKS * rate}, so that gates open and close while you watch; "
                    f"the data is synthetic and goes to {into}"
                )


def make_run_plan(settings: Settings, *, synthetic_into_database: bool = False) -> RunPlan:
    """Derive the run from its settings.

    Raises:
        ConfigError: synthetic data would go into a database that the user named.
    """
    server = Server.KEEPA if settings.keepa_api_key else Server.SIMULATOR
    if server is Server.SIMULATOR and settings.keepa_base_url:
        server = Server.OTHER
    synthetic = server is not Server.KEEPA
    if synthetic and settings.database_url and not synthetic_into_database:
        raise ConfigError(conflicts.SYNTHETIC)
    base_url = None if server is Server.SIMULATOR else (settings.keepa_base_url or KEEPA).rstrip("/")
    embedded = SYNTHETIC_DATABASE if synthetic else LIVE_DATABASE
    return RunPlan(
        settings=settings,
        state=StateDir(settings.state_dir.expanduser().absolute()),
        server=server,
        base_url=base_url,
        database=None if settings.database_url else embedded,
        key=settings.loaded_keys[0].name if settings.loaded_keys else DEFAULT_KEY,
    )


def _with_settings(tier: Tier, settings: Settings) -> Tier:
    if tier.name == UPSERT:
        floor, share = settings.upsert_floor, settings.upsert_share
        tokens, hours = settings.upsert_tokens_per_day, settings.upsert_hours
    elif tier.name == BACKFILL:
        floor, share = settings.backfill_floor, settings.backfill_share
        tokens, hours = settings.backfill_tokens_per_day, settings.backfill_hours
    else:
        return replace(tier, tokens_per_day=settings.interactive_tokens_per_day)
    floor_ticks = tier.floor_ticks if floor == tier.floor else 0.0
    return replace(
        tier, floor=floor, share=share, floor_ticks=floor_ticks, tokens_per_day=tokens, hours=hours_of(hours)
    )


def hours_of(text: str | None) -> Hours | None:
    """The hours that a setting says, None when it is unset."""
    return None if text is None else Hours.parse(text)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH]
