"""The checks of `doctor` that look at this machine: settings, the state directory, the ledger."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Final

from ledger import LedgerError, NoLedger, OtherFormat
from supervisor.config.options import OPTIONS
from supervisor.config.state_dir import filesystem, host_id, lost_state_dir
from supervisor.database import dsn
from supervisor.database.ledger_source import source_of
from supervisor.doctor.findings import Finding, Verdict, bad, good, judged, note
from supervisor.doctor.of_key import of_key
from supervisor.process import suspended
from tasks.errors import ConfigError, plain
from tasks.keepa.locales import shop
from tasks.keepa.selection import check
from tasks.redaction import MASK

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from supervisor.config.run_plan import RunPlan
    from supervisor.config.settings import Settings
    from supervisor.config.state_dir.state_dir import StateDir

_ANEW: Final = "the next start creates a new one from what the server says"
_PERMISSIONS: Final = "change its permissions or set another STATE_DIR"
_LEAST_FREE_MB: Final = 64
_RESERVE_MB: Final = 1024  # for the database, beside the spool
_MB: Final = 1024 * 1024


def local_checks(plan: RunPlan) -> Iterator[Finding]:
    """The findings about this machine and the run that the settings describe."""
    yield _configuration(plan.settings)
    chosen = plan.settings.loaded_selections
    names = [f"{one.name} ({shop(int(one.query['domainId']))})" for one in chosen]
    words = f"{len(chosen)} valid: {', '.join(names)}"
    notes = [f"{one.name}: {text}" for one in chosen for text in check.notes(one.query)]
    yield judged("selections", words, faults=[], notes=notes, selections=names)
    yield _state(plan)
    yield _disk(plan)
    yield _supervisor(plan.state, plan.settings.metrics_port, plan.settings.metrics_host)
    for each in map(plan.of_key, plan.keys):
        yield of_key(each, _ledger(each))


def _supervisor(state: StateDir, port: int | None, host: str) -> Finding:
    holder = state.lock.holder()
    lost = None if holder is not None else lost_state_dir.find(state.root, port, host)
    if lost is not None:
        return bad(
            "supervisor", f"{lost_state_dir.WORDS}: {lost_state_dir.remedy(state.root, lost)}", running=True, pid=lost
        )
    words = "not running" if holder is None else f"running, pid {holder or 'unknown'}"
    by = state.lock.command()
    if holder is not None and by is not None:
        words = f"not running: `sluicegate {by}`, pid {holder}, holds the state directory"
    still = [f"{suspended.SUSPENDED}: {suspended.remedy(holder)}"] if suspended.is_suspended(holder) else []
    return judged("supervisor", words, faults=still, notes=[], running=holder is not None, pid=holder or None)


def _configuration(settings: Settings) -> Finding:
    """Every setting with its source as data; those that are set, in the sentence."""
    values = {
        option.name: {"value": _shown(settings, option.name), "source": settings.sources[option.name]}
        for option in OPTIONS
    }
    chosen = [f"{name}={one['value']} ({one['source']})" for name, one in values.items() if one["source"] != "default"]
    words = f"settings: {len(chosen)} given, {len(values) - len(chosen)} left at their defaults"
    return judged(
        "configuration",
        ": ".join([words, ", ".join(chosen)] if chosen else [words]),
        faults=[],
        notes=settings.notes,
        settings=values,
        unknown=list(settings.unknown),
    )


def _shown(settings: Settings, name: str) -> object:
    value = getattr(settings, name.lower())
    if name == "DATABASE_URL":
        return dsn.shown(value) if value else ""
    if name == "KEEPA_API_KEY":
        return MASK if value else ""
    return "off" if value is None and name == "METRICS_PORT" else value


def _state(plan: RunPlan) -> Finding:
    root = plan.state.root
    kind, there = filesystem.kind_of(root), _nearest(root)
    fault = filesystem.fault_of(there)
    faults = [] if fault is None else [f"it {fault}"]
    data = {"path": str(root), "exists": os.path.isdir(root), "file_system": kind}  # noqa: PTH112 - never an error, whatever the name
    if not os.path.isdir(root):  # noqa: PTH112 - never an error, whatever the name
        blocked = _in_the_way(root)
        if blocked is not None:
            faults.append(f"{blocked} is not a folder: set another STATE_DIR, or remove what is there")
        elif not os.access(there, os.W_OK | os.X_OK):
            faults.append(f"it does not exist, and {there} cannot be written: {_PERMISSIONS}")
        notes = [] if faults else ["it is created at the first start"]
        return judged("state", f"{root}, {kind}", faults=faults, notes=notes, **data, mode=None)
    mode = root.stat().st_mode & 0o777
    faults += _without_rights(plan) or _without_name(plan.state)
    notes = [f"other users may read it (mode {mode:o}): run `chmod 700 {root}`"] if mode & 0o077 else []
    return judged("state", f"{root}, {kind}", faults=faults, notes=notes, **data, mode=f"{mode:o}")


def _in_the_way(root: Path) -> Path | None:
    """The file that lies where the directory `root`, or one of its parents, has to be."""
    lies_in = (root, *root.parents)
    return next((one for one in lies_in if os.path.lexists(one) and not os.path.isdir(one)), None)  # noqa: PTH112 - as above


def _without_rights(plan: RunPlan) -> list[str]:
    """A fault for each path in the state directory that this user may not use."""
    state = plan.state
    whole = os.R_OK | os.W_OK | os.X_OK
    if not os.access(state.root, whole):
        return [f"it cannot be written: {_PERMISSIONS}"]
    if state.blocked_spool is not None:
        return [f"{state.blocked_spool} is not a folder: remove what is there"]
    ledgers = dict.fromkeys(map(state.ledger_of, plan.keys), os.R_OK | os.W_OK)
    inside = {state.lock.path: os.R_OK | os.W_OK, **ledgers, state.root / "spool": whole}
    shut = [path for path, mode in inside.items() if path.exists() and not os.access(path, mode)]
    return [
        f"{path} belongs to uid {path.stat().st_uid}: run as that user, or change its owner with chown" for path in shut
    ]


def _without_name(state: StateDir) -> list[str]:
    """The fault of the file with the name of the state directory, if it has one."""
    try:
        host_id.read(state.host_id)
    except ConfigError as error:
        return [plain(error)]
    return []


def _disk(plan: RunPlan) -> Finding:
    there, limit_mb = _nearest(plan.state.root), plan.settings.spool_limit_mb
    free_mb = shutil.disk_usage(there).free // _MB
    needed_mb = limit_mb + _RESERVE_MB
    words, data = f"{free_mb:,} MB free", {"free_mb": free_mb, "spool_limit_mb": limit_mb, "wanted_mb": needed_mb}
    if free_mb < _LEAST_FREE_MB:
        return bad("disk", f"{words}: too little for a start; free some space", **data)
    if free_mb < needed_mb:
        return note("disk", f"{words}: a full spool ({limit_mb} MB) and the database need {needed_mb:,} MB", **data)
    return good("disk", words, **data)


def _nearest(path: Path) -> Path:
    """The directory itself, or the nearest parent that exists."""
    return next(one for one in (path, *path.parents) if os.path.isdir(one))  # noqa: PTH112 - never an error


def _ledger(plan: RunPlan) -> Finding:
    try:
        ledger = source_of(plan).open()
    except NoLedger:
        return note("ledger", "it does not exist yet; the first start creates it")
    except OtherFormat as error:
        return note("ledger", f"it is of another build: {_ANEW}", format=error.found)
    except (LedgerError, OSError) as error:
        return bad("ledger", plain(error))
    try:
        if not ledger.is_current:
            return note("ledger", f"it is of an earlier boot: {_ANEW}", this_boot=False)
        taken = ledger.snapshot()
    except LedgerError as error:
        return bad("ledger", plain(error))
    finally:
        ledger.close()
    bucket = taken.bucket
    balance = f"balance {bucket.balance:g} of {bucket.capacity:g}" if taken.synced else "no reading yet"
    return Finding(
        "ledger",
        Verdict.GOOD,
        f"sound and of this boot, sequence {taken.sequence}, {balance}",
        {"this_boot": True, "sequence": taken.sequence, "balance": bucket.balance, "capacity": bucket.capacity},
    )
