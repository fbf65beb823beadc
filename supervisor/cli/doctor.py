"""`sluicegate doctor`: checks everything a run needs, changes nothing, and says how to mend what is wrong.

With a real key it makes one real call, to `/token`, which is free. Most imports are late, because a package may be
missing: that is one of the findings.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from supervisor.doctor.findings import all_good, as_text, bad, complete, good, to_json
from supervisor.doctor.packages import package_checks
from tasks.errors import EXIT_FAILED, EXIT_OK, ConfigError, plain

if TYPE_CHECKING:
    from supervisor.doctor.findings import Finding


def examine(*, as_json: bool) -> int:
    """Print one line for each check; the exit code is 0 when nothing is bad, and 1 otherwise."""
    found = list(package_checks())
    if all_good(found):
        found += _of_the_settings()
    found = complete(found, "not looked at, because what is bad above must be mended first")
    sys.stdout.write(json.dumps(to_json(found), ensure_ascii=False, default=str) + "\n" if as_json else as_text(found))
    return EXIT_OK if all_good(found) else EXIT_FAILED


def _of_the_settings() -> list[Finding]:
    from supervisor.config import run_plan
    from supervisor.config.environment import environment
    from supervisor.config.setting_texts import read_texts
    from supervisor.config.settings import UnusableSettings, check, check_texts
    from supervisor.doctor import database_and_key_checks, local_checks

    texts = read_texts(environment())
    try:
        settings = check_texts(texts)
    except ConfigError:
        return [bad("configuration", plain(UnusableSettings(check(texts, synthetic_into_database=False).faults.words)))]
    try:
        plan = run_plan.make_run_plan(settings)
        run = good("run", plan.describe())
    except ConfigError as error:
        plan = run_plan.make_run_plan(settings, synthetic_into_database=True)
        run = bad("run", plain(error))
    return [run, *local_checks.local_checks(plan), *database_and_key_checks.findings(plan)]
