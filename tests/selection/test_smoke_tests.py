"""Short trainings. Oracles: the rows that were passed, and `fit` on the same rows."""

from contextlib import closing

import numpy as np
import pytest

import glassnet as gn
from glassnet.inspection.training_runs import RunSettings
from glassnet.layers import Dense
from glassnet.selection.smoke_tests import (
    MAX_TRAIN_ROWS,
    MAX_VALIDATION_ROWS,
    TrainingLimits,
    draw_sample,
    train_shortly,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(5000, 3)).astype(np.float32)
X[:, 0] = np.arange(5000)  # each row can be recognized
Y = X[:, 1] + X[:, 2]


def make_model():
    model = gn.Sequential([Dense(4, activation="tanh"), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    return model


def sample_of(*args, **options):
    with closing(
        make_model().iter_training_runs(*args, [RunSettings(batch_size=32)], **options)
    ) as runs:
        return draw_sample(next(runs))


def positions(data):
    return data.x[:, 0].astype(int)


def test_small_data_are_split_and_keep_their_pairs():
    sample = sample_of(X[:100], Y[:100])
    train, validation = positions(sample.train), positions(sample.validation)
    assert (len(train), len(validation)) == (75, 25)
    assert sorted([*train, *validation]) == list(range(100))
    assert np.array_equal(sample.train.y[:, 0], Y[train])
    assert np.array_equal(sample.validation.y[:, 0], Y[validation])


def test_large_data_are_sampled_at_random():
    sample = sample_of(X, Y)
    n = MAX_TRAIN_ROWS + MAX_VALIDATION_ROWS
    rows = np.concatenate([positions(sample.train), positions(sample.validation)])
    assert len(rows) == len(set(rows)) == n
    assert abs(rows.mean() - 2500) < 100  # the first n rows would have a mean of 1,536


def test_the_validation_rows_of_fit_are_used():
    """Oracle: the rows that the same split would hold out of a fit."""
    sample = sample_of(X[:200], Y[:200], validation_split=0.2)
    assert (len(sample.train.x), len(sample.validation.x)) == (160, 40)
    other = sample_of(X[:200], Y[:200], validation_data=(X[:9], Y[:9]))
    assert np.array_equal(positions(other.validation), np.arange(9))
    assert len(other.train.x) == 200


def test_few_rows_are_not_split():
    sample = sample_of(X[:20], Y[:20])
    assert sample.validation is None
    assert len(sample.train.x) == 20


def test_weights_stay_with_their_rows():
    sample = sample_of(X[:100], Y[:100], sample_weight=np.arange(100.0))
    assert np.array_equal(sample.train.weight, positions(sample.train))


def test_batches_are_read_from_the_start():
    batches = [(X[i : i + 30], Y[i : i + 30]) for i in range(0, 110, 30)]
    sample = sample_of(batches, None)
    rows = [*positions(sample.train), *positions(sample.validation)]
    assert sorted(rows) == list(range(120))


def test_a_memory_map_gives_its_rows(tmp_path):
    path = tmp_path / "x.npy"
    np.save(path, X[:300])
    sample = sample_of(np.load(path, mmap_mode="r"), Y[:300])
    rows = [*positions(sample.train), *positions(sample.validation)]
    assert sorted(rows) == list(range(300))
    assert np.array_equal(sample.train.y[:, 0], Y[positions(sample.train)])


def test_a_series_is_split_by_time():
    import pandas as pd

    table = pd.DataFrame({"value": np.sin(np.arange(300) / 5)})
    series = gn.data.series(table, target="value", length=8, horizon=2)
    model = gn.Sequential([gn.layers.Flatten(), Dense(2)], seed=0)
    with closing(model.iter_training_runs(series, None, [RunSettings(batch_size=32)])) as runs:
        run = next(runs)
        everything, sample = np.asarray(run.source.data.x), draw_sample(run)
    n, n_validation = len(everything), len(sample.validation.x)
    assert np.array_equal(sample.validation.x, everything[n - n_validation :])
    assert len(sample.train.x) == n - n_validation - 1  # horizon - 1 windows overlap
    assert np.array_equal(sample.train.x, everything[: len(sample.train.x)])


@pytest.fixture(name="run", scope="module")
def make_run():
    with closing(
        make_model().iter_training_runs(
            X[:100] / 5000, Y[:100], [RunSettings(batch_size=32)], validation_split=0.2
        )
    ) as runs:
        run = next(runs)
        yield run, draw_sample(run)


def train(run, steps, **options):
    run, sample = run
    limits = TrainingLimits(steps, **({"seconds": 60.0} | options))
    return train_shortly(run.program, run.start, sample, limits, batch_size=32, seed=run.seed)


def test_a_short_training_equals_fit(run):
    """Oracle: `fit` of the same model on the same rows: the same bits."""
    training = train(run, 9)  # three epochs of three steps
    model = make_model()
    history = model.fit(X[:100] / 5000, Y[:100], epochs=3, validation_split=0.2, verbose=0)
    assert training.history.history == history.history
    assert training.history.steps == 9
    assert not training.is_interrupted
    assert int(training.last.train_state.step) == 9


def test_a_short_training_ends_when_the_time_is_over(run):
    slow = train(run, 3000, seconds=0.0)
    assert slow.history.stopped == "epoch 1, step 1 of 3: the time of a smoke test is over"
    assert not slow.is_interrupted
    assert slow.history.steps == 1


def test_ctrl_c_ends_a_short_training(run, monkeypatch):
    from glassnet.selection import smoke_tests

    class Guard:
        interrupted = True

        def __enter__(self):
            return self

        def __exit__(self, *failure):
            pass

    monkeypatch.setattr(smoke_tests, "InterruptGuard", Guard)
    training = train(run, 300)
    assert training.is_interrupted
    assert "interrupted by Ctrl-C" in training.history.stopped
