"""What requests cost is learned from what the server charged: rarely short, never far off, not thrown by one reply."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import Shape
from ledger.errors import Full
from ledger.model import costs
from ledger.model.book import Book
from ledger.model.entries import ShapeState
from ledger.model.view import View

BATCH = re.compile(r"[,.]\d{3},?\s+(\d+) (\d+) \d+\.\d+")


class Learner:
    """One shape, told of one batch after the other."""

    def __init__(self, prior=2.0, most=math.inf):
        self.view, self.prior, self.most = View(Book()), prior, most
        self.index = costs.enter(self.view, self.shape(1))

    def shape(self, items):
        return Shape(name="details", items=items, prior=self.prior, most=self.most)

    def estimate(self, items):
        return costs.estimate(self.view, self.shape(items))

    def learn(self, items, tokens):
        costs.learn(self.view.shapes[self.index], items, tokens)


def test_of_the_recorded_batches_two_in_a_hundred_would_have_been_short(recorded):
    text = (recorded / "token" / "product_batch_costs.txt").read_text(encoding="utf-8")
    batches = [(int(items), int(tokens)) for items, tokens in BATCH.findall(text) if int(items) and int(tokens)]
    learner, short, holds_mt = Learner(prior=7.0), [], 0
    for items, tokens in batches:
        reserved = learner.estimate(items)
        learner.learn(items, tokens)
        holds_mt += max(0, reserved - tokens)
        if tokens > reserved:
            short.append(tokens - reserved)
    assert (len(batches), len(short), max(short)) == (101, 2, 24)
    assert holds_mt < 0.31 * sum(tokens for _, tokens in batches)


@given(st.floats(1, 60), st.integers(1, 100))
def test_before_anything_is_learned_the_prior_holds(prior, items):
    assert Learner(prior).estimate(items) >= items * prior


@given(st.lists(st.tuples(st.integers(1, 100), st.floats(0, 1)), max_size=60), st.integers(1, 100), st.integers(1, 12))
def test_no_more_is_reserved_than_is_documented_while_nothing_dearer_was_charged(history, items, most):
    learner = Learner(float(most), most)
    for batch, part in history:
        learner.learn(batch, round(part * batch * most))
    assert learner.estimate(items) <= items * most


def test_a_cheap_answer_for_a_code_lowers_the_bound_of_the_next_and_never_raises_it():
    learner, bounds = Learner(1.0, 1), []
    for _ in range(60):
        bounds.append(learner.estimate(5))
        learner.learn(5, 1)
    assert bounds[0] == 5
    assert bounds == sorted(bounds, reverse=True)
    assert bounds[-1] <= 3


def test_a_server_that_charges_more_than_is_documented_is_believed():
    learner = Learner(1.0, 1)
    for _ in range(30):
        learner.learn(5, 15)
    assert learner.estimate(5) >= 15


@given(st.lists(st.tuples(st.integers(1, 100), st.integers(1, 6_000)), max_size=60), st.integers(1, 99))
def test_more_items_never_cost_less_and_nothing_is_free(history, items):
    learner = Learner()
    for batch, tokens in history:
        learner.learn(batch, tokens)
    assert 1 <= learner.estimate(items) <= learner.estimate(items + 1)


@given(st.integers(1, 12), st.integers(10, 100))
def test_a_constant_cost_is_never_short_and_soon_reserved_with_little_to_spare(each, items):
    learner = Learner(prior=2.0)
    for _ in range(300):
        learner.learn(items, each * items)
    assert each * items <= learner.estimate(items) <= 1.05 * each * items + 1


@given(st.integers(20, 100))
def test_one_reply_of_sixty_tokens_an_item_moves_a_settled_estimate_by_less_than_a_half(items):
    learner = Learner()
    for turn in range(100):
        learner.learn(items, 7 * items + turn % 5)
    settled = learner.estimate(items)
    learner.learn(items, 60 * items)
    assert learner.estimate(items) < 1.5 * settled


@given(
    st.lists(st.integers(1, 100), max_size=30),
    st.integers(1, 12),
    st.integers(1, 10_000_000),
    st.integers(1, 100),
)
def test_no_sample_makes_a_request_dearer_than_it_can_be(batches, each, wild, items):
    learner = Learner()
    for batch in batches:
        learner.learn(batch, each * batch)
    learner.learn(items, wild)
    assert learner.estimate(items) <= costs.MAX_PER_ITEM * items


@given(st.integers(3, 200), st.integers(1, 12), st.integers(1, 10_000_000))
def test_where_all_calls_cost_the_same_a_wild_sample_counts_as_the_most_an_item_can_cost(calls, each, wild):
    learner = Learner(prior=each)
    for _ in range(calls):
        learner.learn(1, each)
    learner.learn(1, wild)
    weight = min(calls + costs.PRIOR_SAMPLES, costs.MEMORY)
    moved = learner.view.shapes[learner.index].mean - each
    assert moved <= (costs.MAX_PER_ITEM - each) / weight + 1e-6


def test_a_shape_is_entered_once_with_its_prior():
    view = View(Book())
    first, second = (costs.enter(view, Shape(name=name, items=1, prior=3.5)) for name in ("one", "two"))
    assert (first, second, costs.enter(view, Shape(name="one", items=9, prior=8.0))) == (0, 1, 0)
    state = view.shapes[0]
    assert (state.name, state.mean, state.variance, state.samples) == (b"one", 3.5, 0, 0)
    assert [costs.find(view, name) for name in ("one", "two", "three")] == [0, 1, -1]


def test_a_shape_that_takes_the_place_of_another_has_nothing_of_it():
    view = View(Book())
    view.shapes[0].variance, view.shapes[0].samples = 5.0, 9
    costs.enter(view, Shape(name="one", items=1, prior=3.5))
    assert (view.shapes[0].variance, view.shapes[0].samples) == (0, 0)


@pytest.mark.parametrize("name", ["", "x" * 32, "ä"])
def test_a_name_that_the_layout_cannot_hold_is_refused(name):
    with pytest.raises(ValueError, match="1 to 31 ASCII characters"):
        costs.enter(View(Book()), Shape(name=name, items=1, prior=1.0))


def test_the_layout_holds_24_shapes_with_names_of_31_characters():
    view = View(Book())
    for number in range(24):
        costs.enter(view, Shape(name=f"{number:031}", items=1, prior=1.0))
    with pytest.raises(Full, match="24 request shapes are known"):
        costs.enter(view, Shape(name="one more", items=1, prior=1.0))
    assert view.book.shape_count == 24


def test_an_estimate_is_a_whole_number_and_at_least_one():
    view = View(Book())
    assert costs.estimate(view, Shape(name="new", items=3, prior=1.5)) == 5
    assert costs.estimate(view, Shape(name="new", items=3, prior=0.0)) == 1
    index = costs.enter(view, Shape(name="known", items=1, prior=0.0))
    view.shapes[index].samples = 1
    assert costs.estimate(view, Shape(name="known", items=3, prior=9.0)) == 1
    view.shapes[index].mean = 2.0
    assert costs.estimate(view, Shape(name="known", items=3, prior=9.0)) == 6


def test_a_batch_costs_its_mean_and_2_33_deviations_and_never_more_than_60_an_item():
    state = ShapeState(mean=2.0, variance=9.0)
    assert costs.high(state, 4) == 4 * 2 + 2.33 * 6
    assert costs.high(state, 1) == 2 + 2.33 * 3
    assert costs.high(ShapeState(mean=59.0, variance=100.0), 4) == 240


def test_a_call_can_have_cost_a_hundred_an_item_or_what_was_reserved():
    assert costs.max_cost_mt(30_000, 6) == 600_000
    assert costs.max_cost_mt(700_000, 6) == 700_000
    assert costs.max_cost_mt(30_000, 1) == 100_000
    assert costs.max_cost_mt(30_000, 0) == 10_000_000


def test_the_first_samples_weigh_as_one_of_the_prior_and_those_seen():
    learner = Learner(prior=2.0)
    learner.learn(10, 80)
    state = learner.view.shapes[learner.index]
    assert (state.mean, state.variance, state.samples) == (2 + 6 / 3, 360 / 3, 1)
    learner.learn(10, 80)
    assert (state.mean, state.variance, state.samples) == (4 + 4 / 4, 120 + (160 - 120) / 4, 2)


def test_no_sample_weighs_less_than_a_fiftieth():
    learner = Learner(prior=2.0)
    state = learner.view.shapes[learner.index]
    state.samples = 1_000
    learner.learn(10, 70)
    assert (state.mean, state.variance) == (2 + 5 / 50, 250 / 50)


@pytest.mark.parametrize(("tokens", "moved"), [(130, 6.0), (1, -1.9), (20, 0.0), (100, 6.0)])
def test_where_costs_scatter_a_sample_counts_to_six_deviations(tokens, moved):
    learner = Learner(prior=2.0)
    state = learner.view.shapes[learner.index]
    state.samples, state.variance = 47, 10.0
    learner.learn(10, tokens)
    assert state.mean == pytest.approx(2 + moved / 50)
    assert state.variance == pytest.approx(10 + (moved * moved * 10 - 10) / 50)


def test_a_sample_below_the_mean_counts_to_six_deviations_too():
    learner = Learner(prior=50.0)
    state = learner.view.shapes[learner.index]
    state.samples, state.variance = 47, 10.0
    learner.learn(10, 10)
    assert state.mean == pytest.approx(50 - 6 / 50)


def test_the_first_three_samples_count_in_full():
    learner = Learner(prior=2.0)
    state = learner.view.shapes[learner.index]
    state.samples, state.variance = 2, 0.001
    learner.learn(1, 52)
    assert state.mean == 2 + 50 / 5
    state.samples, state.variance, state.mean = 3, 0.01, 2.0
    learner.learn(1, 52)
    assert state.mean == pytest.approx(2 + 0.6 / 6)


def test_a_call_for_nothing_teaches_nothing():
    learner = Learner(prior=2.0)
    learner.learn(0, 50)
    learner.learn(-1, 50)
    assert learner.view.shapes[learner.index].samples == 0


def test_a_mean_is_never_above_what_an_item_can_cost():
    learner = Learner(prior=59.0)
    for _ in range(5):
        learner.learn(1, 10_000)
    assert learner.view.shapes[learner.index].mean <= 60
    state = learner.view.shapes[learner.index]
    state.mean = 70.0
    learner.learn(1, 10_000)
    assert state.mean == 60
