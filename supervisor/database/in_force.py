"""The settings in force: those of the environment and `.env`, and over them what a running supervisor was told."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from supervisor import report
from supervisor.config import setting_texts, settings
from supervisor.config.environment import environment
from supervisor.config.options import BY_NAME
from supervisor.config.run_plan import make_run_plan
from tasks.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from supervisor.config.run_plan import RunPlan


def plan_in_force() -> tuple[RunPlan, dict[str, str]]:
    """The plan of a run as it is now, and what of it `set` ordered of the running supervisor, by name.

    Where no supervisor runs with this state directory it is the plan of the settings.

    Raises:
        ConfigError: the settings cannot be used, or not together with what was ordered.
    """
    plan = make_run_plan(settings.load_settings(environment()), synthetic_into_database=True)
    told = overrides(plan)
    return (plan_with(told) if told else plan), told


def overrides(plan: RunPlan) -> dict[str, str]:
    """What `set` ordered of the running supervisor, by name of the setting; nothing where none runs."""
    last = report.read(plan.state.status)
    if last is None or last.supervisor.pid != plan.state.lock.holder():
        return {}
    return dict(last.overrides)


def plan_with(changes: Mapping[str, str]) -> RunPlan:
    """The plan of a run with the settings and these changes, by name; an empty one stands for the default.

    Raises:
        ConfigError: there is no such setting, or its value cannot be used.
    """
    texts = setting_texts.read_texts(environment())
    found = dict(texts.found)
    for name, text in changes.items():
        if name not in found:
            raise ConfigError(f"no setting is called {name!r}; `sluicegate --help` lists the settings")
        found[name] = (text or BY_NAME[name].default, settings.BY_ORDER)
    return make_run_plan(settings.check_texts(replace(texts, found=found)), synthetic_into_database=True)
