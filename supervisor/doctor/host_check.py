"""The check of `doctor` that looks at the hosts which write to the same database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from supervisor.database.hosts import host_records, joining, this_host
from supervisor.doctor.findings import judged, note
from tasks.errors import Error, plain

if TYPE_CHECKING:
    from supervisor.config.run_plan import RunPlan
    from supervisor.doctor.findings import Finding
    from tasks.secret import Secret

CHECK: Final = "hosts"


def count_hosts(plan: RunPlan, url: Secret) -> int:
    """How many hosts are alive at the database, with this one, whether it runs or not; 1 when that is not known."""
    try:
        found, _ = joining.look_at_others(plan, url)
    except Error:
        return 1
    own = this_host.known_identity(plan)
    return 1 + sum(one.is_alive and one.id != own for one in found)


def finding(plan: RunPlan, url: Secret) -> Finding:
    """Who else is alive, who is missed, and whether this host may work beside them."""
    try:
        found, rival = joining.look_at_others(plan, url)
    except Error as error:
        return note(CHECK, f"not known: {plain(error)}")
    own = this_host.known_identity(plan)
    others = [one.name for one in found if one.is_alive and one.id != own]
    number = next((one.number for one in found if one.id == own), 0)
    missed = host_records.missed(found, number)
    return judged(
        CHECK,
        f"beside this one {', '.join(others)}" if others else "no other host is alive",
        faults=[] if rival is None else [joining.refusal(plan, rival)],
        notes=[host_records.describe_missed(missed, found)] if missed else [],
        alive=others,
        silent=[one.name for one in missed],
    )
