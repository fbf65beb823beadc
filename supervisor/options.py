"""Every setting there is, once: `--help`, `.env.example` and the loader are made from this table."""

from __future__ import annotations

import ipaddress
import math
import re
from dataclasses import dataclass
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from supervisor import webhost

# Keepa's numbers of the Amazon locales that have deals (domain 12 has products only, 7 is unused).
DEAL_DOMAINS: Final = (1, 2, 3, 4, 5, 6, 8, 9, 10, 11)

# What a person writes: no digits of other scripts and no `_` between them, which Python takes too.
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
_LONGEST: Final = 40  # characters of a number
_HOST: Final = re.compile(r"[A-Za-z0-9._~-]+", re.ASCII)


class Unfit(ValueError):
    """A value that cannot be used; the message says why, and shows nothing of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number within a range."""

    low: float
    high: float
    whole: bool = False

    @property
    def expected(self) -> str:
        """The rule in words."""
        kind = "a whole number" if self.whole else "a number"
        return f"{kind} from {self.low:.10g} to {self.high:.10g}"

    def parse(self, text: str) -> object:
        """The number.

        Raises:
            ValueError: it is none, or outside the range.
        """
        if len(text) > _LONGEST or not _NUMBER.fullmatch(text):
            raise ValueError(text)
        value = int(text) if self.whole else float(text)
        if not math.isfinite(value) or not self.low <= value <= self.high:
            raise ValueError(text)
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One of a few words, in any case."""

    words: tuple[str, ...]

    @property
    def expected(self) -> str:
        """The rule in words."""
        return "one of " + ", ".join(self.words)

    def parse(self, text: str) -> object:
        """The word in lower case.

        Raises:
            ValueError: it is none of them.
        """
        if text.lower() not in self.words:
            raise ValueError(text)
        return text.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Domains:
    """Numbers of Amazon locales, separated by commas."""

    @property
    def expected(self) -> str:
        """The rule in words."""
        return f"numbers separated by commas, each one of {', '.join(map(str, DEAL_DOMAINS))}"

    def parse(self, text: str) -> object:
        """The numbers in their order, each once.

        Raises:
            ValueError: one of them is no locale with deals.
        """
        parts = [part.strip() for part in text.split(",") if part.strip()]
        if any(len(part) > _LONGEST or not _NUMBER.fullmatch(part) for part in parts):
            raise ValueError(text)
        numbers = tuple(dict.fromkeys(map(int, parts)))
        if not numbers or not set(numbers) <= set(DEAL_DOMAINS):
            raise ValueError(text)
        return numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosts:
    """Names of hosts, separated by commas."""

    @property
    def expected(self) -> str:
        """The rule in words."""
        return "names of hosts separated by commas, without scheme and port"

    def parse(self, text: str) -> object:
        """The names.

        Raises:
            ValueError: one of them is none.
        """
        return tuple(sorted(webhost.names(text)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Any text; `starts` if it has to begin in a certain way."""

    expected: str = "text"
    starts: tuple[str, ...] = ()

    def parse(self, text: str) -> object:
        """The text itself.

        Raises:
            ValueError: it begins otherwise.
        """
        if self.starts and not text.startswith(self.starts):
            raise ValueError(text)
        return text


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpUrl:
    """The address of a server that speaks HTTP."""

    expected: str = "a URL that begins with http:// or https://"

    def parse(self, text: str) -> object:
        """The address itself.

        Raises:
            ValueError: it begins otherwise.
            Unfit: it is no address of a server, or has in it what is no part of one; it may be a secret.
        """
        if not text.lower().startswith(("http://", "https://")):
            raise ValueError(text)
        try:
            parts = urlsplit(text)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise Unfit("it is no address of a server; write it as in http://127.0.0.1:8080") from None
        if parts.username is not None or parts.password is not None:
            raise Unfit("there is a user or a password in it, which is not sent; take away what stands before @")
        if parts.query or parts.fragment or text.endswith(("?", "#")):
            raise Unfit("there is a ? or # in it; the paths of the API are added to it, so end it before that")
        if not text.isprintable() or any(char in text for char in ' \\"<>^`{|}') or port == 0 or not _is_host(host):
            raise Unfit("it is no address of a server; write it as in http://127.0.0.1:8080")
        return text


def _is_host(name: str) -> bool:
    if ":" in name:
        try:
            ipaddress.IPv6Address(name)
        except ValueError:
            return False
        return True
    try:
        ascii_name = name.encode("idna").decode()  # what the network is asked for
    except UnicodeError:
        return False
    return bool(_HOST.fullmatch(ascii_name))


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
        Option("SELECTIONS", Text(), "", "a folder of selection files, or files separated by commas; empty: built in"),
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


def help_text() -> str:
    """The settings as `--help` shows them."""
    lines = ["settings, from the environment or a file named .env (the environment wins, empty means unset):"]
    for group, options in GROUPS.items():
        lines += ["", f"  {group}"]
        for option in options:
            shown = f" [{option.default}]" if option.default else ""
            lines.append(f"    {option.name:<23} {option.help}{shown}")
    return "\n".join(lines)


def env_example() -> str:
    """The contents of `.env.example`: every setting at its default, commented out."""
    lines = [
        "# Settings of Sluicegate. Copy to .env and take away the # of what you set.",
        "# The environment wins over this file; an empty value means the default, but where it says so.",
    ]
    for group, options in GROUPS.items():
        lines += ["", f"## {group}"]
        for option in options:
            rule = "" if option.kind.expected == "text" else f" ({option.kind.expected})"
            lines += [f"# {option.help}{rule}", f"#{option.name}={option.default}"]
    return "\n".join(lines) + "\n"


def readme_table() -> str:
    """The settings as a table in Markdown."""
    lines = ["| setting | default | meaning | accepted |", "|---|---|---|---|"]
    for option in OPTIONS:
        default = f"`{option.default}`" if option.default else "unset"
        lines.append(f"| `{option.name}` | {default} | {option.help} | {option.kind.expected} |")
    return "\n".join(lines) + "\n"
