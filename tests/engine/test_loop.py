"""The training loop: slices, decisions, observations, and non-finite values."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import glassnet as gn
from glassnet.callbacks import EarlyStopping
from glassnet.engine import network
from glassnet.engine.epoch_runner import ArraySource, RunState, SlicePacer, StepRange
from glassnet.engine.loop import Decision, LoopHooks, run_epochs
from glassnet.engine.train_step import (
    Data,
    Program,
    create_train_state,
    make_plan,
    observe_step,
    reset_epoch_sums,
    run_steps,
)
from glassnet.errors import TrainingWarning
from glassnet.layers import Activation, BatchNormalization, Dense, Dropout, Rescaling
from glassnet.losses import HalfMeanSquaredError, SparseCategoricalCrossentropy
from glassnet.metrics import Accuracy
from glassnet.optimizers import SGD, Adam
from glassnet.testing import compilations
from nets import line_model, same_bits
from oracles import close


@pytest.mark.parametrize(
    ("huge", "what"),
    [(1e30, "the loss"), (3e38, "the output of dense_1")],
    ids=["loss", "output"],
)
def test_a_loss_beyond_floats_is_named_and_undone(huge, what):
    """Oracle: by hand. Row 9 of 20 is in the third of five steps.

    2 * 1e30 squared and 2 * 3e38 are beyond 3.4e38. The last weights with a finite loss are
    those after one step, on the first 4 rows.
    """
    x, y = np.linspace(0, 1, 20), np.zeros(20)
    x[9] = huge
    model, short = line_model(SGD(0.01)), line_model(SGD(0.01))
    weights_kept = r"The last weights with a finite loss are kept\. A lower learning rate"
    with pytest.warns(
        TrainingWarning,
        match=rf"Training stopped in epoch 1, step 3 of 5: {what} is not finite\. {weights_kept}",
    ):
        log = model.fit(x, y, batch_size=4, epochs=3, shuffle=False, verbose=0)
    short.fit(x[:4], y[:4], batch_size=4, shuffle=False, verbose=0)
    close(np.ravel(model.get_weights()[0]), np.ravel(short.get_weights()[0]))
    assert log.history == {"loss": [np.inf]}
    assert (log.epoch, log.steps) == ([0], 1)
    assert log.stopped == f"epoch 1, step 3 of 5: {what} is not finite"
    assert model.epoch == 0
    assert "stopped: epoch 1, step 3" in repr(log)


def test_a_gradient_beyond_floats_is_named_and_undone():
    """Oracle: by hand. sqrt has slope infinity at 0: with a zero kernel the loss is 1 and the delta
    of dense_1 is -infinity.
    """
    model = gn.Sequential([Dense(1, kernel_initializer="zeros"), Activation(jnp.sqrt)], seed=0)
    model.compile(SGD(0.1), "mse")
    with pytest.warns(
        TrainingWarning, match=r"epoch 1, step 1 of 1: the delta of dense_1 is not finite"
    ):
        model.fit(np.ones((4, 2)), np.ones(4), verbose=0)
    assert [w.sum() for w in model.get_weights()] == [0, 0]


def test_a_derivative_by_an_output_that_is_no_z_is_not_called_delta():
    """Oracle: by hand. dL/d(output) of the first sqrt is -infinity: its output is 0, and the second
    sqrt has slope infinity there. The delta of dense_1 is further down.
    """
    layers = [Dense(1, kernel_initializer="zeros"), Activation(jnp.sqrt), Activation(jnp.sqrt)]
    model = gn.Sequential(layers, seed=0)
    model.compile(SGD(0.1), "mse")
    with pytest.warns(
        TrainingWarning, match=r"step 1 of 1: dL/d\(output\) of activation_1 is not finite"
    ):
        model.fit(np.ones((4, 2)), np.ones(4), verbose=0)


def test_divergence_keeps_the_last_finite_weights():
    """With a far too large rate, each step multiplies w by about -199, so the loss overflows within
    20 epochs.
    """
    model = line_model(SGD(100.0))
    with pytest.warns(TrainingWarning, match=r"epoch \d+, step 1 of 1: "):
        log = model.fit([1.0], [0.0], epochs=100, verbose=0)
    assert 2 < len(log.epoch) < 20
    assert np.isfinite(log.history["loss"][:-1]).all()
    assert not np.isfinite(log.history["loss"][-1])
    assert model.evaluate([1.0], [0.0]) == pytest.approx(
        log.history["loss"][-2]
    )  # the initial weights of the last complete epoch
    model.learning_rate = 1e-3
    assert model.fit([1.0], [0.0], epochs=2, verbose=0).stopped is None


def test_statistics_beyond_floats_are_named_and_undone():
    """Oracle: by hand. (1e25)^2 is beyond 3.4e38: the batch variance is infinite, the outputs are
    finite.
    """
    model = gn.Sequential([BatchNormalization(), Dense(1)], seed=0)
    model.compile(SGD(0.1), "mse")
    x = np.ones((8, 1))
    x[5] = 1e25
    with pytest.warns(
        TrainingWarning,
        match=r"epoch 1, step 2 of 2: a statistic of batch_normalization_1 is not finite",
    ):
        model.fit(x, np.ones(8), batch_size=4, shuffle=False, verbose=0)
    assert np.isfinite(np.concatenate([w.ravel() for w in model.get_weights()])).all()


def test_early_stopping_restores_through_a_bad_epoch():
    """Oracle: a relation. The best epoch before the overflow is the first: its weights are
    restored.
    """
    model, short = line_model(SGD(100.0)), line_model(SGD(100.0))
    with pytest.warns(TrainingWarning, match="not finite"):
        model.fit(
            [1.0], [0.0], epochs=100, verbose=0, callbacks=[EarlyStopping("loss", patience=50)]
        )
    short.fit([1.0], [0.0], verbose=0)
    assert same_bits(model, short)


ROWS, STEPS = 23, 10
"""23 rows in batches of 5 are 5 steps, the last one padded. The fragile neuron has 10 steps of one
row.
"""
RNG = np.random.default_rng(0)
DATA = Data(
    RNG.normal(size=(ROWS, 4)).astype(np.float32), RNG.integers(0, 3, ROWS).astype(np.int32)
)
NOISY = (
    Dense(6, activation="relu"),
    BatchNormalization(),
    Dropout(0.3),
    Dense(3, activation="softmax"),
)


def started(layers, loss, optimizer, shape, metrics=(), rate=0.05):
    built, params, state = network.build(layers, shape, np.random.default_rng(0))
    program = Program(built.links, loss, optimizer, metrics)
    return program, create_train_state(program, params, state, rate=rate, seed=0)


@pytest.fixture(scope="module")
def noisy():
    return started(NOISY, SparseCategoricalCrossentropy(), Adam(), (4,), (Accuracy(),))


def plan(epoch):
    return make_plan(ROWS, 5, seed=1, epoch=epoch)


def ran(program, train_state, last=3, first=0, data=DATA, plan=plan, observe=None, **hooks):
    return list(
        run_epochs(
            program,
            RunState(first, train_state),
            ArraySource(data, plan, plan(0).mask.shape[1]),
            end_epoch=last,
            hooks=LoopHooks(**hooks),
            observe=observe,
        )
    )


def same_tree(a, b):
    jax.tree.map(np.testing.assert_array_equal, a, b)


def slices_of(monkeypatch, steps):
    monkeypatch.setattr(SlicePacer, "slice_steps", steps)


@pytest.mark.parametrize("steps", [1, 2, 4, 100])
def test_progress_changes_no_bit_and_compiles_nothing(noisy, monkeypatch, steps):
    """Oracle: a loop over `run_steps`, one call per epoch. All slicings share one compilation."""
    program, train_state = noisy
    expected = train_state
    for epoch in range(3):
        expected = reset_epoch_sums(program, expected, 5)
        expected = run_steps(program, expected, DATA, plan(epoch), np.int32(0), np.int32(5))
    ran(program, train_state, 1)
    slices_of(monkeypatch, steps)
    seen = []
    with compilations() as compiled:
        records = ran(
            program,
            train_state,
            on_slice=lambda steps_done, steps, logs, snapshot: seen.append((steps_done, steps)),
        )
    assert compiled == []
    same_tree(records[-1].train_state, expected)
    assert seen == [
        (min(steps_done, 5), 5) for _ in range(3) for steps_done in range(steps, 5 + steps, steps)
    ]


def test_records_follow_each_other(noisy):
    program, train_state = noisy
    records = ran(program, train_state)
    assert [record.epoch for record in records] == [0, 1, 2]
    assert all(
        record.complete and record.finite and record.seconds > 0 and not record.observations
        for record in records
    )
    same_tree(records[0].epoch_start_state.params, train_state.params)
    for earlier, later in pairwise(records):
        same_tree(later.epoch_start_state, earlier.train_state)
    later = ran(program, records[0].train_state, first=1)
    same_tree(
        [record.train_state for record in later], [record.train_state for record in records[1:]]
    )


def test_logs_against_numpy(noisy):
    """The loss is averaged over rows (the last batch has 3, not 5); `validate` adds its logs."""
    program, train_state = noisy
    (record,) = ran(
        program, train_state, 1, validate=lambda train_state: {"val_loss": float(train_state.step)}
    )
    losses = [float(loss) for loss in record.train_state.losses]
    close(
        record.logs["loss"],
        sum(loss * rows for loss, rows in zip(losses, (5, 5, 5, 5, 3), strict=True)) / 23,
    )
    assert record.logs["accuracy"] == int(record.train_state.metric_sums[0]["total"]) / 23
    assert list(record.logs) == ["loss", "accuracy", "val_loss"]
    assert record.logs["val_loss"] == 5


def test_weight_change_is_the_largest_of_any_weight(noisy):
    (record,) = ran(*noisy, 1)
    old, new = (
        jax.tree.leaves(record.epoch_start_state.params),
        jax.tree.leaves(record.train_state.params),
    )
    changes = [
        np.abs(np.asarray(after) - np.asarray(before)).max()
        for before, after in zip(old, new, strict=True)
    ]
    assert record.weight_change == max(changes) > 0


def test_a_decision_stops_the_run(noisy):
    records = ran(
        *noisy,
        9,
        on_epoch_end=lambda record: Decision(stop="enough" if record.epoch == 1 else None),
    )
    assert [record.decision.stop for record in records] == [None, "enough"]
    same_tree(records[-1].train_state, ran(*noisy, 2)[-1].train_state)


@pytest.mark.parametrize("stop", [None, 4])
def test_the_kept_weights_come_back_at_the_end(noisy, stop):
    """With weights kept after epochs 0 and 2, the last record has the weights and statistics of
    epoch 2.
    """
    plain = ran(*noisy, 6)
    records = ran(
        *noisy,
        6,
        on_epoch_end=lambda r: Decision(
            keep_weights=r.epoch in (0, 2), stop="there" if r.epoch == stop else None
        ),
    )
    assert len(records) == (6 if stop is None else stop + 1)
    for record, same in zip(records[:-1], plain, strict=False):
        same_tree(record.train_state, same.train_state)
    last, expected = records[-1].train_state, plain[len(records) - 1].train_state
    same_tree((last.params, last.state), (plain[2].train_state.params, plain[2].train_state.state))
    same_tree(last._replace(params=(), state=()), expected._replace(params=(), state=()))


def test_a_decided_rate_holds_from_the_next_epoch(noisy):
    program, train_state = noisy
    records = ran(
        program,
        train_state,
        on_epoch_end=lambda record: Decision(learning_rate=0.001 if record.epoch == 0 else None),
    )
    first = ran(program, train_state, 1)[0].train_state
    same_tree(records[0].train_state, first._replace(rate=np.float32(0.001)))
    same_tree(
        records[2].train_state,
        ran(program, first._replace(rate=jnp.float32(0.001)), first=1)[-1].train_state,
    )


def test_a_watch_breaks_the_epoch_off(noisy, monkeypatch):
    """Stopped after the second slice of two steps, the record is incomplete and has the state after
    four steps.
    """
    program, train_state = noisy
    slices_of(monkeypatch, 2)
    decided = []
    calls = iter([None, None, None, None, "interrupted"])  # three slices of epoch 1, two of epoch 2
    records = ran(
        program,
        train_state,
        on_epoch_end=lambda r: decided.append(r.epoch) or Decision(),
        on_slice=lambda *_: next(calls),
    )
    assert [record.complete for record in records] == [True, False]
    assert decided == [0]
    broken = records[-1]
    assert broken.finite
    assert broken.logs == {}
    assert broken.decision.stop == "epoch 2, step 4 of 5: interrupted"
    want = run_steps(
        program,
        reset_epoch_sums(program, records[0].train_state, 5),
        DATA,
        plan(1),
        np.int32(0),
        np.int32(4),
    )
    same_tree(broken.train_state, want)


def test_an_interrupted_run_ends_with_the_kept_weights(noisy, monkeypatch):
    slices_of(monkeypatch, 4)
    calls = iter([None, None, "interrupted"])
    records = ran(
        *noisy,
        on_epoch_end=lambda record: Decision(keep_weights=True),
        on_slice=lambda *_: next(calls),
    )
    same_tree(records[-1].train_state.params, records[0].train_state.params)
    assert [record.complete for record in records] == [True, False]


def test_an_epoch_that_is_whole_when_it_is_interrupted_counts(noisy, monkeypatch):
    slices_of(monkeypatch, 5)
    (record,) = ran(*noisy, on_slice=lambda *_: "interrupted")
    assert record.complete
    assert record.logs["loss"] > 0
    assert record.decision.stop == "epoch 1, step 5 of 5: interrupted"


def test_a_best_epoch_that_leads_to_no_finite_loss_is_not_restored():
    """Oracle: by hand. The only complete epoch ends with exploded weights, so the initial weights
    are kept.
    """
    x, y = np.ones((4, 1)), np.ones(4)
    model = line_model(SGD(1e25))
    before = model.get_weights()
    with pytest.warns(
        TrainingWarning,
        match="epoch 2, step 1 of 1: the loss is not finite. The last weights with a finite loss",
    ):
        model.fit(x, y, epochs=5, verbose=0, callbacks=EarlyStopping("loss", patience=3))
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_a_fit_that_begins_with_exploded_weights_says_so():
    model = line_model(SGD(1e25))
    model.fit(np.ones((4, 1)), np.ones(4), verbose=0)
    with pytest.warns(
        TrainingWarning,
        match=r"The weights are those that the fit began with\. .* reset\(\) starts again",
    ):
        model.fit(np.ones((4, 1)), np.ones(4), verbose=0)


def test_observations_are_of_the_steps_that_follow(noisy, monkeypatch):
    """Oracle: `observe_step` on the train state at that step. Observing changes nothing."""
    program, train_state = noisy
    slices_of(monkeypatch, 100)
    (record,) = ran(program, train_state, 1, observe=True)
    assert [(seen.epoch, seen.step) for seen in record.observations] == [
        (0, 1),
        (0, 2),
        (0, 3),
        (0, 4),
        (0, 4),
    ]
    after_two = run_steps(
        program, reset_epoch_sums(program, train_state, 5), DATA, plan(0), np.int32(0), np.int32(2)
    )
    np.testing.assert_array_equal(
        record.observations[1].values, observe_step(program, after_two, DATA, plan(0), np.int32(2))
    )
    same_tree(record.train_state, ran(program, train_state, 1, observe=False)[0].train_state)


@pytest.mark.parametrize("rows", [19, 20, 21, 47, 100])
def test_an_epoch_is_observed_at_most_twenty_times(monkeypatch, rows):
    steps = []
    monkeypatch.setattr(
        "glassnet.engine.epoch_runner.observe_step",
        lambda program, train_state, data, plan, i: steps.append(int(i)) or np.zeros(1),
    )
    program, train_state, data, _ = fragile(0, 1.0, 0.5, rows)
    ran(
        program,
        train_state,
        1,
        data=data,
        plan=lambda epoch: make_plan(rows, 1, seed=0, epoch=0),
        observe=True,
    )
    assert 10 < len(steps) <= 20
    assert steps == sorted(steps)
    assert steps[-1] == rows - 1


def test_only_long_runs_are_observed_unasked(monkeypatch, noisy):
    """By hand: 5 steps at 2 per second take 2.5 s. Two remaining epochs take 5 s, three take
    longer.
    """

    def note(pace, steps, began):
        pace.total_steps, pace.total_seconds = (
            pace.total_steps + steps,
            pace.total_seconds + steps / 2,
        )

    monkeypatch.setattr(SlicePacer, "record_slice", note)
    monkeypatch.setattr("glassnet.engine.epoch_runner.observe_step", lambda *_: np.zeros(1))
    assert [len(record.observations) > 0 for record in ran(*noisy, 4)] == [True, True, False, False]


def test_pace_counts_from_the_later_of_dispatch_and_the_last_end(monkeypatch):
    """By hand: two slices.

    30 steps from 10.0 to 10.5 are 60 per second. 50 steps sent at 10.1 and finished at 11.0 took
    0.5 s: 100 per second.
    """
    pace, times = SlicePacer(), iter([10.5, 11.0])
    assert pace.slice_steps == 1
    monkeypatch.setattr("glassnet.engine.epoch_runner.time.perf_counter", lambda: next(times))
    pace.record_slice(30, 10.0)
    assert (round(pace.steps_per_second), pace.slice_steps) == (60, 12)
    pace.record_slice(50, 10.1)
    assert (round(pace.steps_per_second), pace.slice_steps) == (100, 20)


def fragile(bad, x, y, rows=STEPS, rate=0.5):
    """A sigmoid neuron with w = 0, in steps of one row (x = 1, y = 1/2: no gradient), one of them
    replaced.
    """
    layers = [Dense(1, use_bias=False, kernel_initializer="zeros", activation="sigmoid")]
    program, train_state = started(layers, HalfMeanSquaredError(), SGD(), (1,), rate=rate)
    data = Data(np.ones((rows, 1), np.float32), np.full((rows, 1), 0.5, np.float32))
    data.x[bad], data.y[bad] = x, y
    return (
        program,
        train_state,
        data,
        lambda epoch: make_plan(rows, 1, seed=0, epoch=0, shuffle=False),
    )


PLANTED = {
    "the output of dense_1": (np.inf, 0.5, 0.5),
    "the loss": (1.0, 1e30, 0.5),  # half of 1e60
    "the gradient of dense_1": (1e30, 1e10, 0.5),  # 1e30 * 1e10 / 4, where the loss is 5e19
    "the update of the weights": (1e20, 1e10, 1e10),  # 1e10 times a gradient of 2.5e29
}


@pytest.mark.parametrize("steps", [1, 3, 100])
@pytest.mark.parametrize("bad", [0, 4, STEPS - 1])
@pytest.mark.parametrize("what", PLANTED)
def test_the_step_and_the_link_that_went_bad_are_found(monkeypatch, what, bad, steps):
    """The first bad step is found, with any slicing, although later losses are finite.

    Infinite weights give sigmoid(inf) = 1. The final state is that before the bad step, bit for
    bit; if the loss is not finite, that before the step before it.
    """
    x, y, rate = PLANTED[what]
    program, train_state, data, order = fragile(bad, x, y, rate=rate)
    slices_of(monkeypatch, steps)
    (record,) = ran(program, train_state, data=data, plan=order)
    assert not record.complete
    assert not record.finite
    assert record.logs == {}
    assert record.decision.stop == f"epoch 1, step {bad + 1} of {STEPS}: {what} is not finite"
    good_steps = max(bad - 1, 0) if what in ("the output of dense_1", "the loss") else bad
    same_tree(
        record.train_state,
        run_steps(
            program,
            reset_epoch_sums(program, train_state, STEPS),
            data,
            order(0),
            np.int32(0),
            np.int32(good_steps),
        ),
    )


def test_a_bad_link_in_the_middle_of_a_noisy_network_is_named():
    """exp overflows above 88, and 100 tanh reaches 100; only that link is named."""
    layers = [
        Dense(4, activation="tanh"),
        Rescaling(100.0),
        Activation(jnp.exp, name="burst"),
        BatchNormalization(),
        Dense(3),
    ]
    program, train_state = started(
        layers, SparseCategoricalCrossentropy(from_logits=True), Adam(), (4,)
    )
    (record,) = ran(program, train_state, data=DATA._replace(x=100 * DATA.x))
    assert record.decision.stop == "epoch 1, step 1 of 5: the output of burst is not finite"


def test_two_slices_are_in_flight_and_no_more(monkeypatch, noisy):
    """Oracle: counting. With five slices of one step, at most two are in flight."""
    slices_of(monkeypatch, 1)
    events, until = [], StepRange.run_until
    monkeypatch.setattr(StepRange, "run_until", lambda *args: events.append(1) or until(*args))
    ran(*noisy, 1, on_slice=lambda steps_done, steps, logs, snapshot: events.append(-1))
    assert np.cumsum(events).tolist() == [1, 2, 1, 2, 1, 2, 1, 2, 1, 0]


def test_the_warning_points_at_the_users_line():
    model = line_model(SGD(100.0))
    with pytest.warns(TrainingWarning) as caught:
        model.fit([1.0], [0.0], epochs=100, verbose=0)
    assert [warning.filename for warning in caught] == [__file__]


def test_the_numbers_so_far(monkeypatch, noisy):
    """Oracle: the losses after each step, and the accuracy of the epoch after the last step."""
    slices_of(monkeypatch, 1)
    seen = []
    (record,) = ran(
        *noisy, 1, on_slice=lambda steps_done, steps, logs, snapshot: seen.append(logs())
    )
    losses = np.asarray(record.train_state.losses, np.float64)
    assert [now["loss"] for now in seen] == [losses[: i + 1].mean() for i in range(5)]
    assert seen[-1]["accuracy"] == record.logs["accuracy"]
    assert seen[0]["accuracy"] * 5 in range(6)
