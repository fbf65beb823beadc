"""`plan`: what selections cost a day, how fresh deals are with that, and what another plan or setting would change."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from supervisor.config import settings as config
from supervisor.config.environment import environment
from supervisor.config.options import BY_NAME
from supervisor.config.run_plan import make_run_plan
from supervisor.database.access import query_plan
from supervisor.selections import describe, given, page_call, plan_inputs, plan_of_keys, plan_words, preview
from supervisor.selections.beside import beside
from supervisor.selections.of_key import plan_of_key
from supervisor.selections.scene import Scene
from tasks.errors import EXIT_OK, EXIT_USAGE, ConfigError
from tasks.keepa.request import DEAL_TOKENS

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from supervisor.config.run_plan import RunPlan
    from supervisor.config.settings import Settings
    from tasks.keepa.selection.selection import Selection
    from tasks.planning.cost_plan import StreamLoad


def show(chosen: argparse.Namespace) -> int:
    """Print the plan; the exit code.

    Raises:
        ConfigError: the settings or a selection cannot be used.
        StoreError: the database does not answer.
        ApiError: a page was to be asked for, and the server does not answer.
    """
    plan = query_plan()
    if chosen.key is None and len(plan.keys) > 1:
        if chosen.sources or chosen.rate is not None:
            sys.stderr.write(f"sluicegate: of which key? name one with --key: {', '.join(plan.keys)}\n")
            return EXIT_USAGE
        return _show_all(plan, chosen)
    scene, other = _scenes(plan if chosen.key is None else plan_of_key(plan, chosen.key), chosen)
    if chosen.json:
        plan_words.as_json(scene, other)
    else:
        plan_words.show(scene, other, chosen.set)
    return EXIT_OK


def _show_all(plan: RunPlan, chosen: argparse.Namespace) -> int:
    """Print the plan of each key by its own rate, and what they come to together; the exit code."""
    scenes = {name: _scenes(plan_of_key(plan, name), chosen) for name in plan.keys}
    if chosen.json:
        plan_of_keys.as_json(scenes)
    else:
        plan_of_keys.show(scenes, chosen.set)
    return EXIT_OK


def _scenes(plan: RunPlan, chosen: argparse.Namespace) -> tuple[Scene, Scene | None]:
    """What is planned for with the settings and key of `plan`, and the same with the changes that were given."""
    wanted = given.selections_of(given.find(chosen.sources, plan.settings)) if chosen.sources else ()
    gathered = plan_inputs.gather(plan)
    unknown = [one.selection for one in gathered.unknown]
    have = {(one.key, one.domain) for one in given.find((), plan.settings).selections}
    new = [one for one in wanted if (one.key, one.domain) not in have]
    for one in wanted:
        if one not in new:
            sys.stderr.write(f"sluicegate: {describe.label(one)} is in the settings already, and counted once\n")
    pages = _pages(plan, [*unknown, *new], yes=chosen.yes)
    snapshot = plan_inputs.snapshot_of(plan)  # after the pages: they told the balance, and took of it
    rules = plan_inputs.rules_of(plan.settings, snapshot, gathered.call_s)
    allowance, source = plan_inputs.allowance_of(plan, snapshot, chosen.rate)
    scene = Scene(
        plan=plan,
        rules=rules,
        allowance=allowance,
        source=source,
        known=(*plan_inputs.loads(gathered, rules, allowance), *_loaded(pages, unknown)),
        new=_loaded(pages, new),
        left_out=tuple(describe.label(one) for one in (*unknown, *new) if describe.label(one) not in pages),
        beside=beside(plan.settings, snapshot),
    )
    return scene, None if not chosen.set else scene.changed(_with(chosen.set, plan.key), gathered.call_s)


def _pages(plan: RunPlan, selections: Sequence[Selection], *, yes: bool) -> dict[str, StreamLoad]:
    """The loads of selections of which nothing is known, from one page of each; none when nobody agreed to pay."""
    if not selections:
        return {}
    names = "; ".join(describe.label(one) for one in selections)
    what = f"nothing is known yet of {names}: asking for one page of each"
    with page_call.page_caller(plan) as caller:
        if not preview.is_agreed(what, DEAL_TOKENS * len(selections), caller, yes=yes):
            return {}
        pages = {describe.label(one): caller.page(one, preview.tell_wait) for one in selections}
    return {name: plan_inputs.load_of_page(name, page.figures, plan.settings) for name, page in pages.items()}


def _loaded(pages: Mapping[str, StreamLoad], selections: Sequence[Selection]) -> tuple[StreamLoad, ...]:
    return tuple(pages[describe.label(one)] for one in selections if describe.label(one) in pages)


def _with(changes: Sequence[str], key: str) -> Settings:
    """The settings with `NAME=VALUE` changes, as the key of that name has them.

    Raises:
        ConfigError: there is no such setting, or its value cannot be used.
    """
    texts = config.read_texts(environment())
    found = dict(texts.found)
    for change in changes:
        name, is_given, value = (part.strip() for part in change.partition("="))
        if not is_given or name.upper() not in found:
            raise ConfigError(f"{change!r} is no NAME=VALUE of a setting; `sluicegate --help` lists the settings")
        found[name.upper()] = (value or BY_NAME[name.upper()].default, config.BY_ORDER)
    made = config.check_texts(replace(texts, found=found))
    plan = make_run_plan(made, synthetic_into_database=True)
    return (plan_of_key(plan, key) if made.loaded_keys else plan).settings
