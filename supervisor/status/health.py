"""Whether a run is healthy, and what is wrong if not: what `/readyz` and the exit code of `status` say. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from ledger.durations import format_duration
from supervisor.process.conditions import OF_OTHERS, describe_condition
from supervisor.process.states import State

if TYPE_CHECKING:
    from supervisor.report import ChildRecord, Report


DRAINED: Final = frozenset({"draining", "drained"})


def is_healthy(report: Report) -> bool:
    """Whether everything is in service and nothing keeps it from its work."""
    return not problems(report)


def problems(report: Report) -> list[str]:
    """What is not in service or kept from its work, and why, a sentence each; none when all is well."""
    found = [] if report.supervisor.state == "running" else [f"the supervisor is {report.supervisor.state}"]
    found += [describe_condition(one) for one in report.conditions]
    if report.supervisor.state in DRAINED:  # its workers are at rest because somebody wanted that
        return found
    kinds = {one.kind for one in report.conditions}
    for child in (*report.services, *report.workers):
        # What is wrong with the database has been said, with its reason.
        if not is_in_service(child) and child.role not in kinds:
            causes = [d.words for d in report.deaths if (d.role, d.slot) == (child.role, child.slot)]
            again = "" if child.again_in_s is None else f", again in {format_duration(child.again_in_s)}"
            why = f": {causes[-1]}" if causes else ""
            found.append(f"{child.name} is not in service ({child.state}{again}){why}")
    return found


def obstacles(report: Report) -> list[str]:
    """The problems that keep this host from its work: another host that is silent is none of them."""
    conditions = tuple(one for one in report.conditions if one.kind != OF_OTHERS)
    return problems(msgspec.structs.replace(report, conditions=conditions))


def is_in_service(child: ChildRecord) -> bool:
    """Whether the child is in service, or has done all it was for."""
    return child.state in {State.RUNNING.value, State.DONE.value}
