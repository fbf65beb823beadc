"""What this run is: against which server, into which database, with which budget. Pure.

Without an API key everything is synthetic, and synthetic rows never go where real ones are: they have a database of
their own, and one that the user named is refused unless that was asked for. The floors that were set are reckoned
here too: what they come to depends on the plan that the account has.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from ledger import DEFAULT_TIERS
from supervisor.config.state_dir import StateDir
from tasks.errors import ConfigError
from tasks.roles import BACKFILL, UPSERT
from tasks.settings import JobSettings, Secret, WorkerSettings

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ledger import Tier
    from supervisor.config.settings import Settings

KEEPA: Final = "https://api.keepa.com"
LIVE_DATABASE: Final = "sluicegate"
SYNTHETIC_DATABASE: Final = "simulated"
SYNTHETIC_KEY: Final = "made-up-key"  # no word of a message: it is blotted out of every line
CAPACITY_TICKS: Final = 60  # a bucket keeps what sixty refills bring, by Keepa's own documentation
_HASH: Final = 16


class Server(Enum):
    """Who answers the calls."""

    KEEPA = "keepa"
    """The real API, or what the user put in its place, with a key."""
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
    """

    settings: Settings
    state: StateDir
    server: Server
    base_url: str | None
    database: str | None

    @property
    def is_synthetic(self) -> bool:
        """Whether the data is made up."""
        return self.server is not Server.KEEPA

    @property
    def api_key(self) -> Secret:
        """The key to call with."""
        return Secret(SYNTHETIC_KEY) if self.is_synthetic else self.settings.keepa_api_key

    @property
    def tick_period_s(self) -> float:
        """Seconds between two refills, until replies tell it better."""
        built_in = self.server is Server.SIMULATOR
        return self.settings.simulator_tick_s if built_in else self.settings.tick_period_s

    def account(self, run: str) -> str:
        """Which bucket the ledger is for. Each run of the built-in simulator has a new one, `run` tells which."""
        if self.server is Server.SIMULATOR:
            return _hash(f"simulator {self.settings.simulator_seed} {run}")
        return _hash(f"{self.base_url} {self.api_key.reveal()}")

    def tiers(self) -> tuple[Tier, ...]:
        """The tiers of the ledger, as the settings say. A floor that was set does not grow with the plan."""
        chosen = {
            UPSERT: (self.settings.upsert_floor, self.settings.upsert_share),
            BACKFILL: (self.settings.backfill_floor, self.settings.backfill_share),
        }
        return tuple(_chosen(tier, *chosen[tier.name]) if tier.name in chosen else tier for tier in DEFAULT_TIERS)

    def worker_settings(self, base_url: str, database_url: Secret, spool: str) -> WorkerSettings:
        """The settings of the workers, now that server and database are there; `spool` is the name of the spool."""
        as_set: dict[str, Any] = {name: getattr(self.settings, name) for name in JobSettings.__struct_fields__}
        return WorkerSettings(
            **as_set,
            api_key=self.api_key,
            base_url=base_url,
            database_url=database_url,
            ledger_path=str(self.state.ledger),
            spool_dir=str(self.state.spool(spool)),
            selections=self.settings.chosen,
        )

    def words(self) -> str:
        """What a person should know before anything happens."""
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
    """The run these settings describe.

    Raises:
        ConfigError: synthetic data would go into a database the user named.
    """
    server = Server.KEEPA if settings.keepa_api_key else Server.SIMULATOR
    if server is Server.SIMULATOR and settings.keepa_base_url:
        server = Server.OTHER
    synthetic = server is not Server.KEEPA
    if synthetic and settings.database_url and not synthetic_into_database:
        raise ConfigError(
            "DATABASE_URL is set but KEEPA_API_KEY is not: synthetic rows would go into your database. "
            "Set KEEPA_API_KEY, unset DATABASE_URL to use an embedded database, "
            "or pass --synthetic-into-database if they shall go there"
        )
    base_url = None if server is Server.SIMULATOR else (settings.keepa_base_url or KEEPA).rstrip("/")
    own = SYNTHETIC_DATABASE if synthetic else LIVE_DATABASE
    return RunPlan(
        settings=settings,
        state=StateDir(settings.state_dir.expanduser().absolute()),
        server=server,
        base_url=base_url,
        database=None if settings.database_url else own,
    )


def _chosen(tier: Tier, floor: int, share: float) -> Tier:
    return replace(tier, floor=floor, share=share, floor_ticks=tier.floor_ticks if floor == tier.floor else 0.0)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH]


def on_plan(tiers: Iterable[Tier], rate: int) -> tuple[dict[str, int], str | None]:
    """Tokens each tier leaves at `rate` tokens a tick, if it has a floor; a sentence when one was set too high."""
    floors = {tier.name: tier.floor_on(rate) for tier in tiers if tier.floor}
    clipped = [f"{tier.name} {tier.floor}" for tier in tiers if tier.floor > tier.floor_on(rate)]
    if not clipped:
        return floors, None
    return floors, f"the plan is too small for the floors of {', '.join(clipped)}: those shown are used"


def too_high(tiers: Iterable[Tier], rate: int) -> list[str]:
    """A sentence for each floor that was set above what a plan of `rate` tokens a tick allows."""
    return [
        f"{tier.name.upper()}_FLOOR {tier.floor} is more than a plan of {rate} tokens a refill allows: "
        f"{tier.floor_on(rate)} is used"
        for tier in tiers
        if tier.floor > tier.floor_on(rate)
    ]


class PlanNews:
    """What there is to tell of the plan: once, and again when it changes."""

    def __init__(self, tiers: Sequence[Tier]) -> None:
        self._tiers = tiers
        self._refill = 0.0

    def of(self, refill: float) -> dict[str, object] | None:
        """The fields to tell of a plan of `refill` tokens a tick; None when they were the last that were told."""
        if refill == self._refill:
            return None
        self._refill = refill
        floors, clipped = on_plan(self._tiers, round(refill))
        return {"refill": refill, "floors": floors, "message": clipped}
