"""Says of which key a finding of `doctor` is, where there are several. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from supervisor.config.run_plan import RunPlan
    from supervisor.doctor.findings import Finding


def of_key(plan: RunPlan, finding: Finding) -> Finding:
    """The finding, which begins with the name of the key that `plan` is for and has it in its data as `key`.

    Where there is one key the finding stays as it is.
    """
    if len(plan.keys) == 1:
        return finding
    return replace(finding, words=f"{plan.key}: {finding.words}", data={"key": plan.key, **finding.data})
