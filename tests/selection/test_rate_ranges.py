"""Learning-rate range test. Oracles: `fit` with the same schedule (6), and results by hand (1)."""

import pickle
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import glassnet as gn
from glassnet.errors import ArgumentError, ConfigError, DataError, TrainingWarning
from glassnet.layers import Dense, Input
from glassnet.optimizers import SGD, Adam
from glassnet.schedules import CosineDecay
from glassnet.selection import learning_rate_range
from glassnet.selection.experiments import Experiment
from glassnet.selection.rate_ranges import ExponentialRise, choose_equal_batches, find_range

X = np.random.default_rng(0).normal(size=(70, 3)).astype(np.float32)
Y = (X @ [1.0, -2.0, 0.5] + 0.1).astype(np.float32)
STEPS = 100


def make_model(optimizer="sgd"):
    model = gn.Sequential([Input(3), Dense(4, activation="tanh"), Dense(1)], seed=3)
    model.compile(optimizer, "mse")
    return model


def run(model, x=X, y=Y, **changes):
    options = {"seeds": 3, "steps": STEPS, "verbose": 0} | changes
    return learning_rate_range(model, x, y, **options)


@pytest.fixture(scope="module")
def result():
    return run(make_model())


def test_no_epochs_are_announced(capsys):
    """The steps are those of the test, not of the training to come."""
    gn.selection.learning_rate_range(make_model(), X, Y, seeds=2, steps=60)
    assert "epochs" not in capsys.readouterr().out


def test_the_losses_are_those_of_fit():
    """With one batch of all rows, the loss of an epoch is that of its step. Seeds are 3, 4, 5."""
    result = run(make_model(), batch_size="full", high=0.1)
    assert result.seeds.tolist() == [3, 4, 5]
    for seed, losses in zip(result.seeds, result.losses, strict=True):
        model = make_model(SGD(ExponentialRise(1e-6, 0.1, STEPS)))
        model.reset(int(seed))
        history = model.fit(X, Y, batch_size="full", epochs=STEPS, verbose=0)
        np.testing.assert_allclose(losses, history.history["loss"], rtol=1e-5)


def test_the_rate_rises_by_the_same_factor(result):
    """10 / 1e-6 in 99 equal factors; the schedule has the same rates, and then the last one."""
    factors = result.rates[1:] / result.rates[:-1]
    np.testing.assert_allclose(factors, 1e7 ** (1 / (STEPS - 1)))
    rise = ExponentialRise(1e-6, 10.0, STEPS)
    np.testing.assert_allclose(rise(np.arange(STEPS)), result.rates, rtol=1e-5)
    assert rise(STEPS + 20) == pytest.approx(10)


def test_a_band_is_found_in_which_training_works(result):
    """Twenty epochs: the suggestion reaches a tenth of the loss; 100 times the upper end diverges."""
    assert result.problem == ""
    assert result.band[0] < result.suggestion <= result.band[1]
    model = make_model()
    model.learning_rate = result.suggestion
    losses = model.fit(X, Y, epochs=20, verbose=0).history["loss"]
    assert losses[-1] < losses[0] / 10
    model.reset()
    model.learning_rate = 100 * result.band[1]
    with pytest.warns(TrainingWarning, match="is not finite"):
        model.fit(X, Y, epochs=20, verbose=0)


def test_what_diverges_ends_there(result):
    """SGD at rates up to 10 diverges on a squared loss. What follows is NaN."""
    for losses, smoothed, rate in zip(
        result.losses, result.smoothed, result.divergence, strict=True
    ):
        end = int(np.flatnonzero(result.rates == rate)[0])
        assert 0 < end < STEPS - 1
        assert np.isfinite(losses[:end]).all()
        assert np.isnan(losses[end + 1 :]).all()
        assert np.isnan(smoothed[end:]).all()


def test_the_same_call_gives_the_same_result(result):
    again = run(make_model())
    np.testing.assert_array_equal(again.losses, result.losses)
    assert again.suggestion == result.suggestion


