"""Every setting there is, once: `--help`, `.env.example` and the loader are made from this table. Pure."""

from __future__ import annotations

from typing import Final, NamedTuple

from supervisor.config.option_kinds import Choice, Domains, Hosts, HttpUrl, Number, Text


class Option(NamedTuple):
    """One setting. `default` is what an unset or empty variable means, as a person would write it.

    With `has_off` a variable that is there but empty switches the thing off instead.
    """

    name: str
    kind: Number | Choice | Domains | Hosts | Text | HttpUrl
    default: str
    help: str
    is_secret: bool = False
    has_off: bool = False

    @property
    def field(self) -> str:
        """Its name in `Settings`."""
        return self.name.lower()


_COUNT: Final = Number(low=0, high=16, whole=True)
_TOKENS: Final = Number(low=0, high=1_000_000, whole=True)
_SHARE: Final = Number(low=0, high=1)
_SECONDS: Final = Number(low=0.1, high=600)
_PERIOD: Final = Number(low=0.05, high=3600)
_HTTP: Final = HttpUrl()
_POSTGRES: Final = Text(
    expected="a URL that begins with postgresql:// or postgres://", starts=("postgresql://", "postgres://")
)

GROUPS: Final[dict[str, tuple[Option, ...]]] = {
    "Keepa API": (
        Option("KEEPA_API_KEY", Text(), "", "the API key; without one a simulator serves", is_secret=True),
        Option("KEEPA_BASE_URL", _HTTP, "", "another server that speaks the API; empty: https://api.keepa.com"),
        Option("CONNECT_TIMEOUT_S", _SECONDS, "30", "seconds to wait for a connection"),
        Option("READ_TIMEOUT_S", _SECONDS, "120", "seconds of silence; twice these and the above end a call"),
        Option("MAX_BODY_MB", Number(low=1, high=4096, whole=True), "256", "megabytes of a reply, unpacked, at most"),
        Option(
            "RETRY_DEADLINE_S", Number(low=0, high=3600), "300", "seconds a worker keeps what it took beyond its call"
        ),
        Option("TICK_PERIOD_S", _PERIOD, "60.2", "seconds between refills, until the replies tell it"),
    ),
    "What to fetch": (
        Option("KEEPA_DOMAINS", Domains(), "1", "locales of selections that name none: 1 com, 2 co.uk, 3 de"),
        Option("SELECTIONS", Text(), "", "a folder of *.json files, or files separated by commas; empty: built in"),
        Option("UPSERT_DETAIL", Choice(words=("none", "stats", "offers")), "stats", "what to fetch of a new deal"),
        Option("BACKFILL_DETAIL", Choice(words=("stats", "history", "offers")), "history", "what backfill fetches"),
        Option("POLL_INTERVAL_S", Number(low=1, high=86_400), "", "seconds between listings; empty: from the refill"),
        Option("MAX_ATTEMPTS", Number(low=1, high=100, whole=True), "5", "tries of a product before quarantine"),
        Option(
            "HISTORY_MAX_AGE_D", Number(low=0, high=3650), "30", "days until a deal's history is refetched; 0: never"
        ),
    ),
    "Where it goes": (
        Option("DATABASE_URL", _POSTGRES, "", "the database; empty: an own PostgreSQL in STATE_DIR", is_secret=True),
        Option("STATE_DIR", Text(), "var", "folder of the ledger, the spool, the own PostgreSQL and the lock"),
        Option("SPOOL_LIMIT_MB", Number(low=1, high=1_000_000, whole=True), "512", "unread replies that pause calls"),
    ),
    "Workers and tokens": (
        Option("UPSERT_WORKERS", _COUNT, "1", "workers that keep deals fresh"),
        Option("BACKFILL_WORKERS", _COUNT, "1", "workers that load history"),
        Option(
            "UPSERT_FLOOR",
            _TOKENS,
            "50",
            "tokens upsert leaves; at most capacity/6, unset at least 1 refill",
        ),
        Option(
            "BACKFILL_FLOOR",
            _TOKENS,
            "150",
            "tokens backfill leaves; at most capacity/2, unset at least 3 refills",
        ),
        Option("UPSERT_SHARE", _SHARE, "0.5", "part of the refill upsert is guaranteed while it waits"),
        Option("BACKFILL_SHARE", _SHARE, "0.2", "part of the refill backfill is guaranteed while it waits"),
        Option("READY_S", _SECONDS, "15", "seconds a worker has to become ready"),
        Option("HANG_S", Number(low=1, high=86_400), "120", "seconds of silence past any promised wait"),
        Option("STOP_S", _SECONDS, "30", "seconds a stop may take before workers are killed"),
        Option(
            "MAX_AGE_H", Number(low=0, high=8_760), "24", "hours until a worker is replaced, up to 10 % more; 0: never"
        ),
        Option("MAX_RSS_MB", Number(low=0, high=1_000_000, whole=True), "512", "memory that gets one replaced; 0: any"),
    ),
    "Output": (
        Option("LOG_LEVEL", Choice(words=("debug", "info", "warning", "error")), "info", "the least that is written"),
        Option("LOG_FORMAT", Choice(words=("auto", "console", "json")), "auto", "auto: console in a terminal"),
        Option(
            "METRICS_PORT",
            Number(low=0, high=65_535, whole=True),
            "9464",
            "port of /metrics and health on 127.0.0.1; 0: any; set but empty: none",
            has_off=True,
        ),
        Option("WEB_HOSTS", Hosts(), "", "names METRICS_PORT may be asked by besides localhost and addresses"),
    ),
    "Built-in simulator, for a start without KEEPA_API_KEY and KEEPA_BASE_URL": (
        Option("SIMULATOR_RATE", Number(low=1, high=100_000, whole=True), "20", "tokens a refill adds"),
        Option("SIMULATOR_TICK_S", _PERIOD, "3", "seconds between refills"),
        Option("SIMULATOR_START_BALANCE", Number(low=-100_000, high=6_000_000, whole=True), "60", "tokens at first"),
        Option("SIMULATOR_SEED", Number(low=0, high=2_147_483_647, whole=True), "1", "which synthetic market"),
    ),
}
OPTIONS: Final = tuple(option for group in GROUPS.values() for option in group)
