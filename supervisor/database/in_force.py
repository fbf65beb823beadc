"""The settings in force: those of the environment and `.env`, and over them what a running supervisor was told."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from supervisor import report
from supervisor.config import readable, setting_texts, settings
from supervisor.config.environment import environment
from supervisor.config.options import BY_NAME
from supervisor.config.run_plan import make_run_plan
from tasks.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from supervisor.config.run_plan import RunPlan
    from supervisor.config.setting_texts import Texts


def plan_in_force() -> tuple[RunPlan, dict[str, str]]:
    """The plan of a run as it is now, and what of it `set` ordered of the running supervisor, by name.

    Where no supervisor runs with this state directory it is the plan of the settings. A setting that cannot be used
    stops only who looks at it.

    Raises:
        ConfigError: the settings that say what the run is cannot be used.
    """
    texts = setting_texts.read_texts(environment())
    plan = _plan(readable.readable(texts))
    told = overrides(plan)
    return (_plan(readable.readable(_changed(texts, told))) if told else plan), told


def overrides(plan: RunPlan) -> dict[str, str]:
    """What `set` ordered of the running supervisor, by name of the setting; nothing where none runs."""
    last = report.read(plan.state.status)
    if last is None or last.supervisor.pid != plan.state.lock.holder():
        return {}
    return dict(last.overrides)


def plan_with(changes: Mapping[str, str]) -> RunPlan:
    """The plan of a run with the settings and these changes, by name; an empty one stands for the default.

    Raises:
        ConfigError: there is no such setting, or the settings cannot be used with that.
    """
    texts = setting_texts.read_texts(environment())
    unknown = next((name for name in changes if name not in texts.found), None)
    if unknown is not None:
        raise ConfigError(f"no setting is called {unknown!r}; `sluicegate --help` lists the settings")
    return _plan(settings.check_texts(_changed(texts, changes)))


def _changed(texts: Texts, changes: Mapping[str, str]) -> Texts:
    ordered = {name: (text or BY_NAME[name].default, settings.BY_ORDER) for name, text in changes.items()}
    unread = texts.unread - ordered.keys()
    return replace(texts, found={**texts.found, **ordered}, unread=unread)


def _plan(found: settings.Settings) -> RunPlan:
    return make_run_plan(found, synthetic_into_database=True)