def test_the_model_stays_as_it_is():
    """Weights, optimizer and rate of a trained model: nothing is applied."""
    model = make_model(Adam(CosineDecay(0.02, 100)))
    fresh = run(model)
    model.fit(X, Y, epochs=2, verbose=0)
    weights, rate, optimizer = model.get_weights(), model.learning_rate, model.optimizer
    result = run(model)
    for before, after in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    assert (model.learning_rate, model.optimizer, model.epoch) == (rate, optimizer, 2)
    np.testing.assert_array_equal(result.losses, fresh.losses)
    schedule = "The rising rate replaced the schedule CosineDecay, only in the test."
    assert fresh.notes == (schedule,)
    assert result.notes == (
        "The model has been trained. Its weights were not used.",
        schedule,
    )
    assert str(result).endswith("\n".join(result.notes))
    model.learning_rate = result.suggestion
    assert model.learning_rate == pytest.approx(result.suggestion, rel=1e-6)


def test_validation_rows_are_left_out():
    """Those of `fit`: with absurd targets there, the result is the same, bit for bit."""
    model = make_model()
    model.fit(X, Y, epochs=0, validation_split=0.3, verbose=0)
    index = gn.data.split.train_validation_split(70, None, 0.3, "random", 3)[1]
    spoiled = Y.copy()
    spoiled[index] = 1e6
    results = [run(make_model(), y=y, validation_split=0.3) for y in (Y, spoiled)]
    np.testing.assert_array_equal(results[0].losses, results[1].losses)
    end = [
        run(make_model(), y=y, validation_split=0.3, validation_from="end") for y in (Y, spoiled)
    ]
    assert not np.array_equal(end[0].losses, end[1].losses)


def test_batches_are_of_equal_size():
    """Of 70 rows, 64 fill two batches of 32. Twenty steps of two rows need 40, of each class one."""
    rows = np.arange(70)
    experiment = SimpleNamespace(seed=0, labels=None)
    chosen, n_batches = choose_equal_batches(experiment, rows, 50, 32)
    assert (len(np.unique(chosen)), n_batches) == (64, 2)
    for batch_size in ("full", 70, 1000):
        chosen, n_batches = choose_equal_batches(experiment, rows, 50, batch_size)
        assert (chosen.tolist(), n_batches) == (rows.tolist(), 1)
    labels = np.repeat([0, 1, 2], [34, 35, 1])
    for seed in range(20):
        experiment = SimpleNamespace(seed=seed, labels=labels)
        chosen, n_batches = choose_equal_batches(experiment, rows, 20, 2)
        assert (len(np.unique(chosen)), n_batches) == (40, 20)
        assert labels[chosen].max() == 2


def test_a_table_and_a_keras_model():
    frame = pd.DataFrame({"a": X[:, 0], "kind": ["x", "y"] * 35})
    model = gn.keras.Sequential([gn.keras.layers.Dense(2, activation="softmax")])
    result = run(model, frame, None, target="kind", steps=20, seeds=1, seed=5)
    assert result.seeds.tolist() == [5]
    assert result.losses[0, 0] == pytest.approx(np.log(2), abs=0.5)


def test_windows_of_a_series():
    frame = pd.DataFrame({"t": np.arange(60), "v": np.sin(np.arange(60) / 3)})
    series = gn.data.series(frame, "v", time="t", horizon=2)
    result = run(gn.Sequential([gn.layers.Flatten(), Dense(2)], seed=0), series, None, seeds=1)
    assert np.isfinite(result.losses[0, 0])


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"seeds": 0}, "seeds to be a number of networks >= 1. Received: seeds=0."),
        ({"seeds": True}, "Received: seeds=True."),
        ({"steps": 5}, "steps to be an int from 20 to 100,000. Received: steps=5."),
        ({"low": 0}, "low to be a learning rate > 0. Received: low=0."),
        ({"high": -1.0}, "high to be a learning rate > 0. Received: high=-1.0."),
        ({"high": np.nan}, "high to be a learning rate > 0."),
        ({"low": "tiny"}, "low to be a learning rate > 0. Received: low='tiny'."),
        (
            {"low": 1.0, "high": 1e-3},
            "low below high. Received: low=1.0, high=0.001. The rate rises from low to high: pass"
            " low=0.001, high=1.0.",
        ),
        ({"low": 1.0, "high": 1.0}, "low below high. Received: low=1.0, high=1.0."),
        ({"low": 1.0, "high": 5.0}, "high to be at least 10 times low."),
        ({"epochs": 3}, "no epochs. The rows are repeated until all steps are done. Pass steps="),
        ({"callbacks": []}, "no callbacks. Every step has another learning rate"),
        ({"validation_data": (X, Y)}, "no validation_data. The losses of the training steps"),
        ({"batch_size": 0}, "batch_size"),
        ({"validation_split": 1.5}, "validation_split"),
    ],
)
def test_bad_arguments(changes, text):
    with pytest.raises(ConfigError) as error:
        run(make_model(), **changes)
    assert text in str(error.value)


