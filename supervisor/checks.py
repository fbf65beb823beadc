"""The checks of `doctor`, each of which reads something and gives a finding."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import sys
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import ledger
import supervisor
import tasks
from ledger import LedgerError, NoLedger, SystemClock, TokenLedger, regionfile
from supervisor import database, report
from supervisor.options import OPTIONS
from supervisor.plan import CAPACITY_TICKS, Server
from tasks.errors import ApiError, Error, Forbidden
from tasks.settings import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from supervisor.config import Settings
    from supervisor.plan import Plan

OLDEST_PYTHON: Final = (3, 11)
_LOW_DISK_MB: Final = 1024
_MB: Final = 1024 * 1024
# A lock of one machine is not seen by another, and not every network file system maps a file coherently.
_NETWORK: Final = frozenset({"nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "ceph", "glusterfs", "afs"})


class Verdict(Enum):
    """How a check came out."""

    GOOD = "ok"
    NOTE = "note"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found, in words and, for programs, as data."""

    check: str
    verdict: Verdict
    words: str
    data: dict[str, Any] = field(default_factory=dict)


def before_settings() -> Iterator[Finding]:
    """What can be said without any setting."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    new_enough = sys.version_info[:2] >= OLDEST_PYTHON
    need = "" if new_enough else f", {'.'.join(map(str, OLDEST_PYTHON))} or newer is needed"
    yield Finding("python", Verdict.GOOD if new_enough else Verdict.BAD, f"{version} at {sys.executable}{need}")
    yield _origin()


def _origin() -> Finding:
    """Three packages from one place: PyPI has another `supervisor`, and `tasks` is a common name."""
    places = {Path(next(iter(package.__path__))).parent for package in (supervisor, tasks, ledger)}
    if len(places) == 1:
        return Finding("packages", Verdict.GOOD, f"supervisor, tasks and ledger all come from {places.pop()}")
    try:
        stranger = f" (supervisor {importlib.metadata.version('supervisor')} is installed: uninstall it)"
    except importlib.metadata.PackageNotFoundError:
        stranger = ""
    return Finding("packages", Verdict.BAD, f"come from different places: {sorted(map(str, places))}{stranger}")


def with_plan(wanted: Plan) -> Iterator[Finding]:
    """What can be said of the run the settings describe."""
    yield from _settings(wanted.settings)
    yield from _state(wanted)
    yield _ledger(wanted)
    yield _database(wanted)
    yield _api(wanted)


def _settings(settings: Settings) -> Iterator[Finding]:
    shown = {}
    for option in OPTIONS:
        value = getattr(settings, option.field)
        source = settings.sources[option.name]
        if source != "default":
            if option.is_secret:
                value = database.shown(value) if option.name == "DATABASE_URL" else "•••"
            shown[option.name] = {"value": value, "source": source}
    words = "\n".join(
        f"{name}={'off' if entry['value'] is None else entry['value']} ({entry['source']})"
        for name, entry in shown.items()
    )
    yield Finding("settings", Verdict.GOOD, words or "all at their defaults", {"settings": shown})
    if settings.unknown:
        yield Finding("settings", Verdict.NOTE, f".env names what is no setting: {', '.join(settings.unknown)}")
    names = ", ".join(f"{one.name} (locale {one.query['domainId']})" for one in settings.chosen)
    yield Finding("selections", Verdict.GOOD, f"{len(settings.chosen)} valid: {names}")


def _state(wanted: Plan) -> Iterator[Finding]:
    root = wanted.state.root
    if not root.is_dir():
        parent = next(path for path in root.parents if path.is_dir())
        verdict = Verdict.NOTE if os.access(parent, os.W_OK | os.X_OK) else Verdict.BAD
        yield Finding("state", verdict, f"{root} is not there yet; it is made at the first start in {parent}")
        return
    writable = os.access(root, os.R_OK | os.W_OK | os.X_OK)
    mode = root.stat().st_mode & 0o777
    free_mb = shutil.disk_usage(root).free // _MB
    kind = _file_system(root)
    data = {"path": str(root), "mode": f"{mode:o}", "free_mb": free_mb, "file_system": kind}
    faults = [
        "" if writable else "it cannot be written: mend its rights or set another STATE_DIR",
        f"{kind} does not lock between machines: use a local disk" if kind in _NETWORK else "",
    ]
    notes = [
        f"others may read it (mode {mode:o}): chmod 700" if mode & 0o077 else "",
        "little space is left" if free_mb < _LOW_DISK_MB else "",
    ]
    bad, odd = [fault for fault in faults if fault], [note for note in notes if note]
    verdict = Verdict.BAD if bad else Verdict.NOTE if odd else Verdict.GOOD
    words = "; ".join([f"{root}, {kind}, {free_mb:,} MB free", *bad, *odd])
    yield Finding("state", verdict, words, data)
    holder = wanted.state.holder()
    yield Finding("supervisor", Verdict.GOOD, "not running" if holder is None else f"running, pid {holder or '?'}")


def _file_system(path: Path) -> str:
    """The type of the file system `path` lies on: the longest mount point that is a part of it."""
    best, kind = 0, "unknown"
    try:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return kind
    for line in mounts:
        _, point, found, *_ = line.split(" ")
        point = point.replace("\\040", " ")
        if path.is_relative_to(point) and len(point) >= best:
            best, kind = len(point), found
    return kind


def _ledger(wanted: Plan) -> Finding:
    try:
        region = regionfile.attach(wanted.state.ledger, read_only=True)
    except NoLedger:
        return Finding("ledger", Verdict.NOTE, "not there yet; it is made at the first start")
    except (LedgerError, OSError) as error:
        return Finding("ledger", Verdict.BAD, str(error))
    try:
        if not region.is_of_this_boot:
            return Finding("ledger", Verdict.NOTE, "of an earlier boot: the next start begins it anew from the server")
        taken = TokenLedger(region, SystemClock()).snapshot()
    except LedgerError as error:
        return Finding("ledger", Verdict.BAD, str(error))
    finally:
        region.close()
    balance = f"balance {taken.bucket.balance:g} of {taken.bucket.capacity:g}" if taken.synced else "no reading yet"
    return Finding("ledger", Verdict.GOOD, f"sound, sequence {taken.sequence}, {balance}")


def _database(wanted: Plan) -> Finding:
    url = wanted.settings.database_url
    if wanted.database is not None:
        last = report.read(wanted.state.status)
        running = wanted.state.holder() is not None and last is not None
        own = last.run.database_url if running and last is not None else None
        if own is None:
            return Finding(
                "database", Verdict.NOTE, "an own PostgreSQL; it is not running, and is not started to be looked at"
            )
        url = Secret(own)
    try:
        server = database.check(url)
    except Error as error:
        return Finding("database", Verdict.BAD, f"{database.shown(url)}: {error}")
    return Finding("database", Verdict.GOOD, f"{database.shown(url)}: {server}")


def _api(wanted: Plan) -> Finding:
    """One free reading with a real key; nothing is asked of a simulator that is not there."""
    if wanted.server is not Server.KEEPA or wanted.base_url is None:
        return Finding("api", Verdict.NOTE, "no KEEPA_API_KEY: nothing was asked; set one for real data")
    from tasks.keepa.client import KeepaClient

    settings = wanted.settings
    try:
        with KeepaClient(
            wanted.api_key,
            wanted.base_url,
            connect_timeout_s=settings.connect_timeout_s,
            read_timeout_s=settings.read_timeout_s,
        ) as client:
            envelope = client.read_bucket()
    except Forbidden as error:
        return Finding("api", Verdict.BAD, f"the server refuses this key: {error}; check KEEPA_API_KEY")
    except (ApiError, Error) as error:
        return Finding("api", Verdict.BAD, f"{wanted.base_url} did not answer: {error}")
    return _plan_of(wanted, envelope.refill_rate, envelope.tokens_left)


def _plan_of(wanted: Plan, rate: int, balance: int) -> Finding:
    capacity = CAPACITY_TICKS * rate
    floors = {tier.name: tier.floor_on(rate) for tier in wanted.tiers() if tier.floor}
    told = ", ".join(f"{name} {floor}" for name, floor in floors.items())
    data = {"refill_rate": rate, "balance": balance, "capacity": capacity, "floors": floors}
    return Finding(
        "api", Verdict.GOOD, f"plan of {rate} a minute, balance {balance} of {capacity}, floors: {told}", data
    )
