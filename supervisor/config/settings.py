"""Makes of the environment and `.env` frozen `Settings`, or a complete list of faults.

The environment wins over `.env`; an empty value means unset, or off where a setting has that. A secret is named in a
message, never shown.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from supervisor.config import api_key_check, conflicts, similar_names
from supervisor.config.blame import Faults
from supervisor.config.environment import environment
from supervisor.config.files import key_files, rule_files, selection_files, watch_files
from supervisor.config.option_kinds import HttpUrl, Text, UnusableValue
from supervisor.config.options import BY_NAME, OPTIONS
from supervisor.config.setting_texts import DOTENV, Texts, from_file, look_up, read_texts
from tasks import pipe_codec
from tasks.errors import ConfigError, in_whole_characters, plain
from tasks.rule_settings import RuleSettings, TargetSettings
from tasks.secret import Secret
from tasks.settings import JobSettings, SelectionSettings, SourceSettings, WatchListSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from supervisor.config.options import Option

BY_ORDER: Final = "the order"  # the source of a setting that an order gave
_LONGEST: Final = 32 * 1024  # characters of a setting; a list of many selection files takes a few thousand
_SHOWN: Final = 60  # characters of a wrong value that a message repeats
_LISTED_BY: Final = ("selections", "keepa_domains", "keys")
_MADE_OF: Final = {
    "loaded_selections": _LISTED_BY,
    "loaded_sources": _LISTED_BY,
    "loaded_lists": ("watch", "keepa_domains", "watch_refresh", "watch_detail"),
    "loaded_keys": ("keys",),
    "keepa_api_key": ("keys", "loaded_keys"),  # of several keys it is the first
    "loaded_rules": ("rules",),
    "loaded_targets": ("rules",),
}


class UnusableSettings(ConfigError):
    """The settings cannot be used; `faults` has a sentence for each fault."""

    def __init__(self, faults: list[str]) -> None:
        faults = list(map(in_whole_characters, faults))
        head = "the configuration has a fault:" if len(faults) == 1 else f"the configuration has {len(faults)} faults:"
        super().__init__("\n".join([head, *(f"  - {fault}" for fault in faults)]))
        self.faults = tuple(faults)


class Settings(JobSettings, frozen=True, kw_only=True):
    """Every setting, checked. Fields are the names in `supervisor.config.options` in lower case.

    Those that a worker needs as well are in `JobSettings`.

    Attributes:
        host_name: what this host is called; the machine's own name unless another was set.
        loaded_selections: the selections themselves, read and validated.
        loaded_sources, loaded_lists: what else lists products, and the lists that are kept fresh; validated.
        loaded_rules, loaded_targets: what people are told and where; validated.
        loaded_keys: the keys in the folder KEYS, by name; `keepa_api_key` is the first of them then, and selections
            and sources are those of all.
        sources: where each setting came from: `environment`, `.env`, `default` or `BY_ORDER`.
        unknown: names in `.env` that are not settings.
        notes: what is not a fault but may be a mistake, each a sentence.
    """

    keepa_api_key: Secret
    keys: str
    keepa_base_url: str
    tick_period_s: float
    selections: str
    watch: str
    watch_refresh: float
    watch_detail: str
    database_url: Secret
    ledger: Literal["file", "database"]
    host_name: str
    postgres_bin_dir: str
    state_dir: Path
    calls_keep_d: int
    deals_keep_d: int
    history_keep_d: int
    queue_keep_d: int
    quarantine_keep_d: int
    upsert_workers: int
    backfill_workers: int
    upsert_floor: int
    backfill_floor: int
    upsert_share: float
    backfill_share: float
    interactive_tokens_per_day: int
    upsert_tokens_per_day: int
    backfill_tokens_per_day: int
    upsert_hours: str | None
    backfill_hours: str | None
    ready_s: float
    hang_s: float
    stop_s: float
    max_age_h: float
    max_rss_mb: int
    log_format: Literal["auto", "console", "json"]
    rules: str
    metrics_port: int | None
    metrics_host: str
    web_hosts: tuple[str, ...] | None
    web_port: int | None
    web_address: str
    web_control: Literal["on", "off"]
    simulator_rate: int
    simulator_tick_s: float
    simulator_start_balance: int
    simulator_seed: int
    simulator_deals: int
    loaded_selections: tuple[SelectionSettings, ...]
    loaded_sources: tuple[SourceSettings, ...]
    loaded_lists: tuple[WatchListSettings, ...]
    loaded_rules: tuple[RuleSettings, ...]
    loaded_targets: tuple[TargetSettings, ...]
    loaded_keys: tuple[key_files.KeyFile, ...]
    sources: dict[str, str]
    unknown: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def secrets() -> dict[str, str]:
    """Every secret that is set, by name, whether or not the settings as a whole can be used."""
    in_file = from_file(DOTENV, []).values
    found = {option.name: look_up(option, environment(), in_file)[0] for option in OPTIONS if option.is_secret}
    found |= {
        f"KEYS {name}": text for name, text in key_files.texts(look_up(BY_NAME["KEYS"], environment(), in_file)[0])
    }
    return {name: text for name, text in found.items() if text}


def load_settings(environ: Mapping[str, str], *, dotenv: Path | None = DOTENV) -> Settings:
    """The settings in `environ` and the file `dotenv`.

    Raises:
        ConfigError: something in them cannot be used. The message lists every fault.
    """
    return check_texts(read_texts(environ, dotenv=dotenv))


def check_texts(texts: Texts, *, synthetic_into_database: bool = True) -> Settings:
    """The settings that `texts` make.

    With `synthetic_into_database`, those of a run without a key may name a database.

    Raises:
        ConfigError: something in them cannot be used. The message lists every fault.
    """
    checked = check(texts, synthetic_into_database=synthetic_into_database)
    if checked.faults.words:
        raise UnusableSettings(checked.faults.words)
    return msgspec.convert(checked.values, Settings, dec_hook=wrap)


@dataclass(frozen=True, slots=True)
class Checked:
    """The values of all fields of `Settings`, None or nothing for those that cannot be used, and what is wrong."""

    values: dict[str, Any] = field(repr=False)
    faults: Faults


def check(texts: Texts, *, synthetic_into_database: bool = True) -> Checked:
    """What `texts` say, and every fault of it: those of `.env` as its lines stand, then those of the environment."""
    faults, notes = Faults(), list(texts.notes)
    for words in texts.faults:
        faults.add(words)
    for name, meant in texts.misspelt.items():
        faults.bear(similar_names.fault(name, meant), BY_NAME[meant].field)
    faults.unusable.update(name.lower() for name in texts.unread)
    values: dict[str, Any] = {}
    for option in OPTIONS:
        with faults.of(option.field) as told:
            values[option.field] = _value(option, *texts.found[option.name], told)
    for words, fields in conflicts.of(values) + ([] if synthetic_into_database else conflicts.synthetic(values)):
        if faults.unusable.isdisjoint(fields):  # what is wrong by itself may fit when it is right
            faults.add(words, *fields)
    _check_key(values, texts, faults, notes)
    with faults.of("loaded_selections", "loaded_sources") as told:
        where, values["loaded_sources"] = str(values["selections"] or ""), list[SourceSettings]()
        found = selection_files.read(where, values["keepa_domains"], told, notes, values["loaded_sources"])
        values["loaded_selections"] = found
    with faults.of("loaded_lists") as told:
        values["loaded_lists"] = watch_files.of_settings(values, told, notes)
    key_files.take(values, faults, notes)
    values["host_name"] = values["host_name"] or in_whole_characters(socket.gethostname())
    with faults.of("loaded_rules", "loaded_targets") as told:
        values["loaded_rules"], values["loaded_targets"] = rule_files.read(str(values["rules"] or ""), told, notes)
    _find_unsendable(values, faults)
    for made, causes in _MADE_OF.items():
        faults.spread(made, *causes)
    places = texts.places()
    faults.sort({made: places[causes[0]] for made, causes in _MADE_OF.items()} | places)
    sources = {name: source for name, (_, source) in texts.found.items()}
    return Checked(
        {**values, "sources": sources, "unknown": texts.unknown, "notes": tuple(map(in_whole_characters, notes))},
        faults,
    )


def _check_key(values: Mapping[str, Any], texts: Texts, faults: Faults, notes: list[str]) -> None:
    key, base_url = values["keepa_api_key"], values["keepa_base_url"]
    if key:
        named = f"KEEPA_API_KEY (from {texts.found['KEEPA_API_KEY'][1]})"
        with faults.of("keepa_api_key") as told:
            api_key_check.check(key, base_url, named, told, notes)


def _find_unsendable(values: Mapping[str, Any], faults: Faults) -> None:
    """Add what of the files no process could be told: a start or a reload with it would come to nothing."""
    for made, causes in _MADE_OF.items():
        for one in () if made == "keepa_api_key" else values[made]:
            if (why := pipe_codec.why_not(one)) is not None:
                faults.add(f"{causes[0].upper()}: {one.name}: {why}", made)


def state_dir(environ: Mapping[str, str], *, dotenv: Path | None = DOTENV) -> Path:
    """The state directory, also when other settings have faults.

    Raises:
        ConfigError: STATE_DIR has a fault, or the file that may set it cannot be read. The message lists every fault.
    """
    texts = read_texts(environ, dotenv=dotenv)
    option = BY_NAME["STATE_DIR"]
    text, source = texts.found[option.name]
    faults = list(texts.faults) if option.name in texts.unread else []  # the faulty line may be that of STATE_DIR
    found = _value(option, text, source, faults)
    if faults:
        raise UnusableSettings(check(texts).faults.words)  # all there are, as every other command tells them
    return Path(str(found)).absolute()


def _value(option: Option, text: str, source: str, faults: list[str]) -> object:
    """The value, or None when it is unset or wrong; what is wrong is added to `faults`."""
    if not text:
        return "" if isinstance(option.kind, Text | HttpUrl) else None
    named = option.name if source == BY_ORDER else f"{option.name} (from {source})"
    try:
        _check_text(text)
        found = option.kind.parse(text)
        return str(Path(str(found)).expanduser()) if option.name == "STATE_DIR" else found
    except UnusableValue as error:
        faults.append(f"{named} cannot be used: {plain(error)}")
    except RuntimeError:
        faults.append(f"{named} cannot be used: no user has that home folder; write the whole path")
    except ValueError:
        is_hidden = option.is_secret or isinstance(option.kind, HttpUrl)
        shown = "its value" if is_hidden else repr(text[:_SHOWN])
        faults.append(f"{named}: {shown} cannot be used; expected {option.kind.expected}")
    return None


def _check_text(text: str) -> None:
    """Check what holds for every setting.

    Raises:
        UnusableValue: the text has something in it that no setting may have.
    """
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise UnusableValue("it contains bytes that are not UTF-8; write it in UTF-8")
    if any(ord(char) < ord(" ") or char == "\x7f" for char in text):
        raise UnusableValue("it contains a control character; remove that")
    if len(text) > _LONGEST:
        raise UnusableValue(f"it is longer than {_LONGEST} characters; shorten it")


def wrap(kind: type[Any], value: object) -> object:
    """The value as the type that a field has, where that is none of JSON's.

    Raises:
        TypeError: no field is of that type.
    """
    if kind is Secret:
        return value if isinstance(value, Secret) else Secret(str(value))
    if kind is Path:
        return Path(str(value))
    raise TypeError(f"a setting cannot be of type {kind.__name__}")
