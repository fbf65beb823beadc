"""A child as data: its name, and the limits it has when nobody says otherwise."""

from supervisor.process.restart_policy import Policy, RestartType
from supervisor.process.spec import Spec


def test_a_child_is_called_by_its_role_and_its_slot():
    assert Spec(role="upsert", slot=2).name == "upsert-2"


def test_a_child_has_the_documented_limits():
    assert Spec(role="upsert", slot=0) == Spec(
        role="upsert",
        slot=0,
        restart_type=RestartType.PERMANENT,
        ready_s=15,
        stop_s=30,
        hang_s=120,
        grace_s=2,
        policy=Policy(first_s=1, cap_s=60, jitter=0.1, stable_s=60, max_restarts=5, period_s=60),
    )
