"""The plan of a run as one of several keys has it: with what that key lists, its floors and its shares. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from tasks.keepa.selection import selection

if TYPE_CHECKING:
    from supervisor.config.run_plan import RunPlan
    from tasks.keepa.selection.selection import Selection


def plan_of_key(plan: RunPlan, name: str) -> RunPlan:
    """The plan whose settings have only what the key lists; lists of products are kept fresh with the first key.

    Raises:
        ConfigError: there is no such key.
    """
    own = plan.of_key(name)
    for number, key in enumerate(plan.settings.loaded_keys):
        if key.name == name:
            settings = msgspec.structs.replace(
                plan.settings,
                loaded_selections=key.selections,
                loaded_sources=key.sources,
                loaded_lists=() if number else plan.settings.loaded_lists,
                upsert_floor=key.upsert_floor,
                backfill_floor=key.backfill_floor,
                upsert_share=key.upsert_share,
                backfill_share=key.backfill_share,
            )
            return replace(own, settings=settings)
    return own


def key_that_lists(plan: RunPlan, wanted: Selection) -> str | None:
    """The name of the key that lists the selection; None when it is in no file of a key."""
    for key in plan.settings.loaded_keys:
        for one in key.selections:
            listed = selection.parse(one.query, name=one.name)
            if (listed.key, listed.domain) == (wanted.key, wanted.domain):
                return key.name
    return None
