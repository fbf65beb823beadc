"""Every setting there is, once: `--help`, `.env.example` and the loader are made from this table. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from supervisor.config.option_kinds import (
    Address,
    Choice,
    DayHours,
    Details,
    Domains,
    Hosts,
    HttpUrl,
    Number,
    Span,
    Text,
)
from tasks.roles import BACKFILL, UPSERT

if TYPE_CHECKING:
    from tasks.roles import Role


class Option(NamedTuple):
    """One setting.

    Attributes:
        default: what an unset or empty variable means, as a person would write it.
        replaces: the roles whose workers are replaced when the setting changes while a supervisor runs; None when the
            change needs a new start of the supervisor.
        has_off: whether a variable that is there but empty switches the thing off instead of meaning the default.
    """

    name: str
    kind: Number | Choice | Details | Domains | Hosts | Span | Text | HttpUrl | Address | DayHours
    default: str
    replaces: frozenset[Role] | None
    help: str
    is_secret: bool = False
    has_off: bool = False

    @property
    def field(self) -> str:
        """Its name in `Settings`."""
        return self.name.lower()


_COUNT: Final = Number(low=0, high=16, whole=True)
_TOKENS: Final = Number(low=0, high=1_000_000, whole=True)
_DAY_TOKENS: Final = Number(low=0, high=100_000_000, whole=True)
_SHARE: Final = Number(low=0, high=1)
_SECONDS: Final = Number(low=0.1, high=600)
_PERIOD: Final = Number(low=0.05, high=3600)
_DAYS: Final = Number(low=0, high=36_500, whole=True)
_HTTP: Final = HttpUrl()
_POSTGRES: Final = Text(
    expected="a URL that begins with postgresql:// or postgres://", starts=("postgresql://", "postgres://")
)

# What a change needs. `_NOBODY`: only the supervisor or the ledger uses the setting, and takes the new value at once.
_NOBODY: Final[frozenset[Role]] = frozenset()
_UPSERT: Final[frozenset[Role]] = frozenset({UPSERT})
_BACKFILL: Final[frozenset[Role]] = frozenset({BACKFILL})
_WORKERS: Final = _UPSERT | _BACKFILL
_NEW_START: Final = None

# Two lines for each setting: its kind, its default and what a change needs; then its meaning, for a person.
GROUPS: Final[dict[str, tuple[Option, ...]]] = {
    "Keepa API": (
        Option("KEEPA_API_KEY", Text(), "", _NEW_START,
               "your Keepa API key; without it and KEEPA_BASE_URL, the built-in simulator is used", is_secret=True),
        Option("KEYS", Text(), "", _NEW_START,
               "folder with a file NAME.env for each of several keys; each has a KEEPA_API_KEY, and .env has none"),
        Option("KEEPA_BASE_URL", _HTTP, "", _NEW_START,
               "another server that speaks the Keepa API; if unset, https://api.keepa.com"),
        Option("CONNECT_TIMEOUT_S", _SECONDS, "30", _WORKERS,
               "seconds that a connection to the API may take"),
        Option("READ_TIMEOUT_S", _SECONDS, "120", _WORKERS,
               "seconds that the API may be silent; a call may take twice this and CONNECT_TIMEOUT_S in all"),
        # A hundred products with their whole histories are 12 MB, and nothing else comes near.
        Option("MAX_BODY_MB", Number(low=1, high=4096, whole=True), "256", _WORKERS,
               "largest reply that is accepted, in megabytes, before and after unpacking"),
        Option("RETRY_DEADLINE_S", Number(low=0, high=3600), "300", _WORKERS,
               "seconds that a worker may keep the products it claimed, in addition to the longest call"),
        Option("TICK_PERIOD_S", _PERIOD, "60.2", _NEW_START,
               "seconds between two refills of tokens, used until replies show the true value"),
    ),
    "What to fetch": (
        Option("KEEPA_DOMAINS", Domains(), "1", _WORKERS,
               "Amazon locales of the selections that name none, such as 1 (amazon.com) or 3 (amazon.de)"),
        Option("SELECTIONS", Text(), "", _WORKERS,
               "folder of selections (*.json), or such files separated by commas; if unset, a built-in selection"),
        Option("WATCH", Text(), "", _WORKERS,
               "lists of ASINs to keep fresh: a folder (*.txt, *.csv), files, or table:NAME, separated by commas"),
        Option("WATCH_REFRESH", Span(), "24h", _WORKERS,
               "how old a product of a list may become, such as 90m, 24h or 7d, where the list does not say"),
        Option("WATCH_DETAIL", Details(), "history", _WORKERS,
               "what is fetched for a product of a list, where the list does not say"),
        Option("UPSERT_DETAIL", Details(has_none=True), "stats", _UPSERT,
               "what upsert fetches at least for a new deal; the history too where backfill would fetch it, free"),
        Option("BACKFILL_DETAIL", Details(), "history", _BACKFILL,
               "what backfill fetches for a product"),
        Option("POLL_INTERVAL_S", Number(low=1, high=86_400), "", _UPSERT,
               "seconds between two looks for new deals; if unset, they cost at most a fifth of the refill"),
        Option("MAX_ATTEMPTS", Number(low=1, high=100, whole=True), "5", _WORKERS,
               "attempts to fetch a product before it is quarantined"),
        Option("HISTORY_MAX_AGE_D", Number(low=0, high=3650), "30", _BACKFILL,
               "days after which the history of a product that is still a deal is fetched again; 0: never"),
    ),
    "Where it goes": (
        Option("DATABASE_URL", _POSTGRES, "", _NEW_START,
               "the PostgreSQL database to write to; if unset, an embedded PostgreSQL in STATE_DIR", is_secret=True),
        Option("LEDGER", Choice(words=("file", "database")), "file", _NEW_START,
               "where the token ledger is; database: in DATABASE_URL, shared by all hosts that use the key"),
        Option("HOST_NAME", Text(), "", _NEW_START,
               "what this host is called among those that share a ledger; if unset, the machine's name"),
        Option("STATE_DIR", Text(), "var", _NEW_START,
               "folder for the ledger, unprocessed replies, the embedded PostgreSQL and the lock"),
        Option("POSTGRES_BIN_DIR", Text(), "", _NEW_START,
               "folder of the PostgreSQL programs (15 or newer) to use for the embedded one; if unset, its own"),
        Option("SPOOL_LIMIT_MB", Number(low=1, high=1_000_000, whole=True), "512", _WORKERS,
               "megabytes of unprocessed replies at which workers stop calling the API"),
    ),
    "How long it is kept": (
        Option("CALLS_KEEP_D", _DAYS, "400", _NOBODY,
               "days after which calls are deleted, by whole months; their sums by hour stay; 0: never"),
        Option("DEALS_KEEP_D", _DAYS, "0", _NOBODY,
               "days after which a deal that is not listed any more is deleted; 0: never"),
        Option("HISTORY_KEEP_D", _DAYS, "0", _NOBODY,
               "days after which a product that is no deal any more is deleted, with its histories; 0: never"),
        Option("QUEUE_KEEP_D", _DAYS, "0", _NOBODY,
               "days after which it is forgotten that a product that is no deal any more was fetched; 0: never"),
        Option("QUARANTINE_KEEP_D", _DAYS, "0", _NOBODY,
               "days after which what could not be used, and did not come again, is deleted; 0: never"),
    ),
    "Workers and tokens": (
        Option("UPSERT_WORKERS", _COUNT, "1", _NOBODY,
               "number of workers that keep deals up to date"),
        Option("BACKFILL_WORKERS", _COUNT, "1", _NOBODY,
               "number of workers that load price histories"),
        Option("UPSERT_FLOOR", _TOKENS, "50", _NOBODY,
               "tokens that upsert leaves unspent; at most 1/6 of the capacity; if unset, at least one refill"),
        Option("BACKFILL_FLOOR", _TOKENS, "150", _NOBODY,
               "tokens that backfill leaves unspent; at most 1/2 of the capacity; if unset, at least three refills"),
        Option("UPSERT_SHARE", _SHARE, "0.5", _NOBODY,
               "part of the refill that upsert is guaranteed while it waits"),
        Option("BACKFILL_SHARE", _SHARE, "0.2", _NOBODY,
               "part of the refill that backfill is guaranteed while it waits"),
        Option("INTERACTIVE_TOKENS_PER_DAY", _DAY_TOKENS, "0", _NOBODY,
               "tokens that a person's own look-ups may spend on a day of UTC; 0: no limit"),
        Option("UPSERT_TOKENS_PER_DAY", _DAY_TOKENS, "0", _NOBODY,
               "tokens that upsert may spend on a day of UTC; 0: no limit"),
        Option("BACKFILL_TOKENS_PER_DAY", _DAY_TOKENS, "0", _NOBODY,
               "tokens that backfill may spend on a day of UTC; 0: no limit"),
        Option("UPSERT_HOURS", DayHours(), "", _NOBODY,
               "hours of the day (UTC) in which upsert may spend, such as 22-06; if unset, always"),
        Option("BACKFILL_HOURS", DayHours(), "", _NOBODY,
               "hours of the day (UTC) in which backfill may spend, such as 22-06; if unset, always"),
        Option("READY_S", _SECONDS, "15", _NOBODY,
               "seconds that a new worker may take until it is ready"),
        Option("HANG_S", Number(low=1, high=86_400), "120", _NOBODY,
               "seconds without progress, beyond any wait a worker announced, after which it counts as hung"),
        Option("STOP_S", _SECONDS, "30", _NOBODY,
               "seconds that a stop may take before workers are killed"),
        Option("MAX_AGE_H", Number(low=0, high=8_760), "24", _NOBODY,
               "hours after which a worker is replaced, up to 10 % later; 0: never"),
        Option("MAX_RSS_MB", Number(low=0, high=1_000_000, whole=True), "512", _NOBODY,
               "megabytes of memory above which a worker is replaced; 0: no limit"),
    ),
    "Output": (
        Option("LOG_LEVEL", Choice(words=("debug", "info", "warning", "error")), "info", _WORKERS,
               "lowest level of messages that are logged"),
        Option("LOG_FORMAT", Choice(words=("auto", "console", "json")), "auto", _NEW_START,
               "format of the log; auto: console in a terminal, json elsewhere"),
        Option("RULES", Text(), "", _NOBODY,
               "folder of rules (*.toml) that say what people are told, and of targets.toml, which says where"),
        Option("METRICS_PORT", Number(low=0, high=65_535, whole=True), "9464", _NEW_START,
               "port for metrics and health; 0: any free port; set but empty: no port", has_off=True),
        Option("METRICS_HOST", Address(), "127.0.0.1", _NEW_START,
               "IP address that the port for metrics listens on; 0.0.0.0 or :: for all of the machine's"),
        Option("WEB_HOSTS", Hosts(), "", _NEW_START,
               "host names that requests to METRICS_PORT and WEB_PORT may carry, besides localhost and IP addresses"),
        Option("WEB_PORT", Number(low=0, high=65_535, whole=True), "9465", _NEW_START,
               "port of the page; 0: any free port; set but empty: no page", has_off=True),
        Option("WEB_ADDRESS", Address(), "127.0.0.1", _NEW_START,
               "IP address that the page listens on; another than this machine's own lets others reach it"),
        Option("WEB_CONTROL", Choice(words=("on", "off")), "on", _NOBODY,
               "whether the page takes orders; off: it only shows"),
    ),
    "Built-in simulator, for a start without KEEPA_API_KEY and KEEPA_BASE_URL": (
        Option("SIMULATOR_RATE", Number(low=1, high=100_000, whole=True), "20", _NEW_START,
               "tokens that each refill adds"),
        Option("SIMULATOR_TICK_S", _PERIOD, "3", _NEW_START,
               "seconds between two refills"),
        Option("SIMULATOR_START_BALANCE", Number(low=-100_000, high=6_000_000, whole=True), "60", _NEW_START,
               "tokens in the bucket at the start"),
        Option("SIMULATOR_SEED", Number(low=0, high=2_147_483_647, whole=True), "1", _NEW_START,
               "number that the synthetic market is made from; the same number gives the same market"),
        Option("SIMULATOR_DEALS", Number(low=1, high=50_000, whole=True), "4000", _NEW_START,
               "about how many deals the synthetic market has; of more than 10000 not all can be listed"),
    ),
}  # fmt: skip
OPTIONS: Final = tuple(option for group in GROUPS.values() for option in group)
BY_NAME: Final = {option.name: option for option in OPTIONS}
