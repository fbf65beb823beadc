"""What `plan` says of the day without the new ones is what it says where they were never given."""

from __future__ import annotations

from dataclasses import replace

import pytest

from supervisor.config import run_plan, settings
from supervisor.selections import plan_inputs, plan_output, plan_words
from supervisor.selections.scene import Scene
from tasks.planning.cost_values import Limits, OtherLoad, Rules, StreamLoad

OWN = StreamLoad(name="own, amazon.com", deals=9_000, news_per_day=900, products_per_day=200, pending=286)
NEW = StreamLoad(name="new, amazon.com", deals=5_000, news_per_day=400, products_per_day=100, pending=334)
LIST = OtherLoad(name="toys", kind="list", products=50, fetching=2_500.0)
UNREAD = OtherLoad(name="best", kind="source", products=None, reading=100.0, refresh_s=86_400.0)
NOWHERE = "nowhere, amazon.com"


@pytest.fixture
def scene(tmp_path):
    plan = run_plan.make_run_plan(settings.load_settings({"STATE_DIR": str(tmp_path)}, dotenv=None))
    return Scene(
        plan=plan,
        rules=Rules(detail_tokens=5.0, history_tokens=5.0, backfill_share=0.3),
        allowance=plan_inputs.on_plan(250, 60.0),
        source="given",
        known=(OWN,),
        new=(),
        left_out=(),
        others=(LIST,),
    )


@pytest.mark.parametrize(
    "given",
    [{"new": (NEW,)}, {"new_others": (UNREAD,)}, {"new": (NEW,), "new_others": (UNREAD,), "new_left_out": (NOWHERE,)}],
)
def test_of_the_day_without_the_new_ones_nothing_counts_them(scene, given, capsys):
    alone = plan_words.sentences(scene, scene.cost())
    both = replace(scene, **given)
    plan_words.show_day(both, None, ())
    _, _, block = capsys.readouterr().out.partition("without the new ones:\n")
    assert [line.strip() for line in block.splitlines()] == alone
    assert any("the 286 that wait" in line for line in alone)
    assert plan_words.sentences(both, both.cost()) != alone
    assert plan_output.output_of(both, None).without_new == plan_output.output_of(scene, None).day


@pytest.mark.parametrize("count", [1, 3_420])
def test_what_waits_because_of_a_source_is_counted_with_what_waits_because_of_selections(scene, count):
    read = OtherLoad(name="best", kind="source", products=4_000, waiting=count * 5.0, reading=50.0, each=5.0)
    both = replace(scene, others=(*scene.others, read))
    words = plan_words.sentences(both, both.cost())
    assert any(f"the {286 + count:,} that wait" in line for line in words)
    told = "best: a reading costs 50 tokens, and its 4,000 products 20,000 once, if nobody has fetched them yet"
    assert told in words
    idle = replace(scene, known=())
    assert any("none waits" in line for line in plan_words.sentences(idle, idle.cost()))


def test_where_no_histories_fit_it_is_told_why_and_what_would_make_room(scene):
    rules = replace(scene.rules, backfill=Limits(tokens=20.0))
    poor = replace(scene, rules=rules, others=(replace(UNREAD, reading=100.0, each=5.0),))
    (line,) = [line for line in plan_words.sentences(poor, poor.cost()) if line.startswith("histories:")]
    assert "none, for reading selections and sources takes all" in line
    assert "raise BACKFILL_TOKENS_PER_DAY" in line


def test_when_the_due_products_of_lists_are_fetched_is_told_for_the_plan_in_force(scene):
    due = replace(LIST, due=5_000, each=1.0)
    lists = replace(scene, known=(), others=(due,), allowance=plan_inputs.on_plan(200, 30.0))
    words = " ".join(plan_words.sentences(lists, lists.cost()))
    assert "5,000 products are due now, for 5,000 tokens: on this plan (400 tokens a minute): 12 min 30 s" in words
    assert plan_output.output_of(lists, None).day.others[0].due_in_s == pytest.approx(750)


def test_what_backfill_has_spent_of_today_puts_off_what_waits(scene):
    spent = Limits(tokens=9_000.0, spent=9_000.0)
    rules = replace(scene.rules, backfill=spent, clock_s=11 * 3_600.0)
    poor = replace(scene, rules=rules, others=())
    (line,) = [line for line in plan_words.sentences(poor, poor.cost()) if line.startswith("histories:")]
    assert "as backfill has spent 9,000 of today's 9,000 tokens" in line
    assert poor.cost().pending_days > 13 / 24
