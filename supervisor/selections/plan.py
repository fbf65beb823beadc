"""`plan`: what selections cost a day, how fresh deals are with that, and what another plan or setting would change."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from supervisor.config import settings as config
from supervisor.config.files import watch_files
from supervisor.config.options import BY_NAME
from supervisor.database import ledger_source
from supervisor.database.in_force import plan_in_force, plan_with
from supervisor.selections import (
    describe,
    given,
    others,
    page_call,
    plan_inputs,
    plan_of_keys,
    plan_output,
    plan_words,
    preview,
)
from supervisor.selections.of_key import plan_of_key
from supervisor.selections.scene import Scene, others_of
from tasks.errors import EXIT_OK, EXIT_USAGE, ConfigError
from tasks.keepa.request import DEAL_TOKENS
from tasks.planning.streams import sources_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from ledger import Snapshot
    from supervisor.config.run_plan import RunPlan
    from supervisor.config.settings import Settings
    from tasks.keepa.selection.selection import Selection
    from tasks.keepa.source.source import Source
    from tasks.planning.cost_values import OtherLoad, StreamLoad


def show(chosen: argparse.Namespace) -> int:
    """Print the plan; the exit code.

    Raises:
        ConfigError: the settings or a selection cannot be used.
        StoreError: the database does not answer.
        ApiError: a page was to be asked for, and the server does not answer.
    """
    plan, overrides = plan_in_force()
    if chosen.key is None and len(plan.keys) > 1:
        if chosen.sources or chosen.rate is not None:
            sys.stderr.write(f"sluicegate: of which key? name one with --key: {', '.join(plan.keys)}\n")
            return EXIT_USAGE
        return _show_all(plan, chosen, overrides)
    scene, other = _scenes(plan if chosen.key is None else plan_of_key(plan, chosen.key), chosen, overrides)
    if chosen.json:
        plan_output.as_json(scene, other)
    else:
        plan_words.show(scene, other, chosen.set)
    return EXIT_OK


def _show_all(plan: RunPlan, chosen: argparse.Namespace, overrides: Mapping[str, str]) -> int:
    """Print the plan of each key by its own rate, and what they come to together; the exit code."""
    scenes = {name: _scenes(plan_of_key(plan, name), chosen, overrides) for name in plan.keys}
    if chosen.json:
        plan_of_keys.as_json(scenes)
    else:
        plan_of_keys.show(scenes, chosen.set)
    return EXIT_OK


def _scenes(plan: RunPlan, chosen: argparse.Namespace, overrides: Mapping[str, str]) -> tuple[Scene, Scene | None]:
    """What is planned for with the settings and key of `plan`, and the same with the changes that were given.

    The settings of `plan` have the `overrides` of the running supervisor already.
    """
    paths = [text for text in chosen.sources if _is_list(text)]
    texts = [text for text in chosen.sources if text not in paths]
    found = given.find(texts, plan.settings) if texts else given.Given(())
    if found.faults:
        raise ConfigError("\n".join(found.faults))
    wanted = found.selections
    gathered = plan_inputs.gather(plan)
    unknown = [one.selection for one in gathered.unknown]
    have = {(one.key, one.domain) for one in given.find((), plan.settings).selections}
    new = [one for one in wanted if (one.key, one.domain) not in have]
    for one in wanted:
        if one not in new:
            sys.stderr.write(f"sluicegate: {describe.label(one)} is in the settings already, and counted once\n")
    pages = _pages(plan, [*unknown, *new], yes=chosen.yes)
    snapshot = ledger_source.snapshot_of(plan)  # after the pages: they told the balance, and took of it
    rules = plan_inputs.rules_of(plan.settings, snapshot, gathered.call_s)
    allowance, source = plan_inputs.allowance_of(plan, snapshot, chosen.rate)
    scene = Scene(
        plan=plan,
        rules=rules,
        allowance=allowance,
        source=source,
        known=(*plan_inputs.loads(gathered, rules, allowance), *_loaded(pages, unknown)),
        new=_loaded(pages, new),
        left_out=_unpaid(pages, unknown),
        others=others_of(plan.settings, gathered, snapshot),
        new_others=_new_others(plan.settings, found.sources, paths, snapshot),
        new_left_out=_unpaid(pages, new),
        overrides=overrides,
    )
    return scene, None if not chosen.set else scene.changed(_with(chosen.set, overrides, plan.key), gathered)


def _is_list(text: str) -> bool:
    """Whether an argument names a list of products rather than a selection or source."""
    return text.lower().endswith(watch_files.ENDINGS) or text.lower().startswith(watch_files.TABLE)


def _new_others(
    settings: Settings, sources: Sequence[Source], paths: Sequence[str], snapshot: Snapshot | None
) -> tuple[OtherLoad, ...]:
    """The sources and lists that were given to the command, without those that are in the settings already.

    Raises:
        UnusableSettings: a list has a fault.
    """
    faults: list[str] = []
    notes: list[str] = []
    defaults = watch_files.Defaults(settings.keepa_domains, settings.watch_refresh, settings.watch_detail)
    lists = watch_files.read(",".join(paths), defaults, faults, notes)
    if faults:
        raise config.UnusableSettings(faults)
    for note in notes:
        sys.stderr.write(f"sluicegate: {note}\n")
    have = {one.key for one in settings.loaded_lists} | {one.key for one in sources_of(settings.loaded_sources)}
    for name in [one.name for one in lists if one.key in have] + [one.name for one in sources if one.key in have]:
        sys.stderr.write(f"sluicegate: {name} is in the settings already, and counted once\n")
    nothing = plan_inputs.Gathered()
    return (
        *others.list_loads([one for one in lists if one.key not in have], nothing, snapshot),
        *others.source_loads(
            [one for one in sources if one.key not in have], nothing, settings.backfill_detail, snapshot
        ),
    )


def _pages(plan: RunPlan, selections: Sequence[Selection], *, yes: bool) -> dict[str, StreamLoad]:
    """The loads of selections of which nothing is known, from one page of each; none when nobody agreed to pay."""
    if not selections:
        return {}
    with page_call.page_caller(plan) as caller:
        kept = [(one, caller.kept(one)) for one in selections]
        pages = {describe.label(one): page for one, page in kept if page is not None}
        rest = [one for one, page in kept if page is None]
        names = "; ".join(describe.label(one) for one in rest)
        what = f"nothing is known yet of {names}: asking for one page of each"
        if rest and preview.is_agreed(what, DEAL_TOKENS * len(rest), caller, yes=yes):
            pages |= {describe.label(one): caller.page(one, preview.tell_wait) for one in rest}
    return {name: plan_inputs.load_of_page(name, page.figures, plan.settings) for name, page in pages.items()}


def _loaded(pages: Mapping[str, StreamLoad], selections: Sequence[Selection]) -> tuple[StreamLoad, ...]:
    return tuple(pages[describe.label(one)] for one in selections if describe.label(one) in pages)


def _unpaid(pages: Mapping[str, StreamLoad], selections: Sequence[Selection]) -> tuple[str, ...]:
    return tuple(name for name in map(describe.label, selections) if name not in pages)


def _with(changes: Sequence[str], overrides: Mapping[str, str], key: str) -> Settings:
    """The settings with the `overrides` and over them `NAME=VALUE` changes, as the key of that name has them.

    Raises:
        ConfigError: there is no such setting, or its value cannot be used.
    """
    found = dict(overrides)
    for change in changes:
        name, is_given, value = (part.strip() for part in change.partition("="))
        if not is_given or name.upper() not in BY_NAME:
            raise ConfigError(f"{change!r} is no NAME=VALUE of a setting; `sluicegate --help` lists the settings")
        found[name.upper()] = value
    plan = plan_with(found)
    return (plan_of_key(plan, key) if plan.settings.loaded_keys else plan).settings
