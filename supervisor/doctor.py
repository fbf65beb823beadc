"""`sluicegate doctor`: looks at everything a run needs, changes nothing, and says what to do about what is wrong.

With a real key it makes one real call, to `/token`, which is free.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Final

from supervisor import config, plan
from supervisor.checks import Finding, Verdict, before_settings, with_plan
from tasks.errors import EXIT_GAVE_UP, EXIT_OK, ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

_MARKS: Final = {Verdict.GOOD: "ok  ", Verdict.NOTE: "note", Verdict.BAD: "BAD "}
_INDENT: Final = " " * 24


def examine(*, as_json: bool) -> int:
    """Print one line a check; 0 when nothing is bad, 1 otherwise."""
    findings = [*before_settings(), *_of_the_settings()]
    sys.stdout.write(_as_json(findings) if as_json else _as_text(findings))
    return EXIT_GAVE_UP if any(one.verdict is Verdict.BAD for one in findings) else EXIT_OK


def _of_the_settings() -> list[Finding]:
    try:
        settings = config.load(config.environment())
    except ConfigError as error:
        return [Finding("configuration", Verdict.BAD, str(error))]
    found: list[Finding] = []
    try:
        wanted = plan.make(settings)
    except ConfigError as error:
        found.append(Finding("run", Verdict.BAD, str(error)))
        wanted = plan.make(settings, synthetic_into_database=True)
    else:
        found.append(Finding("run", Verdict.GOOD, wanted.words()))
    return [*found, *with_plan(wanted)]


def _as_text(findings: Sequence[Finding]) -> str:
    lines = []
    for one in findings:
        said = one.words.replace("\n", f"\n{_INDENT}")
        lines.append(f"{_MARKS[one.verdict]}  {one.check:<16}  {said}")
    return "\n".join(lines) + "\n"


def _as_json(findings: Sequence[Finding]) -> str:
    checks = [{"check": one.check, "verdict": one.verdict.value, "words": one.words, **one.data} for one in findings]
    well = all(one.verdict is not Verdict.BAD for one in findings)
    return json.dumps({"ok": well, "checks": checks}, ensure_ascii=False, default=str) + "\n"