def test_bad_data_and_names():
    with pytest.raises(DataError, match="learning_rate_range: expected rows"):
        run(make_model(), x=iter([(X, Y)]), y=None)
    with pytest.raises(ArgumentError, match="Did you mean 'steps'"):
        run(make_model(), stepz=3)
    with pytest.raises(ConfigError, match="a model as the first argument"):
        run("model")


def test_an_interrupted_test_raises(monkeypatch):
    """A part of a rising rate is no result."""
    interrupted = SimpleNamespace(is_interrupted=True)
    monkeypatch.setattr(Experiment, "train", lambda experiment, runs: [interrupted])
    with pytest.raises(KeyboardInterrupt):
        run(make_model())


def test_a_result_can_be_shown_and_written(result):
    assert "Usable learning rates" in result._repr_html_()
    saved = pickle.loads(pickle.dumps(result))
    assert str(saved) == str(result)
    assert saved.to_dict()["arrays"]["losses"].shape == (3, STEPS)


def make_curves():
    rates = np.logspace(-6, 1, 150)
    decades = np.log10(rates)
    fall = [2 - 1.5 / (1 + np.exp(-(decades - at) / 0.15)) for at in (-2.2, -2, -1.9)]
    return rates, np.array(fall) + 5 * 10 ** np.minimum(3 * decades, 6)


def test_titles_and_sentences():
    rates, losses = make_curves()
    result = find_range(rates, losses, [7, 8, 9])
    low, high, suggestion = (
        gn.formatting.format_number(x, 2) for x in (*result.band, result.suggestion)
    )
    assert result.title == f"Usable learning rates: {low} to {high} (suggestion: {suggestion})"
    lines = str(result).splitlines()
    assert lines[1] == f"from {low}: the loss begins to fall"
    assert lines[2].startswith(f"to {high}: half of ")
    expected = f"suggestion {suggestion}: a quarter of the median rate of the smallest loss"
    assert lines[3] == expected
    assert lines[4] == "To use it: model.learning_rate = result.suggestion"
    assert lines[5].startswith("Between 3 seeds, the rate of the smallest loss differs by a factor")
    flat = find_range(rates, np.full((2, 150), 2.0), [0, 1])
    assert flat.title == "The loss does not fall in 2 of 2 seeds at any rate from 1e-06 to 10"
    some = find_range(rates, np.vstack([losses, np.full(150, 2.0)]), range(4))
    assert "In 1 of 4 seeds, the loss falls by less than its noise." in str(some)
    assert np.isnan(some.minimum).tolist() == [False, False, False, True]


def test_the_frame():
    rates, losses = make_curves()
    frame = find_range(rates, losses, [7, 8, 9]).to_frame()
    assert list(frame.columns) == ["seed", "learning_rate", "loss", "smoothed"]
    row = frame.iloc[150 + 20]
    assert (row["seed"], row["learning_rate"], row["loss"]) == (8, rates[20], losses[1, 20])


def test_the_figure():
    """A line for each seed, their median, the band, both reasons and the suggestion."""
    rates, losses = make_curves()
    result = find_range(rates, losses, [7, 8, 9])
    axes = Figure().subplots()
    result.plot(ax=axes)
    lines = axes.get_lines()
    for line, expected in zip(lines, result.losses, strict=False):
        np.testing.assert_array_equal(line.get_ydata(), expected)
    np.testing.assert_array_equal(
        lines[3].get_ydata()[:100], np.median(result.smoothed[:, :100], axis=0)
    )
    assert axes.get_xscale() == "log"
    assert [line.get_xdata()[0] for line in lines[4:]] == [*result.band, result.suggestion]
    texts = [text.get_text().replace("\n", " ") for text in axes.texts]
    for text, reason in zip(texts, result.reasons, strict=True):
        assert text.endswith(reason)
    assert axes.get_title().replace("\n", " ") == result.title
    flat = find_range(rates, np.full((2, 150), np.nan), [0, 1]).plot().axes[0]
    assert len(flat.get_lines()) == 3
