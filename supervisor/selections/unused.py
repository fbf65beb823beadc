"""Why tokens of a day are not used: because nothing asks for them, or because a budget or hours keep a job from them.

The latter is what the settings say, and no fault.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger.durations import format_duration
from tasks.roles import ROLES

if TYPE_CHECKING:
    from supervisor.config.settings import Settings
    from tasks.planning.cost_values import CostPlan


def sentence(day: CostPlan, settings: Settings) -> str:
    """How many tokens of the next 24 hours expire, from when on, and why."""
    if day.expires_in_s is None:
        return "unused: nothing; all tokens of the next 24 hours have a use or a place in the bucket"
    when = "from now on" if day.expires_in_s < 1 else f"the first in {format_duration(day.expires_in_s)}"
    words = f"{day.expires:,.0f} tokens of the next 24 hours expire in a full bucket"
    return f"unused: {words}, {when}; {reason(day, settings)}"


def reason(day: CostPlan, settings: Settings) -> str | None:
    """Why they expire; None when none does."""
    if day.expires_in_s is None:
        return None
    kept = [
        f"{' and '.join(rules)} {'keeps' if len(rules) == 1 else 'keep'} {role} from {day.withheld[role]:,.0f} tokens "
        "that it has a use for"
        for role in ROLES
        if day.withheld[role] >= 1 and (rules := _rules(role, settings))
    ]
    if not kept:
        return "nothing asks for them: another selection, a list or more detail would use them"
    return f"as you have set it: {'; '.join(kept)}"


def _rules(role: str, settings: Settings) -> list[str]:
    """The rules of a job, as the settings name them."""
    tokens: int = getattr(settings, f"{role}_tokens_per_day")
    hours: str | None = getattr(settings, f"{role}_hours")
    named = f"{role.upper()}_TOKENS_PER_DAY={tokens}" if tokens else None
    return [rule for rule in (named, f"{role.upper()}_HOURS={hours}" if hours else None) if rule is not None]
