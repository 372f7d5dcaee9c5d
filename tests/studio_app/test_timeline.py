"""Moments of a run.

Oracle 6: a moment that was packed is the run state, bit for bit, and so is one that is reached from
the moment before it.
"""

import tracemalloc

import jax
import numpy as np
import pytest

from glassnet.studio_app.experiment import Experiment
from glassnet.studio_app.settings import (
    DataSettings,
    NetworkSettings,
    Settings,
    TrainingSettings,
    WeightChange,
)
from glassnet.studio_app.timeline import Timeline, pack

SETTINGS = Settings(data=DataSettings("moons", n=60))


@pytest.fixture
def run():
    return Experiment(SETTINGS).run


def leaves(run):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(run.state.train_state._replace(losses=()))]


def assert_equal(first, second):
    for a, b in zip(first, second, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


def test_a_packed_moment_is_the_run_state(run):
    run.advance(7)
    moment = pack(run.segment, run.state)
    state = moment.unpack()
    assert_equal(
        leaves(run),
        [np.asarray(each) for each in jax.tree.leaves(state.train_state._replace(losses=()))],
    )
    assert (moment.step, moment.epoch) == (7, 1)
    assert state.epoch_start_state is not None
    np.testing.assert_array_equal(state.losses, run.state.losses)


def test_every_step_can_be_reached_again_from_any_other(run):
    seen = {0: leaves(run)}
    for step in range(1, 12):
        run.advance(1)
        seen[step] = leaves(run)
    for step in (11, 3, 10, 0, 5, 4):
        run.seek(step)
        assert run.step == step
        assert_equal(leaves(run), seen[step])


def test_steps_between_moments_are_computed_again(run):
    by_one = {}
    for _ in range(9):
        run.advance(1)
        by_one[run.step] = leaves(run)
    run.seek(0)
    run.advance(9)
    assert [moment.step for moment in run.timeline.moments] == [0, 9]
    run.seek(4)
    assert_equal(leaves(run), by_one[4])
    assert [moment.step for moment in run.timeline.moments] == [0, 4, 9]
    run.seek(3)
    assert_equal(leaves(run), by_one[3])


def test_the_states_of_a_path_are_those_of_its_steps(run):
    run.advance(6)
    expected = leaves(run)
    states = run.list_states(4)
    assert [int(state.step) for state in states] == [0, 2, 4, 6]
    assert_equal(leaves(run), expected)
    run.seek(2)
    np.testing.assert_array_equal(
        states[1].params[0]["kernel"], run.state.train_state.params[0]["kernel"]
    )


def test_training_on_from_an_earlier_step_forgets_the_later_ones(run):
    run.advance(9)
    run.seek(5)
    assert run.last == 9
    run.advance(1)
    assert run.last == 6
    run.seek(9)
    assert run.step == 6


def test_a_change_in_the_middle_stays_where_it_was_made(run):
    run.advance(4)
    before = leaves(run)
    run.set_weight(WeightChange("dense_1/kernel", (0, 1), 2.0))
    run.set_learning_rate(0.5)
    run.advance(3)
    after = leaves(run)
    run.seek(3)
    run.seek(4)
    assert run.learning_rate == 0.5
    assert not np.array_equal(before[1], leaves(run)[1])
    run.seek(7)
    assert_equal(leaves(run), after)
    assert [event.step for event in run.events] == [4, 4]
    run.seek(2)
    run.advance(1)
    assert run.events == []


@pytest.mark.parametrize(
    ("rate", "steps", "where"),
    [
        (1e6, "epoch 1, step 4 of 7", "the weights after step 2 (epoch 1, step 2 of 7)"),
        (100.0, "epoch 2, step 2 of 7", "the weights after step 7 (epoch 1, step 7 of 7)"),
    ],
)
def test_a_run_whose_loss_is_not_finite_stands_where_its_steps_lead(rate, steps, where):
    """Oracle: a run that is trained to this step and no further, also after a change there."""
    settings = Settings(
        data=DataSettings("plane", n=100),
        network=NetworkSettings((), scale=False),
        training=TrainingSettings("sgd", learning_rate=rate),
    )
    run, other = Experiment(settings).run, Experiment(settings).run
    run.advance(500)
    assert run.problem == (
        f"Training has ended at {steps}: the loss is not finite. The page shows {where}."
    )
    other.advance(run.step)
    np.testing.assert_array_equal(run.state.losses, other.state.losses)
    assert (run.state.epoch, len(run.epochs)) == (other.state.epoch, len(other.epochs))
    assert_equal(leaves(run), leaves(other))
    for each in (run, other):
        each.set_learning_rate(1e-9)
        each.advance(9)
    assert_equal(leaves(run), leaves(other))


def test_a_problem_at_the_first_step_is_named(run):
    """A weight of this size makes the loss of the first step infinite."""
    run.set_weight(WeightChange("dense_2/kernel", (0, 0), 3e38))
    run.set_weight(WeightChange("dense_2/kernel", (1, 0), 3e38))
    run.advance(1)
    assert "Training has ended at epoch 1, step 1 of 5: " in run.problem
    assert run.problem.endswith(" is not finite. The page shows the weights at the start.")


def test_the_memory_of_moments_is_limited_and_ends_and_changes_stay(run):
    small = pack(run.segment, run.state).n_bytes
    run.timeline = Timeline(limit=20 * small)
    run.timeline.add(pack(run.segment, run.state))
    for _ in range(60):
        run.advance(1)
        if run.step == 10:
            run.set_learning_rate(0.02)
    steps = [moment.step for moment in run.timeline.moments]
    assert run.timeline.n_bytes <= 20 * small * 1.5
    assert steps[0] == 0
    assert steps[-1] == 60
    assert 10 in steps
    assert len(steps) < 40
    assert run.timeline.n_bytes == sum(moment.n_bytes for moment in run.timeline.moments)


def test_the_bytes_of_a_moment_are_what_it_takes(run):
    """Oracle: the growth of Python's own memory, measured by tracemalloc."""
    run.advance(2)
    pack(run.segment, run.state)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    moments = [pack(run.segment, run.state) for _ in range(200)]
    measured = (tracemalloc.get_traced_memory()[0] - before) / 200
    tracemalloc.stop()
    assert 0.5 * moments[0].n_bytes < measured < 1.2 * moments[0].n_bytes
