"""`init`: asks for the key, says what it allows, and writes it into `.env`, which only its owner may read."""

from __future__ import annotations

import getpass
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ledger import CAPACITY_TICKS
from ledger.atomic_file import replace_file
from supervisor.cli.setup import env_lines, user_unit
from supervisor.config import lowered_floors
from supervisor.config.environment import environment
from supervisor.config.files import env_file, user_file
from supervisor.config.run_plan import make_run_plan
from supervisor.config.setting_texts import DOTENV, read_texts
from supervisor.config.settings import check_texts
from tasks.errors import EXIT_OK, ConfigError
from tasks.keepa.client import KeepaClient

if TYPE_CHECKING:
    import argparse

    from supervisor.config.run_plan import RunPlan

_KEY: Final = "KEEPA_API_KEY"
_PATIENCE_S: Final = 10.0  # a person waits, and the server answers this call at once
_ASKED: Final = "Keepa API key (it is not shown; Enter alone for made-up data of the built-in simulator): "
_TYPED: Final = "what was typed"
_YES: Final = ("y", "yes")


def run(chosen: argparse.Namespace) -> int:
    """Write the key and say how to go on; the exit code.

    Raises:
        ConfigError: the key has not the form of one, `.env` cannot be read or written, or a setting cannot be used.
        Forbidden: the server refuses the key. Nothing was written.
        ApiError: the server does not answer. Nothing was written.
    """
    before, found = _before(DOTENV), read_texts(environment()).found
    key = _asked_key()
    lines = []
    if key:
        lines += _checked(_plan_with(key))
        _write(DOTENV, env_lines.with_value(before, _KEY, key))
        lines.append(f"the key is in {DOTENV.resolve()}, which only you may read")
    elif found["KEYS"][0]:
        lines.append(f"the keys in the folder KEYS ({found['KEYS'][0]}) stay")
    elif found[_KEY][0]:
        lines.append("the key that is set stays")
    else:
        lines.append("no key: `sluicegate run` works on made-up data, and `sluicegate init` takes a key at any time")
    if chosen.unit or _wants_unit():
        lines += _install_unit()
    sys.stdout.write("".join(f"{line}\n" for line in [*lines, "start it with `sluicegate run`"]))
    return EXIT_OK


def _before(path: Path) -> str:
    if not path.exists():
        return ""
    text = user_file.read(path).decode(errors="surrogateescape")
    faults = env_file.parse(text).faults
    if faults:
        raise ConfigError(f"{path}: {'; '.join(faults)}")
    return text


def _asked_key() -> str:
    """The key that was typed, or the first line of what is not a terminal."""
    return (getpass.getpass(_ASKED) if sys.stdin.isatty() else sys.stdin.readline()).strip()


def _plan_with(key: str) -> RunPlan:
    """What a run would do with this key and all other settings as they are."""
    texts = read_texts(environment())
    given = replace(texts, found={**texts.found, _KEY: (key, _TYPED)})
    return make_run_plan(check_texts(given, synthetic_into_database=False))


def _checked(plan: RunPlan) -> list[str]:
    """What the key allows, of a call that costs nothing."""
    if plan.base_url is None:
        raise ConfigError(f"{_KEY} is empty: type the key of your account at Keepa")
    with KeepaClient(
        plan.api_key,
        plan.base_url,
        connect_timeout_s=_PATIENCE_S,
        read_timeout_s=_PATIENCE_S,
        max_body_mb=plan.settings.max_body_mb,
    ) as client:
        reading = client.read_bucket()
    rate = reading.refill_rate
    floors, lowered = lowered_floors.floors_on_plan(plan.tiers(), rate)
    listed = " and ".join(f"{floor} by {name}" for name, floor in floors.items())
    return [
        f"the key is good: {rate} tokens a minute, {reading.tokens_left} of {CAPACITY_TICKS * rate} are there",
        f"so many tokens are never touched: {listed}",
        *([] if lowered is None else [lowered]),
    ]


def _write(path: Path, text: str) -> None:
    try:
        replace_file(path, text.encode(errors="surrogateescape"), durable=True)
    except OSError as error:
        raise ConfigError(f"{path.resolve()} cannot be written: {error.strerror or error}") from error


def _wants_unit() -> bool:
    if not sys.stdin.isatty() or shutil.which("systemctl") is None:
        return False
    return input("Install a systemd unit that starts it with your session? [y/N] ").strip().lower() in _YES


def _install_unit() -> list[str]:
    path = user_unit.place(environment(), Path.home())
    program = shutil.which("sluicegate") or str(Path(sys.executable).with_name("sluicegate"))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{path.parent} cannot be made: {error.strerror or error}") from error
    _write(path, user_unit.text(program=str(Path(program).resolve()), folder=Path.cwd()))
    return [
        f"the unit is {path}; `systemctl --user enable --now {user_unit.NAME}` starts it now and with your session",
        "`loginctl enable-linger` lets it run while you are not logged in",
    ]
