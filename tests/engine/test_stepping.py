"""Training in calls of some steps.

Oracle 6: however a run is cut into calls, its weights are those of one `fit`, bit for bit.
"""

import numpy as np
import pytest

import glassnet as gn
from glassnet.engine.loop import Decision, LoopHooks
from glassnet.engine.stepping import run_for_steps
from glassnet.inspection.training_runs import RunSettings, flatten_params


def make_model(optimizer="adam"):
    layers = [gn.layers.Input(2), gn.layers.Dense(3, "tanh"), gn.layers.Dropout(0.2)]
    model = gn.Sequential([*layers, gn.layers.Dense(1, "sigmoid")], seed=3)
    model.compile(optimizer, "binary_crossentropy", ["accuracy"])
    return model


def make_run(model, data, **options):
    settings = [RunSettings(start="current", batch_size=6)]
    runs = model.iter_training_runs(data.x, data.y, settings, **options)
    return next(runs), runs


@pytest.fixture(scope="module")
def data():
    return gn.datasets.load("moons", n=50)


def params_of(run, state):
    return flatten_params(run.network, state.train_state.params)


@pytest.mark.parametrize("cut", [1, 4, 7, 10, 100])
def test_any_cut_of_a_run_has_the_weights_of_one_fit(data, cut):
    model = make_model()
    model.fit(data.x, data.y, batch_size=6, epochs=3, verbose=0)
    run, runs = make_run(make_model(), data)
    state, n = run.start, 3 * run.source.steps
    while (done := int(state.train_state.step)) < n:
        state = run_for_steps(run.program, state, run.source, min(cut, n - done)).run_state
        assert int(state.train_state.step) == min(done + cut, n)
    assert state.epoch == 3
    assert not len(state.losses)
    expected = np.concatenate([weight.ravel() for weight in model.get_weights()])
    np.testing.assert_array_equal(params_of(run, state), expected)
    runs.close()


def test_a_part_of_an_epoch_has_the_losses_of_its_steps(data):
    run, runs = make_run(make_model(), data)
    state = run_for_steps(run.program, run.start, run.source, 9).run_state
    assert (state.epoch, len(state.losses)) == (1, 9 - run.source.steps)
    one_by_one, losses = run.start, []
    for _ in range(9):
        record = run_for_steps(run.program, one_by_one, run.source, 1)
        losses.append(record.step_losses[-1])
        one_by_one = record.run_state
    np.testing.assert_array_equal(state.losses, losses[run.source.steps :])
    runs.close()


def test_hooks_see_every_complete_epoch_and_its_validation(data):
    seen = []
    hooks = LoopHooks(
        validate=lambda state: {"val_loss": float(state.step)},
        on_epoch_end=lambda record: seen.append(record.logs) or Decision(),
    )
    run, runs = make_run(make_model(), data)
    run_for_steps(run.program, run.start, run.source, 2 * run.source.steps + 1, hooks=hooks)
    assert [logs["val_loss"] for logs in seen] == [run.source.steps, 2 * run.source.steps]
    assert all(0 <= logs["accuracy"] <= 1 for logs in seen)
    runs.close()


def test_training_stops_between_slices_when_asked(data):
    calls = []
    run, runs = make_run(make_model(), data)
    record = run_for_steps(
        run.program,
        run.start,
        run.source,
        10**6,
        should_stop=lambda: len(calls.append(1) or calls) > 3,
    )
    assert 0 < int(record.run_state.train_state.step) < 10**6
    assert record.decision.stop.endswith("paused")
    runs.close()


def test_a_loss_that_is_not_finite_ends_the_call_and_is_named(data):
    model = gn.Sequential([gn.layers.Input(2), gn.layers.Dense(1)], seed=3)
    model.compile(gn.optimizers.SGD(1e6), "mse")
    run, runs = make_run(model, data)
    record = run_for_steps(run.program, run.start, run.source, 50)
    assert not record.finite
    assert "is not finite" in record.decision.stop
    assert np.isfinite(params_of(run, record.run_state)).all()
    runs.close()
