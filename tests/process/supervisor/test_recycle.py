"""What has grown too large is replaced, workers in turn, and that is no death (checklist lines 9 and 53)."""

from __future__ import annotations

from supervisor.config import settings
from supervisor.process.restart_policy import Policy
from supervisor.process.states import State
from supervisor.tree.recycling import PageLimits
from supervisor.tree.web_service import WebService
from supervisor.tree.workers import WorkerPool

SOON = Policy(stable_s=0.2)


def employ(family, script, count):
    """Workers of so little an allowance that each is too large."""
    worker_pool = WorkerPool(family.tree, family.log, ())
    worker_pool._settings = settings.load_settings({"MAX_RSS_MB": "1"}, dotenv=None)
    family.child_beat = lambda slot: worker_pool.recycle_if_due(slot, family.loop.now_ns())
    return [family.add("backfill", script, slot=number, policy=SOON) for number in range(count)]


def test_line_53_what_is_too_large_is_replaced_one_at_a_time_and_line_9_counts_no_death(family):
    slots = employ(family, [["wait", 0.3], ["ready"], ["work_for_ever", 0.05]], 3)
    family.tree.start_workers()
    family.until(lambda: len(family.ready) == 3)
    first = {slot.spec.name: slot.pid for slot in slots}

    def all_are_fresh():
        out = [slot for slot in slots if slot.state is not State.RUNNING]
        assert len(out) <= 1
        return not out and all(slot.pid != first[slot.spec.name] for slot in slots)

    family.until(all_are_fresh, "three fresh workers")
    died = family.records("died")
    assert {record["cause"] for record in died} == {"recycled"}
    assert "MAX_RSS_MB=1" in family.records("recycled")[0]["message"]
    assert family.deaths() == []
    assert {(slot.history.total, slot.history.in_a_row) for slot in slots} == {(0, 0)}


def test_line_53_one_that_waits_for_tokens_gets_them_first(family):
    waits = [["promise", "waiting_tokens", 30], ["wait", 0.1]] * 6
    (slot,) = employ(family, [["ready"], *waits, ["beat"], ["hang"]], 1)
    phases = []
    consider = family.child_beat
    family.child_beat = lambda one: (phases.append((one.beat.phase, one.state)), consider(one))
    family.tree.start_workers()
    family.until(lambda: family.records("recycled"))
    assert slot.pid is not None
    assert [state for phase, state in phases if phase == "waiting_tokens"] == [State.RUNNING] * 6
    assert phases[-1][0] == "calling"


def test_the_page_that_is_too_large_is_replaced_at_once_but_for_an_answer_under_way(family):
    script = [["ready"], *[["beat", {"phase": "serving"}]] * 3, ["beat", {"phase": "unasked"}]]
    slot = family.add("web", script)
    limits = PageLimits(mb=1, served_s=0, busy=1_000_000)
    page = WebService(family, family.loop, family.log, print, limits=limits)
    phases = []

    def judge(one):
        if not family.records("recycled"):  # the one after it would be replaced as well, perhaps before it is seen
            phases.append(one.beat.phase)
            page._replace_if_large(one)

    family.child_beat = judge
    family.tree.start_workers()
    family.until(lambda: family.records("recycled"))
    assert phases == ["serving"] * 3 + ["unasked"]
    first = family.records("recycled")[0]["pid"]
    family.until(lambda: slot.state is State.RUNNING and slot.pid != first, "a fresh process")
    assert {record["cause"] for record in family.records("died")} == {"recycled"}
    assert family.deaths() == []
