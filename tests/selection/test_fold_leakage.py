"""No leakage: what the networks of folds learn does not depend on the held-out rows."""

from dataclasses import replace

import numpy as np
import pytest

import glassnet as gn
from glassnet.callbacks import EarlyStopping
from glassnet.data.images import Images
from glassnet.errors import DataError
from glassnet.layers import Dense, Input, Normalization
from glassnet.pipeline.array_adapter import ArrayAdapter
from glassnet.selection.experiments import Experiment
from glassnet.selection.runs import Run
from single_fits import (
    Rows,
    image_net,
    make_images,
    make_numbers,
    make_runs,
    make_series,
    make_table,
    make_texts,
    series_net,
    table_net,
    text_net,
    train_alone,
)


def numbers_net():
    model = gn.Sequential(
        [Input(4), Normalization(), Dense(6, "tanh"), Dense(3, "softmax")], seed=0
    )
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    return model


def spoil_numbers(rows, test):
    x, y = rows.x.copy(), rows.y.copy()
    x[test] = 1000 * x[test] - 500
    y[test] = 2 - y[test]
    return Rows(x, y)


def spoil_table(rows, test):
    """Return a table with other towns, sizes, gaps and targets in the held-out rows."""
    frame = rows.x.copy()
    town, size, rooms, price = (frame.columns.get_loc(name) for name in frame.columns)
    frame.iloc[test, town] = [f"elsewhere {i % 3}" for i in range(len(test))]
    frame.iloc[test, size] = np.where(np.arange(len(test)) % 2, np.nan, -1e4 * (2 + test))
    frame.iloc[test, rooms] = 77 + test
    frame.iloc[test, price] = -1e9 * (1 + test)
    return rows._replace(x=frame)


def spoil_images(rows, test):
    x, y = rows.x.x.copy(), rows.x.y.copy()
    x[test], y[test] = 255 - x[test], 1 - y[test]
    return Rows(Images(x, y, rows.x.class_names, ()))


def spoil_series(rows, test):
    """Return a series with other values after the last step that training may see."""
    series = rows.x
    first = test[0] - series.horizon + 1  # the first window that is not in training
    values = series.values.copy()
    values[first - 1 + series.length + series.season + series.horizon :] *= -100
    return Rows(replace(series, values=values))


def spoil_texts(rows, test):
    x, y = rows.x.astype(object), rows.y.copy()
    x[test], y[test] = "nonsense " * 9, 1 - y[test]
    return Rows(x.astype(str), y)


KINDS = {
    "numbers": (numbers_net, make_numbers, spoil_numbers),
    "table": (table_net, make_table, spoil_table),
    "images": (image_net, make_images, spoil_images),
    "series": (series_net, make_series, spoil_series),
    "texts": (text_net, make_texts, spoil_texts),
}


def make_experiment(model, rows, options):
    options = {"epochs": 3, "batch_size": 8, "verbose": 0} | rows.options | options
    return Experiment("test", model, rows.x, rows.y, options)


@pytest.mark.parametrize(
    "options",
    [{}, {"validation_split": 0.25, "epochs": 8, "callbacks": EarlyStopping(patience=2)}],
    ids=["plain", "early stopping"],
)
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_learned_from_held_out_rows(kind, options):
    """Oracle: the run on the original data. Weights, statistics, encodings have equal bits.

    The histories are equal except for what the held-out rows score.
    """
    make_model, make_rows, spoil = KINDS[kind]
    rows = make_rows()
    experiment = make_experiment(make_model(), rows, options)
    for run in make_runs(experiment):
        (original,) = experiment.train([run])
        spoiled_rows = spoil(rows, run.test_rows)
        (spoiled,) = make_experiment(make_model(), spoiled_rows, options).train([run])
        assert original.scores["loss"] != spoiled.scores["loss"]
        assert_same_model(original.model, spoiled.model)
        for name, values in original.history.history.items():
            if options or not name.startswith("val_"):
                assert values == spoiled.history.history[name]


def assert_same_model(one, other):
    """Assert that two models have learned the same: weights, statistics and preprocessor."""
    assert len(one.get_weights()) > 0
    for left, right in zip(one.get_weights(), other.get_weights(), strict=True):
        assert np.array_equal(left, right)
    assert repr(learned(one)) == repr(learned(other))
    assert repr(one.get_settings().layers) == repr(other.get_settings().layers)


def learned(model):
    """Return what the preprocessor of a model has learned, without where a forecast starts."""
    preprocessor = model.preprocessor
    return (
        replace(preprocessor, recent=(0.0,) * 9)
        if hasattr(preprocessor, "recent")
        else preprocessor
    )


def test_a_series_before_the_first_training_window():
    """The scale of a series is that of the training windows, if earlier ones are left out too."""
    rows, first = make_series(), 12
    run = Run(np.arange(first, 27), np.arange(29, 40), seed=1)
    values = rows.x.values.copy()
    values[:first] *= -100
    (original,), (spoiled,) = (
        make_experiment(series_net(), each, {}).train([run])
        for each in (rows, Rows(replace(rows.x, values=values)))
    )
    assert_same_model(original.model, spoiled.model)
    single = train_alone(series_net(), rows, run, epochs=3, batch_size=8)
    np.testing.assert_allclose(
        single.get_weights()[0], original.model.get_weights()[0], rtol=1e-4, atol=1e-5
    )


def test_runs_whose_arrays_of_rows_are_freed():
    """An array of rows is not mistaken for an earlier one at the same address."""
    rows = make_numbers()
    experiment = make_experiment(numbers_net(), rows, {})
    for start in range(0, 15):
        run = Run(np.arange(start, start + 20), np.arange(0), seed=1)
        prepared = experiment._preparer.prepare(run, 1)
        np.testing.assert_array_equal(prepared.network_run.train_rows, run.train_rows)
        del run, prepared


def test_an_adapter_that_ignores_the_rows():
    """A user's kind of data cannot train on held-out rows: its split is checked."""

    class Careless(ArrayAdapter):
        def split(self, rows, loss, options):
            return np.arange(len(rows.x)), None

    rows = make_numbers()
    experiment = make_experiment(numbers_net(), rows, {})
    runs = make_runs(experiment)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ArrayAdapter, "split", Careless.split)
        text = "ArrayAdapter: expected training rows from options.rows. Use options.split in"
        with pytest.raises(DataError, match=text):
            experiment.train(runs)


def scaled_net(x):
    layers = [Input(4), Normalization().adapt(x), Dense(6, "tanh"), Dense(3, "softmax")]
    model = gn.Sequential(layers, seed=0)
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    return model


@pytest.mark.parametrize(
    ("make_model", "rows"), [(scaled_net, make_numbers()), (text_net, make_texts())]
)
def test_layers_that_were_adapted_to_all_rows(make_model, rows):
    """Each fold learns statistics and vocabularies anew. Oracle: a model adapted to other rows."""
    one, other = (make_experiment(make_model(x), rows, {"epochs": 1}) for x in (rows.x, rows.x[:2]))
    run = make_runs(one)[0]
    assert_same_model(one.train([run])[0].model, other.train([run])[0].model)
